// HMAC with SHA-256 or SHA-384 (RFC 2104), on the stack and without a lookup of algorithms.
#pragma once

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <variant>

namespace weir::tls {

using Bytes = std::span<const unsigned char>;

// OpenSSL 3 calls these functions old because they know no providers. That is why they are used
// here: each costs a tenth of what its successor does.

struct Sha256 {
  using State = SHA256_CTX;
  static constexpr std::size_t kBytes = SHA256_DIGEST_LENGTH;
  static constexpr std::size_t kBlock = SHA256_CBLOCK;
  static void start(State& state) { SHA256_Init(&state); }
  static void add(State& state, Bytes data) { SHA256_Update(&state, data.data(), data.size()); }
  static void finish(State& state, unsigned char* out) { SHA256_Final(out, &state); }
};

struct Sha384 {
  using State = SHA512_CTX;
  static constexpr std::size_t kBytes = SHA384_DIGEST_LENGTH;
  static constexpr std::size_t kBlock = SHA512_CBLOCK;
  static void start(State& state) { SHA384_Init(&state); }
  static void add(State& state, Bytes data) { SHA384_Update(&state, data.data(), data.size()); }
  static void finish(State& state, unsigned char* out) { SHA384_Final(out, &state); }
};

constexpr std::size_t kMostDigestBytes = Sha384::kBytes;

/// One key, any number of messages one after the other. Leaves nothing of the key behind.
template <class Hash>
class HmacOf {
 public:
  explicit HmacOf(Bytes key) {
    std::array<unsigned char, Hash::kBlock> padded{};
    if (key.size() > padded.size()) {
      Hash::start(inner_);
      Hash::add(inner_, key);
      Hash::finish(inner_, padded.data());
    } else {
      std::ranges::copy(key, padded.begin());
    }
    for (unsigned char& byte : padded) byte ^= 0x36;
    Hash::start(keyed_inner_);
    Hash::add(keyed_inner_, padded);
    for (unsigned char& byte : padded) byte ^= 0x36 ^ 0x5c;
    Hash::start(keyed_outer_);
    Hash::add(keyed_outer_, padded);
    OPENSSL_cleanse(padded.data(), padded.size());
    restart();
  }
  HmacOf(const HmacOf&) = default;
  HmacOf& operator=(const HmacOf&) = default;
  ~HmacOf() { OPENSSL_cleanse(this, sizeof *this); }

  static constexpr std::size_t kBytes = Hash::kBytes;
  void restart() { inner_ = keyed_inner_; }
  void add(Bytes data) { Hash::add(inner_, data); }
  /// Writes kBytes; `restart` comes before the next message.
  void finish(unsigned char* out) {
    Hash::finish(inner_, out);
    inner_ = keyed_outer_;
    Hash::add(inner_, Bytes(out, kBytes));
    Hash::finish(inner_, out);
  }

 private:
  typename Hash::State inner_;
  typename Hash::State keyed_inner_;
  typename Hash::State keyed_outer_;
};

}  // namespace weir::tls

#include "io/tls/key_schedule.h"

#include <cstdint>

namespace weir::tls {
namespace {

constexpr std::size_t kMostLabel = 255;

template <class Hash>
bool expand(Bytes secret, Bytes info, std::span<unsigned char> out) {
  constexpr std::size_t kMostRounds = 255;  // RFC 5869, 2.3
  if (out.size() > kMostRounds * Hash::kBytes) return false;
  HmacOf<Hash> hmac(secret);
  std::array<unsigned char, Hash::kBytes> block;
  Bytes before;  // nothing, in the first round
  for (unsigned char round = 1; !out.empty(); ++round) {
    hmac.restart();
    hmac.add(before);
    hmac.add(info);
    hmac.add(Bytes(&round, 1));
    hmac.finish(block.data());
    before = block;
    const std::size_t count = std::min(out.size(), block.size());
    std::copy_n(block.begin(), count, out.begin());
    out = out.subspan(count);
  }
  OPENSSL_cleanse(block.data(), block.size());
  return true;
}

template <class Hash>
bool expand_label_with(Bytes secret, Bytes prefix, Bytes label, Bytes data,
                       std::span<unsigned char> out) {
  if (prefix.size() + label.size() > kMostLabel || data.size() > kMostLabel ||
      out.size() > UINT16_MAX) {
    return false;
  }
  std::array<unsigned char, 2 + 1 + kMostLabel + 1 + kMostLabel> info;
  std::size_t used = 0;
  auto put = [&](std::size_t byte) { info[used++] = static_cast<unsigned char>(byte); };
  auto copy = [&](Bytes bytes) {
    std::ranges::copy(bytes, info.begin() + static_cast<std::ptrdiff_t>(used));
    used += bytes.size();
  };
  put(out.size() >> 8);
  put(out.size() & 0xff);
  put(prefix.size() + label.size());
  copy(prefix);
  copy(label);
  put(data.size());
  copy(data);
  return expand<Hash>(secret, Bytes(info).first(used), out);
}

template <class Hash>
bool next_secret_with(const Bytes* secret, Bytes prefix, Bytes label, Bytes input,
                      std::span<unsigned char> out) {
  static constexpr std::array<unsigned char, Hash::kBytes> kZeros{};
  if (out.size() != Hash::kBytes) return false;
  std::array<unsigned char, Hash::kBytes> salt;
  Bytes salt_used;
  if (secret != nullptr) {
    std::array<unsigned char, Hash::kBytes> no_messages;
    typename Hash::State state;
    Hash::start(state);
    Hash::finish(state, no_messages.data());
    if (!expand_label_with<Hash>(*secret, prefix, label, no_messages, salt)) return false;
    salt_used = salt;
  }
  HmacOf<Hash> hmac(salt_used);
  hmac.add(input.empty() ? Bytes(kZeros) : input);
  hmac.finish(out.data());
  OPENSSL_cleanse(salt.data(), salt.size());
  return true;
}

}  // namespace

std::size_t bytes_of(Digest digest) {
  if (digest == Digest::none) return 0;
  return digest == Digest::sha256 ? Sha256::kBytes : Sha384::kBytes;
}

bool expand_label(Digest digest, Bytes secret, Bytes prefix, Bytes label, Bytes data,
                  std::span<unsigned char> out) {
  if (digest == Digest::none) return false;
  return digest == Digest::sha256 ? expand_label_with<Sha256>(secret, prefix, label, data, out)
                                  : expand_label_with<Sha384>(secret, prefix, label, data, out);
}

bool next_secret(Digest digest, const Bytes* secret, Bytes prefix, Bytes label, Bytes input,
                 std::span<unsigned char> out) {
  if (digest == Digest::none) return false;
  return digest == Digest::sha256 ? next_secret_with<Sha256>(secret, prefix, label, input, out)
                                  : next_secret_with<Sha384>(secret, prefix, label, input, out);
}

}  // namespace weir::tls

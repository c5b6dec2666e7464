// Keys of session tickets: they rotate, and may be shared between machines by a file.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/published.h"
#include "io/tls/certificate.h"
#include "io/tls/files.h"

namespace weir {

/// Tickets are encrypted with AES-256-CBC and signed with HMAC-SHA-256 (RFC 5077, section 4).
struct TicketKey {
  std::array<unsigned char, 16> name;
  std::array<unsigned char, 32> hmac;
  std::array<unsigned char, 32> aes;
};

/// The first encrypts; all decrypt, and a ticket of any but the first is renewed.
struct TicketKeySet {
  TicketKeySet() = default;
  TicketKeySet(const TicketKeySet&) = delete;
  TicketKeySet& operator=(const TicketKeySet&) = delete;
  ~TicketKeySet();  // leaves no key in freed memory

  std::vector<TicketKey> keys;
};

/// Shared by every worker and kept over reloads, so that no session has to be remembered.
/// Thread safe.
class TicketKeys {
 public:
  static constexpr std::size_t kMaxKeys = 16;
  static constexpr std::size_t kKeptRandom = 3;  // the current one and two before it

  /// A random key.
  TicketKeys();
  /// Keys from a file: one or more times 80 bytes, each name (16), HMAC key (32), AES key (32). The
  /// first encrypts. Refused: any other size, more than 16, an all-zero or repeated key name, and a
  /// file that others may read.
  static std::expected<std::shared_ptr<TicketKeys>, TlsProblem> from_file(std::string path);

  /// For the owner's timer. Random keys: a new one encrypts, the oldest goes; the period bounds how
  /// long a stolen key is of use (forward secrecy of resumed TLS 1.2). Does nothing with a file.
  void rotate();
  /// Reads the file again if it has changed; true if it had. On a problem the old keys stay.
  std::expected<bool, TlsProblem> refresh();

  bool shared() const { return !path_.empty(); }
  /// Valid until the next call on the same worker.
  const TicketKeySet& current(Slots& worker) const { return *keys_.get(worker); }

 private:
  explicit TicketKeys(std::string path) : path_(std::move(path)) {}
  void publish(std::vector<TicketKey> keys);

  std::string path_;
  std::mutex mutex_;
  FileStamp seen_;
  Published<TicketKeySet> keys_;
};

}  // namespace weir

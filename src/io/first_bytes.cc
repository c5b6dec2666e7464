#include "io/first_bytes.h"

#include <algorithm>

namespace weir {
namespace {

enum class Verdict : std::uint8_t { no, open, yes };

constexpr std::string_view kTls("\x16\x03", 2);
constexpr std::string_view kSsh = "SSH-";
constexpr std::size_t kLongestMethod = 16;

// Messages that a client of PostgreSQL may begin with: length, then a code. A start message has any
// length; its code is the version of the protocol, 3.x.
constexpr std::string_view kPostgresTls("\0\0\0\x08\x04\xd2\x16\x2f", 8);
constexpr std::string_view kPostgresGss("\0\0\0\x08\x04\xd2\x16\x30", 8);
constexpr std::string_view kPostgresCancel("\0\0\0\x10\x04\xd2\x16\x2e", 8);

Verdict begins(std::string_view bytes, std::string_view with) {
  std::size_t size = std::min(bytes.size(), with.size());
  if (bytes.substr(0, size) != with.substr(0, size)) return Verdict::no;
  return size == with.size() ? Verdict::yes : Verdict::open;
}

// A start message is shorter than 10 000 bytes: the server itself refuses others.
Verdict begins_session(std::string_view bytes) {
  if (bytes.size() >= 1 && bytes[0] != 0) return Verdict::no;
  if (bytes.size() >= 2 && bytes[1] != 0) return Verdict::no;
  if (bytes.size() >= 3 && static_cast<unsigned char>(bytes[2]) > 10'000 / 256) return Verdict::no;
  if (bytes.size() <= 4) return Verdict::open;
  if (begins(bytes.substr(4, 3), std::string_view("\0\x03\0", 3)) == Verdict::no)
    return Verdict::no;
  return bytes.size() >= 8 ? Verdict::yes : Verdict::open;
}

Verdict is_postgres(std::string_view bytes) {
  return std::max({begins(bytes, kPostgresTls), begins(bytes, kPostgresGss),
                   begins(bytes, kPostgresCancel), begins_session(bytes)});
}

// A method in capital letters and a space; HTTP/2 begins with such as well.
Verdict is_http(std::string_view bytes) {
  std::size_t length = 0;
  while (length < bytes.size() && bytes[length] >= 'A' && bytes[length] <= 'Z') ++length;
  if (length > kLongestMethod) return Verdict::no;
  if (length == bytes.size()) return Verdict::open;
  return length >= 3 && bytes[length] == ' ' ? Verdict::yes : Verdict::no;
}

}  // namespace

std::optional<FirstBytes> tell_protocol(std::string_view bytes) {
  struct Candidate {
    FirstBytes protocol;
    Verdict verdict;
  };
  const std::array candidates = {Candidate{FirstBytes::tls, begins(bytes, kTls)},
                                 Candidate{FirstBytes::ssh, begins(bytes, kSsh)},
                                 Candidate{FirstBytes::postgres, is_postgres(bytes)},
                                 Candidate{FirstBytes::http, is_http(bytes)}};
  bool open = false;
  for (const Candidate& each : candidates) {
    if (each.verdict == Verdict::yes) return each.protocol;
    open = open || each.verdict == Verdict::open;
  }
  if (open) return std::nullopt;
  return FirstBytes::other;
}

}  // namespace weir

// Test support: ClientHellos, whole and in records. Included by tests and fuzz targets only.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace weir::test {

inline std::string number(std::size_t value, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(value >> (8 * i) & 0xff);
  return text;
}

inline std::string vector(std::string_view bytes, int length_bytes) {
  return number(bytes.size(), length_bytes).append(bytes);
}

inline std::string extension(std::size_t type, std::string_view data) {
  return number(type, 2) + vector(data, 2);
}

inline std::string sni(std::string_view name) {
  return extension(0, vector(number(0, 1) + vector(name, 2), 2));
}

inline std::string alpn(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += vector(name, 1);
  return extension(16, vector(list, 2));
}

/// The handshake message.
inline std::string hello_message(std::string_view extensions) {
  std::string body = "\x03\x03" + std::string(32, 'r');
  body += vector("session", 1) + vector(number(0x1301, 2), 2) + vector(number(0, 1), 1);
  body += vector(extensions, 2);
  return number(1, 1) + vector(body, 3);
}

/// `message` in records of at most `piece` bytes.
inline std::string in_records(std::string_view message, std::size_t piece = 16384) {
  std::string bytes;
  while (!message.empty()) {
    std::string_view part = message.substr(0, piece);
    bytes += "\x16\x03\x01" + vector(part, 2);
    message.remove_prefix(part.size());
  }
  return bytes;
}

}  // namespace weir::test

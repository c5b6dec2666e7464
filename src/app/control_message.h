// What the command line and a running process say to each other: a line of JSON each way.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Of the protocol. A process refuses requests of another version.
inline constexpr int kControlVersion = 1;

/// Bytes of a line, its end included.
inline constexpr std::size_t kMaxControlRequest = 1024 * 1024;
inline constexpr std::size_t kMaxControlAnswer = 64 * 1024 * 1024;

/// `{"version": 1, "verb": "explain", "arguments": {"request": "/a", "header": ["A: b"]}}`
struct ControlRequest {
  std::string verb;
  std::map<std::string, std::vector<std::string>> arguments;

  /// The first value; empty if there is none.
  std::string_view argument(const std::string& name) const;
  std::vector<std::string> list(const std::string& name) const;
};

/// `{"version": 1, "ok": true, "text": "...", "data": ...}`
struct ControlAnswer {
  bool ok = false;
  std::string text;  // for people, ends with a line end
  std::string data;  // JSON for programs; may be empty
};

/// Lines without their end.
std::string encode(const ControlRequest& request);
std::string encode(const ControlAnswer& answer);

/// The error says what is wrong with the line.
std::expected<ControlRequest, std::string> decode_request(std::string_view line);
std::expected<ControlAnswer, std::string> decode_answer(std::string_view line);

}  // namespace weir

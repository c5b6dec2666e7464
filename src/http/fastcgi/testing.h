// Test support: FastCGI as an application speaks it. Included by tests only.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "http/fastcgi/records.h"

namespace weir::test {

inline std::string record(int type, std::string_view content, int padding = 0, int request = 1,
                          int version = 1) {
  std::string text;
  for (int byte :
       {version, type, request >> 8, request & 0xff, static_cast<int>(content.size() >> 8),
        static_cast<int>(content.size() & 0xff), padding, 0}) {
    text += static_cast<char>(byte);
  }
  return text.append(content).append(static_cast<std::size_t>(padding), 'P');
}
inline std::string output(std::string_view text, int padding = 0) {
  return record(6, text, padding);
}
inline std::string error_output(std::string_view text) { return record(7, text); }
inline std::string end_request(int protocol_status = 0) {
  std::string content(8, '\0');
  content[4] = static_cast<char>(protocol_status);
  return record(3, content);
}
/// The record that ends the body of a request.
inline std::string end_of_input() { return record(5, ""); }

/// What a web server sent, taken apart.
struct SentToApplication {
  std::map<std::string, std::string> params;
  std::vector<std::string> twice;  // names that came more than once
  std::string body;
  bool params_ended = false;
  bool body_ended = false;
  bool keep = false;
  std::size_t records = 0;
};

inline std::size_t take_length(std::string_view& bytes) {
  auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(bytes[i]));
  };
  std::size_t length = byte(0);
  if (length < 128) {
    bytes.remove_prefix(1);
    return length;
  }
  length = (length & 0x7f) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
  bytes.remove_prefix(4);
  return length;
}

inline void take_pairs(std::string_view content, SentToApplication& sent) {
  while (!content.empty()) {
    std::size_t name_size = take_length(content);
    std::size_t value_size = take_length(content);
    if (name_size + value_size > content.size()) {
      ADD_FAILURE() << "a pair that does not lie within one record";
      return;
    }
    std::string name(content.substr(0, name_size));
    auto [at, fresh] = sent.params.emplace(name, content.substr(name_size, value_size));
    if (!fresh) sent.twice.push_back(name);
    content.remove_prefix(name_size + value_size);
  }
}

inline SentToApplication sent_to_application(std::string_view bytes) {
  SentToApplication sent;
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  while (bytes.size() >= 8) {
    std::size_t size = static_cast<std::size_t>(byte(4)) << 8 | byte(5);
    std::size_t padding = byte(6);
    int type = byte(1);
    if (bytes.size() < 8 + size + padding) break;
    std::string_view content = bytes.substr(8, size);
    EXPECT_EQ(byte(0), 1);
    EXPECT_EQ(byte(2) << 8 | byte(3), 1);
    if (type == 1) sent.keep = (content[2] & 1) != 0;
    if (type == 4) take_pairs(content, sent);
    if (type == 4 && size == 0) sent.params_ended = true;
    if (type == 5) sent.body += content;
    if (type == 5 && size == 0) sent.body_ended = true;
    ++sent.records;
    bytes.remove_prefix(8 + size + padding);
  }
  return sent;
}

}  // namespace weir::test

// For tests: DNS answers put together record by record, right or wrong.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "io/address.h"

namespace weir::dns {

inline std::string wire16(unsigned value) {
  return {static_cast<char>(value >> 8 & 255), static_cast<char>(value & 255)};
}
inline std::string wire32(std::uint32_t value) { return wire16(value >> 16) + wire16(value); }

/// Labels and the root, without compression.
inline std::string wire_name(std::string_view name) {
  std::string bytes;
  while (!name.empty()) {
    std::string_view label = name.substr(0, name.find('.'));
    bytes += static_cast<char>(label.size());
    bytes += label;
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  return bytes + '\0';
}

struct Asked {
  std::string name;  // in lower case
  unsigned type;
  std::size_t size;  // of the question section
  bool edns;
};

inline Asked asked(std::string_view query) {
  Asked question{};
  std::size_t at = 12;
  while (query[at] != 0) {
    auto size = static_cast<std::size_t>(query[at]);
    if (!question.name.empty()) question.name += '.';
    question.name += query.substr(at + 1, size);
    at += 1 + size;
  }
  for (char& c : question.name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  question.type = static_cast<unsigned char>(query[at + 2]);
  question.size = at + 5 - 12;
  question.edns = query[11] != 0;
  return question;
}

/// Begins as the empty answer of a recursive server.
class ScriptedAnswer {
 public:
  explicit ScriptedAnswer(std::string_view query)
      : id_(query.substr(0, 2)), question_(query.substr(12, asked(query).size)) {}

  ScriptedAnswer& code(unsigned value) { return flags_ |= value, *this; }
  ScriptedAnswer& flags(unsigned value) { return flags_ = value, *this; }
  ScriptedAnswer& truncated() { return flags_ |= 0x0200, *this; }
  ScriptedAnswer& other_id() { return id_[0] = static_cast<char>(id_[0] ^ 1), *this; }
  ScriptedAnswer& question(std::string bytes) { return question_ = std::move(bytes), *this; }
  ScriptedAnswer& questions(unsigned value) { return questions_ = value, *this; }
  ScriptedAnswer& tail(std::string bytes) { return tail_ = std::move(bytes), *this; }

  ScriptedAnswer& a(std::string_view owner, std::uint32_t ttl, std::string_view ip) {
    IpAddress address = *IpAddress::parse(ip);
    std::string data(address.bytes.begin() + 12, address.bytes.end());
    return record(wire_name(owner), 1, ttl, data);
  }
  ScriptedAnswer& aaaa(std::string_view owner, std::uint32_t ttl, std::string_view ip) {
    IpAddress address = *IpAddress::parse(ip);
    return record(wire_name(owner), 28, ttl, {address.bytes.begin(), address.bytes.end()});
  }
  ScriptedAnswer& cname(std::string_view owner, std::uint32_t ttl, std::string_view target) {
    return record(wire_name(owner), 5, ttl, wire_name(target));
  }
  ScriptedAnswer& srv(std::string_view owner, std::uint32_t ttl, unsigned priority, unsigned weight,
                      unsigned port, std::string_view target) {
    return record(wire_name(owner), 33, ttl,
                  wire16(priority) + wire16(weight) + wire16(port) + wire_name(target));
  }
  /// Into the authority section; to come after all answers.
  ScriptedAnswer& soa(std::string_view zone, std::uint32_t ttl, std::uint32_t minimum) {
    std::string data =
        wire_name("ns." + std::string(zone)) + wire_name("mail." + std::string(zone));
    for (std::uint32_t number : {1u, 2u, 3u, 4u, minimum}) data += wire32(number);
    record(wire_name(zone), 6, ttl, data);
    --answers_;
    ++authorities_;
    return *this;
  }
  ScriptedAnswer& record(const std::string& owner, unsigned type, std::uint32_t ttl,
                         const std::string& data, unsigned dns_class = 1) {
    records_ += owner + wire16(type) + wire16(dns_class) + wire32(ttl) +
                wire16(static_cast<unsigned>(data.size())) + data;
    ++answers_;
    return *this;
  }

  std::string bytes() const {
    return id_ + wire16(flags_) + wire16(questions_) + wire16(answers_) + wire16(authorities_) +
           wire16(0) + question_ + records_ + tail_;
  }

 private:
  std::string id_, question_, records_, tail_;
  unsigned flags_ = 0x8180;  // an answer, recursion wanted and done
  unsigned questions_ = 1, answers_ = 0, authorities_ = 0;
};

}  // namespace weir::dns

#include "expression/redaction.h"

#include <algorithm>

namespace weir::expression {
namespace {

constexpr std::string_view kAll = "*";

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::any_of(names,
                             [&](const std::string& each) { return each == name || each == kAll; });
}

IpAddress network_of(IpAddress ip) {
  std::fill(ip.bytes.begin() + (ip.v4 ? 15 : 6), ip.bytes.end(), 0);
  return ip;
}

}  // namespace

bool Redaction::any() const {
  return client_ip != Ip::keep || identity || !query.empty() || !headers.empty() ||
         !cookies.empty();
}

bool Redaction::hides_header(std::string_view name) const {
  return std::ranges::find(headers, name) != headers.end();
}

Value Redaction::shown(const IpAddress& ip) const {
  switch (client_ip) {
    case Ip::keep: return Value::of(ip);
    case Ip::truncate: return Value::of(network_of(ip));
    case Ip::remove: break;
  }
  return {};
}

std::string_view Redaction::shown_query(std::string_view text, Arena& arena) const {
  if (query.empty() || text.empty()) return text;
  std::string shown;
  while (true) {
    std::size_t end = std::min(text.find('&'), text.size());
    std::string_view pair = text.substr(0, end);
    std::size_t equal = pair.find('=');
    std::string_view name = pair.substr(0, equal);
    bool masked = equal != std::string_view::npos &&
                  (name.find_first_of("%+") != std::string_view::npos || has(query, name));
    shown += masked ? pair.substr(0, equal + 1) : pair;
    if (masked) shown += kRedacted;
    if (end == text.size()) break;
    shown += '&';
    text.remove_prefix(end + 1);
  }
  return arena.copy(shown);
}

std::string_view Redaction::shown_target(std::string_view target, Arena& arena) const {
  std::size_t mark = target.find('?');
  if (query.empty() || mark == std::string_view::npos) return target;
  return arena.concat({target.substr(0, mark + 1), shown_query(target.substr(mark + 1), arena)});
}

Value RedactedFacts::get(Fact fact) const {
  Value value = facts_.get(fact);
  if (value.kind == Value::Kind::absent) return value;
  switch (fact) {
    case Fact::client_ip: return rules_.shown(value.address);
    case Fact::client_port: return rules_.client_ip == Redaction::Ip::keep ? value : Value();
    case Fact::identity: return rules_.identity ? Value::of(kRedacted) : value;
    case Fact::query: return Value::of(rules_.shown_query(value.text, arena_));
    case Fact::target: return Value::of(rules_.shown_target(value.text, arena_));
    default: return value;
  }
}

bool RedactedFacts::next(Source source, std::string_view name, std::size_t& position,
                         std::string_view& value) const {
  if (!facts_.next(source, name, position, value)) return false;
  switch (source) {
    case Source::header:
    case Source::response_header:
      if (rules_.hides_header(name)) {
        value = kRedacted;
      } else if (name == "referer" || name == "location") {  // another address of the same kind
        value = rules_.shown_target(value, arena_);
      }
      break;
    case Source::query:
      if (has(rules_.query, name)) value = kRedacted;
      break;
    case Source::cookie:
      if (has(rules_.cookies, name) || rules_.hides_header("cookie")) value = kRedacted;
      break;
  }
  return true;
}

}  // namespace weir::expression

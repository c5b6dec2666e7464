#include "cluster/health_command.h"

#include <algorithm>

namespace weir {
namespace {

/// A word in braces; `begin` is where its brace stands.
struct Placeholder {
  std::size_t begin;
  std::string_view whole;
  std::string_view word() const { return whole.substr(1, whole.size() - 2); }
};

std::optional<Placeholder> next_placeholder(std::string_view text, std::size_t from) {
  while ((from = text.find('{', from)) != text.npos) {
    std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz", from + 1);
    if (end != text.npos && text[end] == '}' && end > from + 1) {
      return Placeholder{from, text.substr(from, end + 1 - from)};
    }
    ++from;
  }
  return std::nullopt;
}

bool is_unix(const Address& address) { return address.family() == Address::Family::unix_path; }

std::string host_of(const Address& address) {
  return is_unix(address) ? std::string(address.path()) : address.ip().text();
}

std::string port_of(const Address& address) {
  return is_unix(address) ? std::string() : std::to_string(address.port());
}

std::optional<std::string> value_of(std::string_view word, const Address& where) {
  if (word == "address") return where.text();
  if (word == "host") return host_of(where);
  if (word == "port") return port_of(where);
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> unknown_placeholder(std::string_view text) {
  std::size_t from = 0;
  while (auto found = next_placeholder(text, from)) {
    if (!value_of(found->word(), Address())) return found->whole;
    from = found->begin + found->whole.size();
  }
  return std::nullopt;
}

std::string fill_placeholders(std::string_view text, const Address& where) {
  std::string filled;
  std::size_t from = 0;
  while (auto found = next_placeholder(text, from)) {
    filled += text.substr(from, found->begin - from);
    filled += value_of(found->word(), where).value_or(std::string(found->whole));
    from = found->begin + found->whole.size();
  }
  return filled.append(text.substr(from));
}

std::vector<std::string> check_environment(const std::string& upstream, const Endpoint& endpoint,
                                           const Address& where) {
  return {"WEIR_UPSTREAM=" + upstream, "WEIR_ADDRESS=" + where.text(),
          "WEIR_HOST=" + host_of(where), "WEIR_PORT=" + port_of(where),
          "WEIR_NAME=" + endpoint.host};
}

}  // namespace weir

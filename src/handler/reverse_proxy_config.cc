#include "handler/reverse_proxy_config.h"

#include <fmt/format.h>

#include "config/address.h"

namespace weir {

std::optional<config::Problem> check_forwarded_host(std::string_view text) {
  if (text == "keep" || text == "upstream") return std::nullopt;
  config::Rules rules;
  rules.host_names = true;
  config::Address address;
  const bool has_port = text.rfind(':') != std::string_view::npos && !text.ends_with(']');
  const std::string probe = has_port ? std::string(text) : fmt::format("{}:80", text);
  const bool valid = !text.starts_with("dns:") && !config::read_address(probe, rules, address) &&
                     address.kind != config::Address::Kind::unix_socket;
  if (valid) return std::nullopt;
  return config::Problem{config::Code::bad_text, fmt::format("\"{}\" is not a host name", text),
                         "write keep, upstream, or a name such as app.example"};
}

std::optional<config::Problem> check_strip_prefix(std::string_view text) {
  if (text.empty() || (text.starts_with('/') && text.find_first_of("*?# ") == text.npos)) {
    return std::nullopt;
  }
  return config::Problem{config::Code::bad_text, fmt::format("\"{}\" is not a path prefix", text),
                         "write it like /api"};
}

}  // namespace weir

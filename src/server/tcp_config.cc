#include "server/tcp_config.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir {

using config::Code;
using config::Problem;

std::optional<Problem> check_server_name(std::string_view text) {
  std::string_view name = text.starts_with("*.") ? text.substr(2) : text;
  bool plain = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
  if (plain && !name.empty() && !name.ends_with('.')) return std::nullopt;
  return Problem{Code::bad_text, fmt::format("\"{}\" is no server name", text),
                 "write a name in lower case, or *.example for every name below it"};
}

void TcpTlsConfig::check(const config::Found& found) const {
  if (!client_auth || client_auth->mode != ClientAuthMode::routes) return;
  found.error("client_auth", Code::contradiction, "routes of connections ask for no certificates",
              "write mode: require, or mode: request");
}

void TcpConfig::check(const config::Found& found) const {
  bool routed = routes && !routes->empty();
  if (!upstream->empty() && routed) {
    found.error("routes", Code::contradiction,
                "connections go to one \"upstream\" or by \"routes\", not by both",
                "a last route without \"match\" takes what the others do not");
  }
  if (intercept != Intercept::none) {
    if (!proxy_protocol) return;
    found.error("proxy_protocol", Code::contradiction,
                "where an intercepted connection was going is told by the kernel",
                "remove one of the two");
    return;
  }
  if (upstream->empty() && !routed) {
    found.error("address", Code::missing_key, "this listener has nowhere to send connections",
                "give it an \"upstream\", or \"routes\"");
  }
}

}  // namespace weir

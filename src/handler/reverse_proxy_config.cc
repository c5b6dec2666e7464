#include "handler/reverse_proxy_config.h"

#include <fmt/format.h>

#include <algorithm>

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

void ReverseProxyConfig::check(const config::Found& found) const {
  using config::Code;
  if (upstream->empty() && split.empty()) {
    found.error("upstream", Code::missing_key,
                "reverse_proxy needs an \"upstream\", or a \"split\" over several",
                "name an entry of \"upstreams\", such as `reverse_proxy: api`");
  } else if (!upstream->empty() && !split.empty()) {
    found.error("split", Code::contradiction,
                "a request goes to the \"upstream\" or by the \"split\", not both",
                "make the upstream an entry of the split");
  }
  bool weightless =
      std::ranges::all_of(split, [](const SplitEntryConfig& entry) { return entry.weight == 0; });
  if (!split.empty() && weightless) {
    found.error("split", Code::contradiction, "every weight of the split is 0",
                "one upstream has to take the requests that no \"when\" is about");
  }
  if (split.empty() && !sticky.empty()) {
    found.error("sticky", Code::contradiction, "\"sticky\" is for a \"split\"",
                "a client stays with an endpoint of one upstream by the upstream's \"balance\"");
  }
}

std::vector<const config::Located<std::string>*> ReverseProxyConfig::upstreams() const {
  std::vector<const config::Located<std::string>*> names;
  if (!upstream->empty()) names.push_back(&upstream);
  for (const SplitEntryConfig& entry : split) names.push_back(&entry.upstream);
  return names;
}

std::optional<config::Problem> check_strip_prefix(std::string_view text) {
  if (text.empty() || (text.starts_with('/') && text.find_first_of("*?# ") == text.npos)) {
    return std::nullopt;
  }
  return config::Problem{config::Code::bad_text, fmt::format("\"{}\" is not a path prefix", text),
                         "write it like /api"};
}

}  // namespace weir

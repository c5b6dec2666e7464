#include "cluster/config.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/parse.h"

namespace weir {

using config::Code;

void BalanceConfig::check(const config::Found& found) const {
  if (goes_by_key(algorithm)) return;
  auto refuse = [&](std::string_view option) {
    found.error(option, Code::contradiction,
                fmt::format("\"{}\" has no \"{}\"", config::enum_word(algorithm), option),
                "only ring and maglev go by a key");
  };
  // A dump of all that is in force says the defaults too.
  if (key.size() != 1 || *key.front() != "client_ip") refuse("key");
  if (max_load) refuse("max_load");
}

void UpstreamConfig::check(const config::Found& found) const {
  if (slow_start && goes_by_key(balance.algorithm)) {
    found.error("slow_start", Code::contradiction,
                fmt::format("\"{}\" has no slow start", config::enum_word(balance.algorithm)),
                "a key stays with its endpoint; remove one of the two");
  }
  if (std::ranges::all_of(endpoints, &EndpointConfig::backup)) {
    found.error("endpoints", Code::contradiction, "every endpoint is a backup",
                "at least one has to be what the others are the backup of");
  }
  bool socket = std::ranges::any_of(endpoints, [](const EndpointConfig& endpoint) {
    return endpoint.address->kind == config::Address::Kind::unix_socket;
  });
  if (socket && health && health->port) {
    found.error("health", Code::contradiction,
                "the checks name a \"port\", and a Unix socket has no port",
                "remove \"port\", or put the endpoints into two upstreams");
  }
}

BalancePolicy UpstreamConfig::policy() const {
  return {.algorithm = balance.algorithm,
          .max_load = balance.max_load.value_or(0),
          .slow_start = slow_start.value_or(Duration::zero())};
}

}  // namespace weir

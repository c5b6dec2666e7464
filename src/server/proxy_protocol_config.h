// What a listener says about PROXY headers.
#pragma once

#include <vector>

#include "config/address.h"
#include "config/parse.h"
#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct ProxyProtocolConfig {
  std::vector<config::Network> from;
  config::Duration timeout = std::chrono::seconds(5);

  static constexpr auto schema = config::object(
      "proxy_protocol",
      "The PROXY protocol, version 1 or 2: a proxy ahead of this one tells whose connection it is.",
      config::field<&ProxyProtocolConfig::from>(
          "from",
          "Networks of the proxies. Each connection from there must begin with a header, and is "
          "closed if it does not; from elsewhere none is believed. All peers of a Unix socket "
          "count as proxies.",
          config::required, config::at_least_one, config::one_or_many,
          config::example("[10.0.0.0/8]")),
      config::field<&ProxyProtocolConfig::timeout>(
          "timeout", "How long the header may take.",
          config::range(std::chrono::milliseconds(1), std::chrono::minutes(1))));
};

}  // namespace weir

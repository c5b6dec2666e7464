// The routes of one listener, judged for one request and put into words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/snapshot.h"

namespace weir {

struct RouteReport {
  std::string route;    // empty: no route matches
  std::string handler;  // `reverse_proxy`
  std::string text;     // indented lines
};

/// `site` was built from `listener`, which is part of `config`.
RouteReport explain_routes(const Site& site, const ServerConfig& config,
                           const ListenerConfig& listener, Exchange& exchange,
                           std::string_view source);

/// ` (shop.yaml:12)`; empty for what stands nowhere.
std::string place(std::string_view source, config::Position position);

}  // namespace weir

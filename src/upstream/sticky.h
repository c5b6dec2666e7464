// Sticky sessions: a cookie that brings a client back to the endpoint that answered it.
#pragma once

#include <optional>
#include <string>

#include "cluster/alias.h"
#include "cluster/sticky_config.h"
#include "http/exchange.h"

namespace weir {

struct StickyCookie {
  std::string name;
  std::string path = "/";
  SameSite same_site = SameSite::lax;
  std::optional<Duration> max_age;  // nothing: until the browser is closed

  /// What the client brought. Nothing if it has no such cookie, or one that cannot be ours.
  std::optional<Alias> read(Exchange& exchange) const;
  /// Has the client bring `alias` from now on.
  void write(Exchange& exchange, Response& response, const Alias& alias) const;
};

}  // namespace weir

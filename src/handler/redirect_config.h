// The options of `redirect`.
#pragma once

#include <cstdint>
#include <string>

#include "config/schema.h"
#include "http/header_edits_config.h"

namespace weir {

struct RedirectConfig {
  config::Located<std::string> to;
  std::uint16_t status = 308;

  static constexpr auto schema = config::object(
      "redirect", "Sends the client to another address.",
      config::field<&RedirectConfig::to>(
          "to", "Where to: a URL or a path. A template over the request.", config::required,
          config::shorthand, config::not_empty, config::check(&check_header_value),
          config::example("https://{host}{path}")),
      config::field<&RedirectConfig::status>(
          "status",
          "308 and 307 keep the method, 301 and 302 let clients turn POST into GET, 303 asks for "
          "GET. 301 and 308 are permanent: clients remember them.",
          config::one_of<301, 302, 303, 307, 308>()));
};

}  // namespace weir

// The options of `redirect`.
#pragma once

#include <cstdint>
#include <string>

#include "config/schema.h"
#include "http/header_edits_config.h"

namespace weir {

// Refuses what cannot stand in a Location, and what a client could turn into another site's name.
std::optional<config::Problem> check_redirect_to(std::string_view text);

struct RedirectConfig {
  config::Located<std::string> to;
  config::Located<std::string> regex;
  std::uint16_t status = 308;

  static constexpr auto schema = config::object(
      "redirect", "Sends the client to another address.",
      config::field<&RedirectConfig::to>(
          "to",
          "Where to: a URL or a path. `$1` is what the first group of `regex` captured; `${...}` "
          "as in all templates, percent-encoded but for parts of the address.",
          config::required, config::shorthand, config::not_empty, config::check(&check_redirect_to),
          config::example("'https://${host}${path}'")),
      config::field<&RedirectConfig::regex>(
          "regex",
          "Only paths that match this regular expression of RE2 as a whole; 404 for others.",
          config::example("'/blog/(\\d+)'")),
      config::field<&RedirectConfig::status>(
          "status",
          "308 and 307 keep the method, 301 and 302 let clients turn POST into GET, 303 asks for "
          "GET. 301 and 308 are permanent: clients remember them.",
          config::one_of<301, 302, 303, 307, 308>()));
};

}  // namespace weir

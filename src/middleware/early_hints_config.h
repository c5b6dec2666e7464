// The options of `early_hints`.
#pragma once

#include <string>
#include <vector>

#include "config/schema.h"

namespace weir {

// Refuses what is no value of Link (RFC 8288, 3).
std::optional<config::Problem> check_link(std::string_view text);

struct EarlyHintsConfig {
  std::vector<std::string> links;

  static constexpr auto schema = config::object(
      "early_hints",
      "Tells browsers what a page will need, with 103 (Early Hints), while the page is being made.",
      config::field<&EarlyHintsConfig::links>(
          "links", "Values of the field Link.", config::required, config::one_or_many,
          config::at_least_one, config::check(&check_link), config::shorthand,
          config::example("\"</style.css>; rel=preload; as=style\"")));
};

}  // namespace weir

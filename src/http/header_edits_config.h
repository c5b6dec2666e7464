// Which headers of a message to set, add or remove, as configurations write it.
#pragma once

#include <string>
#include <vector>

#include "config/schema.h"

namespace weir {

// Refuse what can be no header: RFC 9110, 5.1 and 5.5.
std::optional<config::Problem> check_header_name(std::string_view name);
std::optional<config::Problem> check_header_value(std::string_view value);

// Values are templates over the exchange. Removal happens first, then set, then add.
struct HeaderEditsConfig {
  config::Map<config::Located<std::string>> set;
  config::Map<config::Located<std::string>> add;
  std::vector<std::string> remove;

  bool empty() const { return set.empty() && add.empty() && remove.empty(); }

  static constexpr auto schema = config::object(
      "header edits", "Changes the headers of a request or response.",
      config::field<&HeaderEditsConfig::set>(
          "set", "Headers to set; values that were there are replaced. Values are templates.",
          config::check_key(&check_header_name), config::check(&check_header_value),
          config::example("{ X-Team: shop }")),
      config::field<&HeaderEditsConfig::add>(
          "add", "Headers to add to those that are there. Values are templates.",
          config::check_key(&check_header_name), config::check(&check_header_value)),
      config::field<&HeaderEditsConfig::remove>(
          "remove", "Names of headers to remove, before `set` and `add`.", config::one_or_many,
          config::check(&check_header_name), config::example("[X-Powered-By]")));
};

}  // namespace weir

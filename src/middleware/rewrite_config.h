// The options of `rewrite`.
#pragma once

#include <string>

#include "config/parse.h"
#include "config/schema.h"

namespace weir {

// Refuses a prefix that is no path as requests have it.
std::optional<config::Problem> check_rewrite_prefix(std::string_view text);
// Refuses a text that cannot begin a path.
std::optional<config::Problem> check_rewrite_to(std::string_view text);

struct RewriteConfig {
  std::string prefix;
  config::Located<std::string> regex;
  config::Located<std::string> to;

  // One way to find what is replaced.
  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "rewrite",
      "Gives requests another path for what follows. The route that was found stays. The new path "
      "is checked and normalised as a client's is, and has no `.` or `..` for a segment; else 400 "
      "with the reason `bad_target`.",
      config::field<&RewriteConfig::to>(
          "to",
          "The new path, or what stands in place of the prefix. `$1` is what the first group of "
          "`regex` captured; `${...}` as in all templates. The query stays; with a `?` in it, this "
          "is all of the query.",
          config::required, config::shorthand, config::not_empty, config::check(&check_rewrite_to),
          config::example("/index.php")),
      config::field<&RewriteConfig::prefix>(
          "prefix", "Only paths below this one, which is replaced; the rest of the path stays.",
          config::check(&check_rewrite_prefix), config::example("/old")),
      config::field<&RewriteConfig::regex>(
          "regex",
          "Only paths that match this regular expression of RE2 as a whole; nine groups at most.",
          config::example("'/user/(\\d+)'")));
};

}  // namespace weir

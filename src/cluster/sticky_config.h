// The options of sticky sessions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "config/parse.h"
#include "config/schema.h"
#include "config/values.h"

namespace weir {

enum class SameSite : std::uint8_t { lax, strict, none };

constexpr auto enum_names(SameSite) {
  return std::array{
      config::Name{"lax", SameSite::lax, "Sent when a user follows a link from another site."},
      config::Name{"strict", SameSite::strict, "Sent only from pages of the same site."},
      config::Name{"none", SameSite::none, "Sent from everywhere; over HTTPS alone."}};
}

// Refuse what would not stand in a Set-Cookie field as it is.
std::optional<config::Problem> check_cookie_name(std::string_view text);
std::optional<config::Problem> check_cookie_path(std::string_view text);

struct StickyConfig {
  std::string cookie;
  std::string path = "/";
  SameSite same_site = SameSite::lax;
  std::optional<config::Duration> max_age;
  config::Located<std::string> key_file;

  static constexpr auto schema = config::object(
      "sticky", "A cookie that brings a client back to the endpoint that answered it first.",
      config::field<&StickyConfig::cookie>("cookie", "The cookie's name.", config::required,
                                           config::shorthand, config::check(&check_cookie_name),
                                           config::example("origin")),
      config::field<&StickyConfig::path>("path", "For which paths browsers send it.",
                                         config::check(&check_cookie_path)),
      config::field<&StickyConfig::same_site>(
          "same_site", "Whether browsers send it with requests that other sites cause."),
      config::field<&StickyConfig::max_age>(
          "max_age", "How long browsers keep it.", config::none("session"),
          config::range(std::chrono::seconds(1), std::chrono::hours(24 * 400))),
      config::field<&StickyConfig::key_file>("key_file",
                                             "A file of secrets, one a line, of 32 characters or "
                                             "more: the first signs, all are known. "
                                             "Processes that share it know each other's cookies, "
                                             "and a restart changes nothing. Without "
                                             "it the process makes a secret of its own.",
                                             config::file_path));
};

}  // namespace weir

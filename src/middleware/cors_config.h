// The options of `cors`.
#pragma once

#include <string>
#include <vector>

#include "config/parse.h"
#include "config/schema.h"
#include "config/values.h"
#include "http/header_edits_config.h"

namespace weir {

// Refuses what no browser sends as Origin, but for `*` and `https://*.example`.
std::optional<config::Problem> check_cors_origin(std::string_view text);
std::optional<config::Problem> check_cors_method(std::string_view text);

struct CorsConfig {
  std::vector<std::string> origins;
  bool credentials = false;
  std::vector<std::string> methods{"GET", "HEAD", "POST"};
  std::vector<std::string> headers;
  std::vector<std::string> expose;
  config::Duration max_age = std::chrono::minutes(10);
  bool private_network = false;

  // What browsers refuse together.
  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "cors",
      "Lets pages of other origins use what is behind it (CORS). Preflight requests are answered "
      "here; what the origin server itself says in Access-Control fields is replaced.",
      config::field<&CorsConfig::origins>(
          "origins",
          "Whose pages may: `https://app.example`, with a port if it is no usual one; "
          "`https://*.app.example` for every name below it; `*` for all.",
          config::required, config::at_least_one, config::one_or_many,
          config::check(&check_cors_origin), config::example("[\"https://app.example\"]")),
      config::field<&CorsConfig::credentials>(
          "credentials", "Requests may carry cookies and passwords. Not together with `*`."),
      config::field<&CorsConfig::methods>("methods", "Methods that pages may use.",
                                          config::one_or_many, config::at_least_one,
                                          config::check(&check_cors_method)),
      config::field<&CorsConfig::headers>(
          "headers", "Request headers that pages may set, beyond those that they always may.",
          config::one_or_many, config::check(&check_header_name),
          config::example("[Content-Type, X-Request-Id]")),
      config::field<&CorsConfig::expose>(
          "expose", "Response headers that pages may read, beyond those that they always may.",
          config::one_or_many, config::check(&check_header_name),
          config::example("[X-Request-Id]")),
      config::field<&CorsConfig::max_age>(
          "max_age", "How long browsers may remember the answer to a preflight request.",
          config::range(std::chrono::seconds(0), std::chrono::hours(24))),
      config::field<&CorsConfig::private_network>(
          "private_network",
          "Pages of public networks may use it though it stands in a private one."));
};

}  // namespace weir

// The options of `error_pages`.
#pragma once

#include <optional>
#include <string>

#include "config/schema.h"
#include "config/values.h"

namespace weir {

// Refuses what is neither a status from 400 to 599 nor `4xx` nor `5xx`.
std::optional<config::Problem> check_error_status(std::string_view text);

struct ErrorPagesConfig {
  config::Map<config::Located<std::string>> pages;
  bool intercept = false;

  static constexpr auto schema = config::object(
      "error_pages",
      "Pages of your own for errors. Clients that ask for HTML get them; programs get JSON. Calls "
      "of "
      "gRPC are left alone.",
      config::field<&ErrorPagesConfig::pages>(
          "pages",
          "HTML files by status (`404`) or class (`4xx`, `5xx`); the status comes first. They may "
          "hold `${...}`; what fills it cannot become markup.",
          config::required, config::shorthand, config::at_least_one, config::not_empty,
          config::file_path, config::check_key(&check_error_status),
          config::example("{ 404: errors/404.html, 5xx: errors/sorry.html }")),
      config::field<&ErrorPagesConfig::intercept>(
          "intercept",
          "Also in place of what origins and other handlers answer with these statuses; their "
          "fields stay but for those that describe the content."));
};

}  // namespace weir

// The options of `forward_auth`.
#pragma once

#include <string>
#include <vector>

#include "config/schema.h"
#include "config/values.h"
#include "http/header_edits_config.h"

namespace weir {

// Refuses what is no path with an optional query.
std::optional<config::Problem> check_auth_target(std::string_view text);

struct ForwardAuthConfig {
  config::Located<std::string> upstream;
  std::string target = "/";
  std::vector<std::string> copy;
  config::Duration timeout = std::chrono::seconds(5);

  static constexpr auto schema = config::object(
      "forward_auth",
      "Asks another upstream whether a request may go on: a GET without a body, with the headers "
      "of the request, and what it is about in `X-Forwarded-Method`, `-Proto`, `-Host`, `-Uri` and "
      "`-For`. A 2xx lets it go on; any other answer is what the client gets. 503 with the reason "
      "`auth_unavailable` if there is none.",
      config::field<&ForwardAuthConfig::upstream>(
          "upstream", "The name of an entry under `upstreams`.", config::required,
          config::shorthand, config::not_empty, config::example("auth")),
      config::field<&ForwardAuthConfig::target>(
          "target", "What is asked for there: path and query.", config::check(&check_auth_target),
          config::example("/verify")),
      config::field<&ForwardAuthConfig::copy>(
          "copy",
          "Headers of the answer that the request gets before it goes on. What a client sends in "
          "them is removed.",
          config::one_or_many, config::check(&check_header_name),
          config::example("[X-User, X-Groups]")),
      config::field<&ForwardAuthConfig::timeout>(
          "timeout", "How long the answer may take in all.",
          config::range(std::chrono::milliseconds(1), std::chrono::minutes(10))));
};

}  // namespace weir

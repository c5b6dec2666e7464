// The options of `respond`.
#pragma once

#include <cstdint>
#include <string>

#include "config/schema.h"
#include "http/header_edits_config.h"

namespace weir {

struct RespondConfig {
  std::uint16_t status = 200;
  config::Map<config::Located<std::string>> headers;
  std::string body;
  std::string content_type = "text/plain; charset=utf-8";

  static constexpr auto schema = config::object(
      "respond", "Answers by itself, without an origin.",
      config::field<&RespondConfig::status>("status", "Status code of the answer.",
                                            config::shorthand, config::range(200, 599)),
      config::field<&RespondConfig::headers>(
          "headers", "Headers of the answer.", config::check_key(&check_header_name),
          config::check(&check_header_value), config::example("{ Cache-Control: no-store }")),
      config::field<&RespondConfig::body>("body", "Body of the answer.", config::shorthand,
                                          config::example("hello")),
      config::field<&RespondConfig::content_type>(
          "content_type", "`Content-Type` of the answer, sent when there is a body.",
          config::check(&check_header_value)));
};

}  // namespace weir

// `redact`: what logs and traces do not say of the people behind requests.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "config/schema.h"
#include "expression/redaction.h"
#include "http/header_edits_config.h"

namespace weir {

using RedactIp = expression::Redaction::Ip;

namespace expression {

// Beside the enumeration, where it is looked for.
constexpr auto enum_names(Redaction::Ip) {
  return std::array{config::Name{"keep", Redaction::Ip::keep, "As it is."},
                    config::Name{"truncate", Redaction::Ip::truncate,
                                 "Its network alone: 24 bits of IPv4, 48 of IPv6; no port."},
                    config::Name{"remove", Redaction::Ip::remove, "Neither address nor port."}};
}

}  // namespace expression

struct RedactConfig {
  RedactIp client_ip = RedactIp::keep;
  bool identity = false;
  std::vector<std::string> query;
  std::vector<std::string> headers;
  std::vector<std::string> cookies;

  expression::Redaction rules() const;

  static constexpr auto schema = config::object(
      "redact", "What the access log and traces do not say. In place of a value stands `***`.",
      config::field<&RedactConfig::client_ip>("client_ip", "Of the client's address."),
      config::field<&RedactConfig::identity>("identity", "Hides the name of the user."),
      config::field<&RedactConfig::query>(
          "query",
          "Query parameters whose values are hidden, wherever an address is shown; `*` hides all.",
          config::one_or_many, config::not_empty, config::example("[token, email]")),
      config::field<&RedactConfig::headers>(
          "headers", "Headers of requests and responses whose values are hidden.",
          config::one_or_many, config::check(&check_header_name),
          config::example("[Authorization, User-Agent]")),
      config::field<&RedactConfig::cookies>(
          "cookies", "Cookies whose values are hidden; `*` hides all.", config::one_or_many,
          config::not_empty, config::example("[session]")));
};

}  // namespace weir

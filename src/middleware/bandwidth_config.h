// The options of `bandwidth`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct BandwidthConfig {
  config::ByteSize per_second;
  std::optional<config::ByteSize> burst;
  std::vector<config::Located<std::string>> key;
  std::string name;
  config::Located<std::string> when;

  static constexpr auto schema = config::object(
      "bandwidth", "Sends the bodies of responses no faster than so many bytes in a second.",
      config::field<&BandwidthConfig::per_second>(
          "per_second", "Bytes in a second.", config::required, config::shorthand,
          config::range(config::kibibytes(1), config::ByteSize{100'000'000'000}),
          config::example("1MiB")),
      config::field<&BandwidthConfig::burst>(
          "burst",
          "Bytes that are sent at once before that; by default what a tenth of a second sends, and "
          "16 "
          "KiB at least.",
          config::range(config::kibibytes(1), config::ByteSize{1ull << 40})),
      config::field<&BandwidthConfig::key>(
          "key",
          "Expressions, as in `rate_limit`: all responses of one key share the rate. Not given: "
          "each response has it for itself.",
          config::one_or_many, config::example("client_ip")),
      config::field<&BandwidthConfig::name>(
          "name",
          "With a key: limits of one name share their budgets; without a name they are those "
          "of the route or listener alone.",
          config::example("downloads")),
      config::field<&BandwidthConfig::when>(
          "when", "An expression: only requests for which it is true; all, if not given.",
          config::example("'path != \"/small\"'")));
};

}  // namespace weir

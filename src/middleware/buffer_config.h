// The options of `buffer`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct BufferLimitsConfig {
  config::ByteSize memory = config::kibibytes(64);
  config::ByteSize disk = config::mebibytes(1024);

  static constexpr auto schema = config::object(
      "buffer limits", "How much of one body is kept.",
      config::field<&BufferLimitsConfig::memory>(
          "memory", "In memory.", config::range(config::kibibytes(1), config::mebibytes(1024))),
      config::field<&BufferLimitsConfig::disk>("disk",
                                               "Beyond that, in a temporary file; 0B keeps none."));
};

struct BufferConfig {
  std::optional<BufferLimitsConfig> request = BufferLimitsConfig();
  std::optional<BufferLimitsConfig> response = BufferLimitsConfig();
  config::Located<std::string> directory = {"/var/tmp"};
  config::ByteSize disk_total = config::mebibytes(10 * 1024);

  static constexpr auto schema = config::object(
      "buffer", "Keeps slow clients from holding servers that answer one request at a time.",
      config::field<&BufferConfig::request>(
          "request",
          "A request goes to the upstream when all of its body is there; what is larger than both "
          "limits is refused with 413. On unless it is `off`.",
          config::none("off")),
      config::field<&BufferConfig::response>(
          "response",
          "A response is taken from the upstream as fast as it comes, up to the limits, however "
          "slow the client is. On unless it is `off`.",
          config::none("off")),
      config::field<&BufferConfig::directory>("directory", "Where temporary files are made."),
      config::field<&BufferConfig::disk_total>("disk_total",
                                               "What all temporary files together may hold."));
};

}  // namespace weir

// The options of overload protection: when the process refuses new work.
#pragma once

#include <optional>

#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct OverloadConfig {
  std::optional<config::ByteSize> max_memory;
  std::optional<config::Duration> max_lag;

  static constexpr auto schema = config::object(
      "overload",
      "Above one of these ceilings new requests are refused with 503; those under way go on. The "
      "admin listener is exempt.",
      config::field<&OverloadConfig::max_memory>("max_memory",
                                                 "Resident memory of the process. `auto` is nine "
                                                 "tenths of what its control group (version "
                                                 "2) may have, if that is bounded.",
                                                 config::none("auto"), config::example("2GiB")),
      config::field<&OverloadConfig::max_lag>(
          "max_lag",
          "How long what is ready waits until its worker gets to it. Requests wait as long; 500ms "
          "is "
          "a good value.",
          config::none("off"),
          config::range(std::chrono::milliseconds(10), std::chrono::minutes(1))));
};

}  // namespace weir

#include "cluster/retries_config.h"

#include "config/parse.h"

namespace weir {

using config::Code;

void BackoffConfig::check(const config::Found& found) const {
  if (base <= max) return;
  found.error("base", Code::contradiction, "\"base\" is longer than \"max\"",
              "pauses grow from base to max");
}

void HedgeConfig::check(const config::Found& found) const {
  if (after.has_value() != percentile.has_value()) return;
  found.error(after ? "percentile" : "after", Code::contradiction,
              after ? "\"after\" and \"percentile\" are both given"
                    : "neither \"after\" nor \"percentile\" is given",
              "say one of them: when the second request is to be sent");
}

}  // namespace weir

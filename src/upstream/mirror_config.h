// The options of `mirror`: requests that another upstream gets too.
#pragma once

#include <string>

#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct MirrorConfig {
  config::Located<std::string> upstream;
  double percent = 100;
  config::Located<std::string> when;
  config::ByteSize max_body = config::kibibytes(64);
  config::Duration timeout = std::chrono::seconds(15);

  static constexpr auto schema = config::object(
      "mirror",
      "Copies of requests that go to another upstream, whose answers are thrown away. They neither "
      "delay nor change anything for the client.",
      config::field<&MirrorConfig::upstream>("upstream", "The name of an entry under `upstreams`.",
                                             config::required, config::shorthand, config::not_empty,
                                             config::example("shadow")),
      config::field<&MirrorConfig::percent>("percent", "How many of the requests.",
                                            config::range(0, 100)),
      config::field<&MirrorConfig::when>(
          "when", "An expression: only requests for which it is true; all, if not given.",
          config::example("'method == \"GET\"'")),
      config::field<&MirrorConfig::max_body>(
          "max_body", "Requests with a larger body have no copy.",
          config::range(config::ByteSize{0}, config::mebibytes(16))),
      config::field<&MirrorConfig::timeout>(
          "timeout", "How long a copy and its answer may take in all.",
          config::range(std::chrono::milliseconds(1), std::chrono::hours(1))));
};

}  // namespace weir

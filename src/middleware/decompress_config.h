// The options of `decompress`.
#pragma once

#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct DecompressConfig {
  std::uint32_t max_ratio = 100;
  config::ByteSize max_size = config::mebibytes(1024);

  static constexpr auto schema = config::object(
      "decompress", "Decompresses responses for clients that cannot: gzip, Brotli, Zstandard.",
      config::field<&DecompressConfig::max_ratio>(
          "max_ratio",
          "How many bytes may come out of one, beyond the first MiB; more breaks the response off.",
          config::range(1, 1'000'000)),
      config::field<&DecompressConfig::max_size>(
          "max_size", "How many bytes may come out in all; more breaks the response off."));
};

}  // namespace weir

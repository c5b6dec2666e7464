// The options of `disk` of a cache.
#pragma once

#include <cstdint>
#include <string>

#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct CacheDiskConfig {
  config::Located<std::string> path;
  config::ByteSize max_size = config::mebibytes(10 * 1024);
  config::ByteSize max_object = config::mebibytes(1024);
  std::uint32_t max_objects = 500'000;

  static constexpr auto schema = config::object(
      "cache disk",
      "Keeps what the cache holds in files, too, over restarts. A disk that is full or fails takes "
      "nothing away from the memory.",
      config::field<&CacheDiskConfig::path>(
          "path",
          "A directory for this cache alone, of one process at a time. It is made if it is not "
          "there; one that holds anything else is not touched.",
          config::shorthand, config::required, config::not_empty, config::file_path,
          config::example("/var/cache/weir")),
      config::field<&CacheDiskConfig::max_size>(
          "max_size", "Bytes at most, of all files.",
          config::range(config::mebibytes(1), config::mebibytes(1024 * 1024 * 64))),
      config::field<&CacheDiskConfig::max_object>(
          "max_object",
          "Bytes at most of one body. One that is larger than what the memory takes goes to the "
          "disk alone, if the response says how long it is.",
          config::range(config::ByteSize{0}, config::mebibytes(1024 * 1024))),
      config::field<&CacheDiskConfig::max_objects>(
          "max_objects", "Files at most. Each takes about half a kilobyte of memory besides.",
          config::range(16, 100'000'000)));
};

}  // namespace weir

// The options of `compress`.
#pragma once

#include <string>
#include <vector>

#include "config/schema.h"
#include "config/values.h"
#include "http/content_coding_config.h"

namespace weir {

// Refuses what is no media type, also one with `*` in it.
std::optional<config::Problem> check_media_pattern(std::string_view text);

struct CompressConfig {
  std::vector<Coding> codings{Coding::zstd, Coding::brotli, Coding::gzip};
  std::vector<std::string> types{"text/*",
                                 "*/json",
                                 "*/*+json",
                                 "*/xml",
                                 "*/*+xml",
                                 "*/javascript",
                                 "application/wasm",
                                 "application/x-ndjson",
                                 "application/vnd.ms-fontobject",
                                 "font/otf",
                                 "font/ttf",
                                 "image/bmp",
                                 "image/vnd.microsoft.icon"};
  config::ByteSize min_size = {1024};

  static constexpr auto schema = config::object(
      "compress", "Compresses responses for clients that take it.",
      config::field<&CompressConfig::codings>(
          "codings",
          "The codings; of those that a client likes most, the first in this list is used.",
          config::one_or_many, config::at_least_one),
      config::field<&CompressConfig::types>(
          "types", "Media types of the responses; `*` stands for any text.", config::one_or_many,
          config::at_least_one, config::check(&check_media_pattern)),
      config::field<&CompressConfig::min_size>(
          "min_size", "Responses that are known to be shorter stay as they are."));
};

}  // namespace weir

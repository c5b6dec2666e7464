// The content codings as configurations name them.
#pragma once

#include <array>

#include "config/schema.h"
#include "http/content_coding.h"

namespace weir {

constexpr auto enum_names(Coding) {
  return std::array{config::Name{"br", Coding::brotli, "Brotli."},
                    config::Name{"zstd", Coding::zstd, "Zstandard."},
                    config::Name{"gzip", Coding::gzip, "gzip; every client knows it."}};
}

}  // namespace weir

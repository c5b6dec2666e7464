// FillRequest: what a fill asks for, for those who want to wait for it.
#pragma once

#include "core/arena.h"
#include "http/headers.h"

namespace weir::cache {

/// A copy of the fields of the request, which workers may read; its own exchange changes them.
struct FillRequest {
  explicit FillRequest(const Headers& of) : headers(of.clone(arena)) {}
  Arena arena;
  Headers headers;
};

}  // namespace weir::cache

// What a session does with early data that it must not act upon yet.
#pragma once

#include <cstddef>
#include <cstdint>

#include "io/stream.h"

namespace weir {

/// The hint of a read that takes nothing.
inline constexpr std::size_t kSettle = UINT32_MAX;

/// Waits until nothing of what came over `tls` can be a replay any more; to be called only while
/// `tls.tls()->early`. Gives an empty slice; what comes meanwhile stays to be read.
inline OperationAwaiter<StreamRead> settle(Stream& tls, StopToken stop) {
  return tls.read(stop, kSettle);
}

}  // namespace weir

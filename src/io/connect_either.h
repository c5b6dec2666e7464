// connect_either: a connection to whichever of two addresses of one server answers first.
#pragma once

#include <memory>

#include "core/task.h"
#include "io/loop.h"

namespace weir {

/// Happy Eyeballs (RFC 8305) for a name with an address of each family. The second is tried when
/// the first has failed, or has not connected within kHeadStart; then both are waited for, and the
/// one that is late is given up.
struct EitherConnected {
  static constexpr Duration kHeadStart = std::chrono::milliseconds(250);

  std::unique_ptr<Stream> stream;
  bool second = false;  // it is to the second address
};

/// If both fail, the error is that of the first.
Task<Result<EitherConnected>> connect_either(Loop& loop, Address first, Address second,
                                             StopToken stop);

}  // namespace weir

// Result<T>: a value or an Error; what everything that handles traffic returns.
#pragma once

#include <expected>

#include "core/error.h"

namespace weir {

template <class T>
using Result = std::expected<T, Error>;

using Status = Result<void>;

inline std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(error); }

inline std::unexpected<Error> fail(ErrorCode code, Origin origin, std::string_view detail = {},
                                   Retry retry = Retry::never) {
  return std::unexpected<Error>(Error{code, origin, detail, retry});
}

}  // namespace weir

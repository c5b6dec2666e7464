// What came of an attempt, as those are told who judge endpoints and clusters by it.
#pragma once

#include <cstdint>

namespace weir {

/// From good to bad. Everything from `gateway_error` on says that the endpoint is down rather than
/// that it does not like this one request.
enum class AttemptResult : std::uint8_t {
  unknown,        // nothing can be said: the client left, or an idle connection was stale
  answered,       // a status below 500
  error,          // a status of 500 or above, but for the next
  gateway_error,  // 502, 503 or 504
  no_answer,      // it connected, and ended without a response
  not_connected
};

constexpr AttemptResult result_of_status(std::uint16_t status) {
  if (status < 500) return AttemptResult::answered;
  return status >= 502 && status <= 504 ? AttemptResult::gateway_error : AttemptResult::error;
}

constexpr bool has_answer(AttemptResult result) {
  return result >= AttemptResult::answered && result <= AttemptResult::gateway_error;
}

}  // namespace weir

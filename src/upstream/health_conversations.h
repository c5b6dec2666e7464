// What a health check says over an open connection, and how it judges the answer.
#pragma once

#include <string>
#include <string_view>

#include "upstream/health_check.h"
#include "upstream/lone_request.h"

namespace weir {

/// Of an answer, the part that is looked at.
inline constexpr std::size_t kHealthAnswerBytes = 64 * 1024;

/// Why a step of a check failed, for people: `connect: refused`.
std::string health_reason(std::string_view step, const Error& error);

/// Says `send` and reads until `expect` has come; with neither, the connection is enough.
Task<CheckResult> converse(const HealthConfig& config, Stream& stream, StopToken stop);

/// References are to what the caller's frame keeps.
Task<CheckResult> ask_http_health(Loop& loop, const HealthCheck& check, const Endpoint& endpoint,
                                  Dialled connection, StopToken stop);
Task<CheckResult> ask_grpc_health(Loop& loop, const HealthCheck& check, const Endpoint& endpoint,
                                  Dialled connection, StopToken stop);

}  // namespace weir

// gRPC as a proxy sees it: what a call is, its deadline, and how a failed one is told.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/exchange.h"

namespace weir::grpc {

/// Codes of gRPC's own list that Weir says itself.
enum class Code : std::uint8_t {
  unknown = 2,
  deadline_exceeded = 4,
  permission_denied = 7,
  resource_exhausted = 8,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  unauthenticated = 16
};

/// Content-Type `application/grpc`, with or without `+proto` and the like; not gRPC-Web.
bool is_grpc(std::string_view content_type);
inline bool is_call(const Request& request) {
  return request.headers.has(HeaderId::content_type) &&
         is_grpc(request.headers.get(HeaderId::content_type));
}

/// `grpc-timeout`: at most 8 digits and a unit of H, M, S, m, u, n; a year at most. Nothing if it
/// is malformed.
std::optional<Duration> parse_timeout(std::string_view text);

/// As precise as eight digits are, rounded down; never less than the least that can be said.
std::string_view write_timeout(Duration time, Arena& arena);

Code code_of(const Error& error);
/// For a status that a proxy answers a call with.
Code code_of(std::uint16_t http_status);

/// A response of nothing but a head ("Trailers-Only"): status 200, `grpc-status`, `grpc-message`.
Response error_response(Exchange& exchange, Code code, std::string_view message);

/// The body of a call's response. One that breaks off, or passes its deadline, ends with trailers
/// that say so: callers know what to do with a status, and little with a reset.
Body* with_status(Exchange& exchange, Body* body);

}  // namespace weir::grpc

// The messages of gRPC's health protocol (grpc.health.v1): two fields, written by hand.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

inline constexpr std::string_view kGrpcHealthPath = "/grpc.health.v1.Health/Check";

/// Of HealthCheckResponse; a number that is none of these is passed on as it is.
enum class ServingStatus : std::uint8_t { unknown, serving, not_serving, service_unknown };

std::string_view name(ServingStatus status);

/// The body of a call: HealthCheckRequest for `service` with the five bytes before each message.
std::string health_request(std::string_view service);

/// What the body of an answer says: one message, whole and in clear. Nothing if it is malformed.
std::optional<ServingStatus> parse_health_response(std::string_view body);

}  // namespace weir

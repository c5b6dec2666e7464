#include "core/error.h"

#include <cerrno>

namespace weir {

std::string_view name(ErrorCode code) {
  switch (code) {
    case ErrorCode::none: return "none";
    case ErrorCode::end_of_stream: return "end_of_stream";
    case ErrorCode::reset: return "reset";
    case ErrorCode::refused: return "connect_refused";
    case ErrorCode::unreachable: return "unreachable";
    case ErrorCode::timeout: return "timeout";
    case ErrorCode::connect_timeout: return "connect_timeout";
    case ErrorCode::header_timeout: return "header_timeout";
    case ErrorCode::idle_timeout: return "idle_timeout";
    case ErrorCode::response_timeout: return "response_timeout";
    case ErrorCode::slow_peer: return "slow_peer";
    case ErrorCode::cancelled: return "cancelled";
    case ErrorCode::client_gone: return "client_gone";
    case ErrorCode::shutting_down: return "shutting_down";
    case ErrorCode::no_descriptors: return "no_descriptors";
    case ErrorCode::address_in_use: return "address_in_use";
    case ErrorCode::address_unavailable: return "address_unavailable";
    case ErrorCode::permission: return "permission";
    case ErrorCode::io: return "io";
    case ErrorCode::tls_handshake: return "tls_handshake";
    case ErrorCode::tls_verify: return "tls_verify";
    case ErrorCode::tls_broken: return "tls_broken";
    case ErrorCode::client_certificate: return "client_certificate";
    case ErrorCode::misdirected: return "misdirected";
    case ErrorCode::parse: return "bad_request";
    case ErrorCode::bad_framing: return "bad_framing";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::version_unsupported: return "version_unsupported";
    case ErrorCode::head_too_large: return "head_too_large";
    case ErrorCode::target_too_long: return "target_too_long";
    case ErrorCode::body_too_large: return "body_too_large";
    case ErrorCode::length_required: return "length_required";
    case ErrorCode::expectation_failed: return "expectation_failed";
    case ErrorCode::bad_target: return "bad_target";
    case ErrorCode::bad_host: return "bad_host";
    case ErrorCode::truncated: return "truncated";
    case ErrorCode::no_route: return "no_route";
    case ErrorCode::method_not_allowed: return "method_not_allowed";
    case ErrorCode::no_endpoint: return "no_endpoint";
    case ErrorCode::subset_empty: return "subset_empty";
    case ErrorCode::overloaded: return "overloaded";
    case ErrorCode::queue_full: return "queue_full";
    case ErrorCode::queue_timeout: return "queue_timeout";
    case ErrorCode::breaker_open: return "breaker_open";
    case ErrorCode::max_requests: return "max_requests";
    case ErrorCode::max_pending: return "max_pending";
    case ErrorCode::max_retries: return "max_retries";
    case ErrorCode::concurrency_limit: return "concurrency_limit";
    case ErrorCode::dns_failure: return "dns_failure";
    case ErrorCode::bad_gateway: return "bad_gateway";
    case ErrorCode::upgrade_refused: return "upgrade_refused";
    case ErrorCode::ip_denied: return "ip_denied";
    case ErrorCode::cors_denied: return "cors_denied";
    case ErrorCode::auth_required: return "auth_required";
    case ErrorCode::auth_failures: return "auth_failures";
    case ErrorCode::auth_denied: return "auth_denied";
    case ErrorCode::auth_unavailable: return "auth_unavailable";
    case ErrorCode::fault_delay: return "fault_delay";
    case ErrorCode::fault_abort: return "fault_abort";
    case ErrorCode::rate_limited: return "rate_limited";
    case ErrorCode::in_flight_limited: return "in_flight_limited";
    case ErrorCode::store_unavailable: return "store_unavailable";
    case ErrorCode::limit: return "limit";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::internal: return "internal";
  }
  return "unknown";
}

std::string_view name(Origin origin) {
  switch (origin) {
    case Origin::weir: return "weir";
    case Origin::client: return "client";
    case Origin::upstream: return "upstream";
  }
  return "unknown";
}

ErrorCode from_errno(int error_number) {
  switch (error_number) {
    case ECONNRESET:
    case EPIPE: return ErrorCode::reset;
    case ECONNREFUSED:
    case ENOENT: return ErrorCode::refused;
    case EHOSTUNREACH:
    case ENETUNREACH: return ErrorCode::unreachable;
    case ETIMEDOUT: return ErrorCode::timeout;
    case ECANCELED: return ErrorCode::cancelled;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return ErrorCode::no_descriptors;
    case EADDRINUSE: return ErrorCode::address_in_use;
    case EADDRNOTAVAIL: return ErrorCode::address_unavailable;
    case EACCES:
    case EPERM: return ErrorCode::permission;
    default: return ErrorCode::io;
  }
}

}  // namespace weir

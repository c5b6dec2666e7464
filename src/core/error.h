// What went wrong while traffic was handled, as a small value.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

/// Stable reasons. The text of each (`name()`) appears in logs, metrics and error pages.
enum class ErrorCode : std::uint8_t {
  none,
  // The transport.
  end_of_stream,
  reset,
  refused,
  unreachable,
  timeout,
  connect_timeout,
  header_timeout,
  idle_timeout,
  response_timeout,
  slow_peer,
  cancelled,
  client_gone,
  shutting_down,
  no_descriptors,
  address_in_use,
  address_unavailable,
  permission,
  io,
  tls_handshake,
  tls_verify,
  tls_broken,
  client_certificate,  // one is required here, and none was shown
  misdirected,         // the connection was made for a site with other terms
  // Messages.
  parse,
  bad_framing,
  unsupported,
  version_unsupported,
  head_too_large,
  target_too_long,
  body_too_large,
  length_required,
  expectation_failed,
  bad_target,
  bad_host,
  truncated,
  // Routing and upstreams.
  no_route,
  method_not_allowed,
  no_endpoint,
  subset_empty,  // no endpoint has the labels that are asked for
  overloaded,
  queue_full,  // of requests that wait for an endpoint with room
  queue_timeout,
  breaker_open,  // too many attempts at the upstream failed
  max_requests,  // limits of the upstream's breaker
  max_pending,
  max_retries,
  concurrency_limit,  // the one of the upstream that was found by its latency
  dns_failure,
  bad_gateway,
  upgrade_refused,
  // Who may come in.
  ip_denied,
  cors_denied,
  auth_required,     // no credentials, or wrong ones
  auth_failures,     // too many wrong ones from this client
  auth_denied,       // the service that is asked says no
  auth_unavailable,  // it says nothing
  // Weir itself.
  fault_delay,  // injected on purpose
  fault_abort,
  rate_limited,       // more requests than a limit lets this client make
  in_flight_limited,  // more at once than a limit lets it have under way
  store_unavailable,  // what counts for several processes cannot be asked
  limit,
  not_found,
  internal,
};

/// The code as it is written in logs, metrics and error bodies; never changes once released.
std::string_view name(ErrorCode code);

/// Who caused it.
enum class Origin : std::uint8_t { weir, client, upstream };

std::string_view name(Origin origin);

/// Whether another attempt may be made.
enum class Retry : std::uint8_t { never, if_unsent, always };

/// An error value: no allocation; `detail` always points at static text.
struct Error {
  ErrorCode code = ErrorCode::none;
  Origin origin = Origin::weir;
  Retry retry = Retry::never;
  std::uint16_t retry_after = 0;  // seconds, for a client that is refused; 0: nothing is known
  std::string_view detail;

  Error() = default;
  constexpr Error(ErrorCode c, Origin o = Origin::weir, std::string_view d = {},
                  Retry r = Retry::never)
      : code(c), origin(o), retry(r), detail(d) {}

  Error with(Origin who) const {
    Error copy = *this;
    copy.origin = who;
    return copy;
  }
  Error with(Retry when) const {
    Error copy = *this;
    copy.retry = when;
    return copy;
  }
};

static_assert(sizeof(Error) <= 32);

/// Maps an errno of a socket call to the code that users see.
ErrorCode from_errno(int error_number);

}  // namespace weir

#include "http/error_response.h"

#include <charconv>

#include "http/grpc.h"
#include "http/status.h"

namespace weir {
namespace {

// One sentence for people, about what they can do; never what the origin or the config is.
std::string_view message_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::no_route: return "Nothing is configured to answer this address.";
    case ErrorCode::no_endpoint:
    case ErrorCode::subset_empty: return "No server is available to answer this request.";
    case ErrorCode::not_found: return "There is nothing at this address.";
    case ErrorCode::connect_timeout:
    case ErrorCode::response_timeout:
    case ErrorCode::timeout: return "The server behind this address took too long to answer.";
    case ErrorCode::refused:
    case ErrorCode::unreachable:
    case ErrorCode::dns_failure: return "The server behind this address cannot be reached.";
    case ErrorCode::overloaded:
    case ErrorCode::queue_full:
    case ErrorCode::queue_timeout:
    case ErrorCode::breaker_open:
    case ErrorCode::max_requests:
    case ErrorCode::max_pending:
    case ErrorCode::max_retries:
    case ErrorCode::concurrency_limit:
    case ErrorCode::store_unavailable:
    case ErrorCode::limit: return "The service is busy. Please try again in a moment.";
    case ErrorCode::ip_denied: return "This address is not open to you.";
    case ErrorCode::cors_denied: return "Pages of this origin may not use this address.";
    case ErrorCode::auth_required: return "This address asks for a user name and a password.";
    case ErrorCode::auth_failures: return "Too many wrong passwords. Please try again later.";
    case ErrorCode::auth_denied: return "You may not use this address.";
    case ErrorCode::auth_unavailable:
      return "Who you are cannot be checked now. Please try again in a moment.";
    case ErrorCode::rate_limited:
      return "You have made too many requests. Please try again in a while.";
    case ErrorCode::in_flight_limited:
      return "You have too many requests under way. Please wait for some of them to end.";
    case ErrorCode::header_timeout:
    case ErrorCode::slow_peer: return "The request took too long to arrive.";
    case ErrorCode::head_too_large: return "The header fields of the request are too large.";
    case ErrorCode::target_too_long: return "The address of the request is too long.";
    case ErrorCode::shutting_down: return "The service is restarting. Please try again.";
    case ErrorCode::client_certificate: return "This address is for clients with a certificate.";
    case ErrorCode::misdirected:
      return "This connection was made to another site. Please open a new one.";
    default: break;
  }
  if (error.origin == Origin::client) return "The request could not be understood.";
  if (error.origin == Origin::upstream)
    return "The server behind this address did not answer properly.";
  return "The service could not complete the request.";
}

std::string_view status_text(Arena& arena, std::uint16_t status) {
  char* digits = arena.allocate(3);
  digits[0] = static_cast<char>('0' + status / 100);
  digits[1] = static_cast<char>('0' + status / 10 % 10);
  digits[2] = static_cast<char>('0' + status % 10);
  return {digits, 3};
}

std::string_view decimal(Arena& arena, std::uint16_t number) {
  constexpr std::size_t kMost = 5;
  char* digits = arena.allocate(kMost);
  char* end = std::to_chars(digits, digits + kMost, number).ptr;
  return {digits, static_cast<std::size_t>(end - digits)};
}

std::string_view html_page(Exchange& exchange, std::uint16_t status, std::string_view code,
                           std::string_view message) {
  Arena& arena = exchange.arena();
  std::string_view number = status_text(arena, status);
  std::string_view title = reason_phrase(status);
  return arena.concat(
      {"<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
       "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
       number, " ", title,
       "</title>\n<style>body{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:15vh auto;"
       "padding:0 1em;color:#223}h1{font-size:1.6em}small{color:#778}"
       "@media(prefers-color-scheme:dark){body{background:#181a20;color:#dde}}</style>\n<h1>",
       number, " ", title, "</h1>\n<p>", message, "</p>\n<p><small>", code, " &middot; request ",
       exchange.request_id(), "</small></p>\n</html>\n"});
}

}  // namespace

bool wants_html(const Exchange& exchange) {
  bool html = false;
  exchange.request().headers.for_each(HeaderId::accept, [&](std::string_view value) {
    html = html || value.find("text/html") != std::string_view::npos;
  });
  return html;
}

std::uint16_t status_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::header_timeout:
    case ErrorCode::slow_peer:
    case ErrorCode::idle_timeout: return 408;
    case ErrorCode::body_too_large: return 413;
    case ErrorCode::target_too_long: return 414;
    case ErrorCode::expectation_failed: return 417;
    case ErrorCode::length_required: return 411;
    case ErrorCode::head_too_large: return error.origin == Origin::upstream ? 502 : 431;
    case ErrorCode::unsupported: return error.origin == Origin::upstream ? 502 : 501;
    case ErrorCode::version_unsupported: return error.origin == Origin::upstream ? 502 : 505;
    case ErrorCode::auth_required: return 401;
    case ErrorCode::client_certificate:
    case ErrorCode::ip_denied:
    case ErrorCode::cors_denied:
    case ErrorCode::auth_denied: return 403;
    case ErrorCode::auth_failures: return 429;
    case ErrorCode::misdirected: return 421;
    case ErrorCode::rate_limited:
    case ErrorCode::in_flight_limited: return 429;
    case ErrorCode::no_route:
    case ErrorCode::not_found: return 404;
    case ErrorCode::method_not_allowed: return 405;
    case ErrorCode::no_endpoint:
    case ErrorCode::subset_empty:
    case ErrorCode::overloaded:
    case ErrorCode::queue_full:
    case ErrorCode::queue_timeout:
    case ErrorCode::breaker_open:
    case ErrorCode::max_requests:
    case ErrorCode::max_pending:
    case ErrorCode::max_retries:
    case ErrorCode::concurrency_limit:
    case ErrorCode::auth_unavailable:
    case ErrorCode::store_unavailable:
    case ErrorCode::shutting_down: return 503;
    case ErrorCode::connect_timeout:
    case ErrorCode::response_timeout: return 504;
    case ErrorCode::timeout: return error.origin == Origin::client ? 408 : 504;
    default: break;
  }
  switch (error.origin) {
    case Origin::client: return 400;
    case Origin::upstream: return 502;
    case Origin::weir: return 500;
  }
  return 500;
}

Response error_response(Exchange& exchange, const Error& error) {
  if (grpc::is_call(exchange.request())) {
    return grpc::error_response(exchange, grpc::code_of(error), message_of(error));
  }
  Response response =
      error_response(exchange, status_of(error), name(error.code), message_of(error));
  if (error.retry_after > 0) {
    response.headers.set("Retry-After", decimal(exchange.arena(), error.retry_after));
  }
  return response;
}

Response error_response(Exchange& exchange, std::uint16_t status, std::string_view code,
                        std::string_view message) {
  if (grpc::is_call(exchange.request())) {
    return grpc::error_response(exchange, grpc::code_of(status), message);
  }
  Response response(exchange.arena());
  response.status = status;
  std::string_view page;
  if (wants_html(exchange)) {
    page = html_page(exchange, status, code, message);
    response.headers.add(HeaderId::content_type, "text/html; charset=utf-8");
  } else {
    page =
        exchange.arena().concat({"{\"error\": {\"code\": \"", code, "\", \"message\": \"", message,
                                 "\", \"request_id\": \"", exchange.request_id(), "\"}}\n"});
    response.headers.add(HeaderId::content_type, "application/json");
  }
  response.headers.add(HeaderId::cache_control, "no-store");
  if (status == 503) response.headers.add("Retry-After", "1");
  response.body = exchange.own<MemoryBody>(Slice::unowned(page));
  return response;
}

}  // namespace weir

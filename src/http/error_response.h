// The one place that turns errors into responses.
#pragma once

#include "http/exchange.h"

namespace weir {

/// The status that clients see for an error.
std::uint16_t status_of(const Error& error);

/// The client's Accept names text/html: a browser, not a program.
bool wants_html(const Exchange& exchange);

/// HTML when the client's Accept names text/html, else JSON:
/// `{"error": {"code", "message", "request_id"}}`. Reason and request identifier in both. A gRPC
/// call gets its status instead.
Response error_response(Exchange& exchange, const Error& error);

/// The same for a status that Weir chose without an error value (404 of a route table, ...).
Response error_response(Exchange& exchange, std::uint16_t status, std::string_view code,
                        std::string_view message);

}  // namespace weir

// Which requests a cache answers, and by which address it knows what they ask for.
#pragma once

#include <string_view>

#include "http/exchange.h"

namespace weir::cache {

/// GET and HEAD: what may come out of a cache.
bool reads(const Request& request);

/// Why a request goes past the cache; empty: it does not. RFC 9111, 4.3.2: what only the origin can
/// check is left to it.
std::string_view passes(const Request& request);

/// Scheme, host, path and query, in the arena of the exchange.
std::string_view url_of(Exchange& exchange);

/// The address that Location or Content-Location of a response names, if it is of the same origin
/// (RFC 9111, 4.4); else nothing.
std::string_view same_origin(Exchange& exchange, std::string_view location);

}  // namespace weir::cache

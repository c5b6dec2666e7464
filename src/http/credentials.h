// Whose eyes the credentials of a request are for.
#pragma once

#include "http/exchange.h"
#include "http/syntax.h"

namespace weir {

/// A password that was asked for and checked here is for nobody behind.
inline void drop_spent_credentials(Exchange& exchange) {
  Headers& headers = exchange.request().headers;
  if (exchange.identity().empty()) return;
  if (!istarts_with(headers.get(HeaderId::authorization), "basic ")) return;
  headers.remove(HeaderId::authorization);
}

}  // namespace weir

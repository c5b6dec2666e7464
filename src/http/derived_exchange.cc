#include "http/derived_exchange.h"

namespace weir {
namespace {

Authority copy(const Authority& from, Arena& arena) {
  Authority to = from;
  to.text = arena.copy(from.text);
  to.host = arena.copy(from.host);
  return to;
}

// What was received is for the log of the first exchange alone.
Target copy(const Target& from, Arena& arena) {
  Target to;
  to.form = from.form;
  to.scheme = arena.copy(from.scheme);
  to.authority = copy(from.authority, arena);
  to.path_query = arena.copy(from.path_query);
  to.path = arena.copy(from.path);
  to.query = arena.copy(from.query);
  return to;
}

void copy_head(const Request& from, Request& to, Arena& arena) {
  to.method = from.method;
  to.method_text = arena.copy(from.method_text);
  to.version = from.version;
  to.te_trailers = from.te_trailers;
  to.scheme = arena.copy(from.scheme);
  to.authority = copy(from.authority, arena);
  to.target = copy(from.target, arena);
  to.headers = from.headers.clone(arena);
  to.upgrade = arena.copy(from.upgrade);
}

}  // namespace

DerivedExchange::DerivedExchange(Exchange& from, Duration time, StopToken owner)
    : connection_(from.connection()),
      deadline_(from.loop(), time, owner),
      exchange_(from.loop(), connection_, deadline_.token()) {
  Arena& arena = exchange_.arena();
  connection_.listener = arena.copy(connection_.listener);
  connection_.tls = nullptr;
  connection_.stream = nullptr;
  if (from.pin() != nullptr) from.pin()->share(exchange_);
  copy_head(from.request(), exchange_.request(), arena);
  exchange_.outcome().started = from.loop().now();
  exchange_.set_route(arena.copy(from.route()));
  exchange_.set_identity(arena.copy(from.identity()));
  exchange_.set_client_ip(from.client_ip());
  exchange_.set_peer_trusted(from.peer_trusted());
  exchange_.set_request_id(arena.copy(from.request_id()));
}

}  // namespace weir

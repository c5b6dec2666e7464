#include "server/snapshot.h"

#include <algorithm>

#include "http/exchange.h"

namespace weir {
namespace {

Task<Result<Response>> refuse(Error error) { co_return fail(error); }

// One that did not verify would have ended the handshake.
bool shows_certificate(const Exchange& exchange) {
  const TlsFacts* tls = exchange.connection().tls;
  return tls != nullptr && tls->peer != nullptr;
}

}  // namespace

bool ProxyProtocolPlan::expects(const Peer& peer) const {
  if (peer.family() == Address::Family::unix_path) return true;
  return std::ranges::any_of(from,
                             [&](const IpNetwork& network) { return network.contains(peer.ip()); });
}

const Route* Site::find(Exchange& exchange) const {
  const Request& request = exchange.request();
  std::optional<RouteId> pattern =
      router.find(request.authority.host, request.target.path,
                  [&](RouteId id) { return route_of(id).conditions.hold(exchange); });
  return pattern ? &route_of(*pattern) : nullptr;
}

std::vector<RouteExplanation> Site::explain(Exchange& exchange) const {
  const Request& request = exchange.request();
  return router.explain(request.authority.host, request.target.path,
                        [&](RouteId id) { return route_of(id).conditions.hold(exchange); });
}

// Nearly every request asks for the name of its handshake. A client that does not has taken a
// connection for another site's, or tries to get around what the other site demands of clients.
bool Site::misdirected(Exchange& exchange) const {
  const TlsFacts* told = exchange.connection().tls;
  if (told == nullptr || tls == nullptr) return false;
  const Request& request = exchange.request();
  std::string_view host = request.authority.host;
  if (host.empty() || host == told->server_name) return false;
  if (request.target.form == TargetForm::authority) return false;  // of a tunnel's far end
  return !tls->serves_alike(told->server_name, host, exchange.loop().slots());
}

// A plain function: the chain's own coroutines are the only frames.
Task<Result<Response>> Site::handle(Exchange& exchange) const {
  if (misdirected(exchange)) {
    return refuse({ErrorCode::misdirected, Origin::client, "not the site of the handshake"});
  }
  const Route* route = find(exchange);
  if (route == nullptr) return refuse({ErrorCode::no_route, Origin::weir, "no route matches"});
  exchange.set_route(route->name);
  if (TraceSpan* span = exchange.span(); span != nullptr && route->trace_share) {
    span->trace->draw(*route->trace_share);
  }
  if (route->require_client_certificate && !shows_certificate(exchange)) {
    return refuse({ErrorCode::client_certificate, Origin::client, "none was shown"});
  }
  return Next(route->chain, *route->handler)(exchange);
}

}  // namespace weir

#include "cluster/connect.h"

#include <utility>

#include "io/connect_either.h"
#include "io/tls/handshake.h"

namespace weir {
namespace {

/// Stops a connect that takes too long.
struct ConnectAlarm : Timer {
  explicit ConnectAlarm(StopSource& source)
      : Timer([](Timer& self) {
          static_cast<ConnectAlarm&>(self).stop.request(
              Error(ErrorCode::connect_timeout, Origin::upstream, "connect", Retry::always));
        }),
        stop(source) {}
  StopSource& stop;
};

// Nothing was sent: it was the endpoint, and another one may do better.
Error blame(const Error& error) {
  if (error.origin == Origin::client || error.code == ErrorCode::cancelled) return error;
  return error.with(Origin::upstream).with(Retry::always);
}

// A name with addresses of both families: the one that served last goes first. That the other one
// is tried as well is no attempt of its own.
Task<Result<std::unique_ptr<Stream>>> reach(Loop& loop, const ConnectPlan& to, StopToken stop) {
  bool other_first = to.endpoint.other_is_better();
  const Address& first = other_first ? *to.other : to.address;
  const Address& second = other_first ? to.address : *to.other;
  Result<EitherConnected> made = co_await connect_either(loop, first, second, stop);
  if (!made) co_return fail(made.error());
  if (made->second) to.endpoint.note_better(!other_first);
  co_return std::move(made->stream);
}

// From an address only those of its own family can be reached.
Task<Result<std::unique_ptr<Stream>>> reach_from(Loop& loop, const ConnectPlan& to,
                                                 StopToken stop) {
  auto suits = [&](const Address& address) {
    return address.family() == Address::Family::unix_path || address.ip().v4 == to.source->v4;
  };
  bool other = to.other && !suits(to.address);
  const Address& address = other ? *to.other : to.address;
  if (!suits(address)) {
    co_return fail(ErrorCode::address_unavailable, Origin::upstream,
                   "the client's address is of another family", Retry::always);
  }
  ConnectOptions options;
  if (address.family() != Address::Family::unix_path) options.source = to.source;
  co_return co_await loop.connect(address, stop, options);
}

using Place = ConnectionPlaces::Place;

/// A place at the endpoint and one in its cluster, where these are limited.
Task<Result<Place>> take_place(Loop& loop, const Endpoint& at, EndpointLimits limits,
                               StopToken stop) {
  std::pair<Place, Place> both;
  if (limits.max_connections > 0) {
    Result<Place> place = co_await at.places->take(loop, limits, stop);
    if (!place) co_return fail(place.error());
    both.first = std::move(*place);
  }
  if (limits.cluster_connections == 0 || !at.cluster_places) co_return std::move(both.first);
  Result<Place> place = co_await at.cluster_places->take(loop, limits.of_cluster(), stop);
  if (!place) co_return fail(place.error());
  both.second = std::move(*place);
  co_return std::make_shared<const std::pair<Place, Place>>(std::move(both));
}

}  // namespace

Task<Result<Connected>> connect(Loop& loop, ConnectPlan to, StopToken stopped) {
  ConnectionPlaces::Place place;
  if (to.limits.connections()) {
    auto given = co_await take_place(loop, to.endpoint, to.limits, stopped);
    if (!given) co_return fail(given.error());
    place = std::move(*given);
  }
  StopSource stop(stopped);
  ConnectAlarm alarm(stop);
  loop.timers().arm(alarm, loop.now() + to.timeout);
  Result<std::unique_ptr<Stream>> stream;
  if (to.source) {
    stream = co_await reach_from(loop, to, stop.token());
  } else if (to.other) {
    stream = co_await reach(loop, to, stop.token());
  } else {
    stream = co_await loop.connect(to.address, stop.token());
  }
  if (stream && !to.proxy_header.empty()) {
    Slice header = Slice::unowned(to.proxy_header);
    Status sent = co_await (*stream)->write({&header, 1}, stop.token());
    if (!sent) stream = fail(sent.error());
  }
  if (stream && to.tls) {
    stream = co_await tls_connect(std::move(*stream), to.tls, to.host, stop.token(), to.alpn);
  }
  if (!stream) co_return fail(blame(stream.error()));
  co_return Connected{std::move(*stream), std::move(place)};
}

}  // namespace weir

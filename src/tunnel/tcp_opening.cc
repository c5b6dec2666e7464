#include "tunnel/tcp_opening.h"

#include <utility>

#include "core/scope.h"
#include "io/deadline.h"
#include "io/tls/facts.h"

namespace weir {
namespace {

constexpr Error kOver(ErrorCode::cancelled, Origin::weir, "the other side spoke first");

// How long bytes are waited for that would tell between protocols: 17 at most, which hardly ever
// come in two packets. Longer than it takes to send a lost packet again.
constexpr Duration kUndecided = std::chrono::seconds(1);

}  // namespace

TcpOpening::TcpOpening(Stream& client, const Peer& peer, Address destination, const TcpPlan& plan,
                       Slice received, StopToken stop)
    : stream_(client),
      plan_(plan),
      stop_(stop),
      about_{peer.address(), std::move(destination), {}, {}, plan.keep_source},
      received_(received.view()) {
  if (const TlsFacts* tls = client.tls()) {
    about_.server_name = tls->server_name;
    about_.alpn = tls->alpn;
  }
}

// Of a client whose TLS ends here, the handshake has told what its hello asked for.
TcpFacts TcpOpening::facts() const {
  bool ended_here = stream_.tls() != nullptr;
  std::span<const std::string> agreed(&about_.alpn, about_.alpn.empty() ? 0 : 1);
  return {about_.source.ip(),
          about_.destination.ip(),
          about_.destination.port(),
          protocol_,
          about_.server_name,
          ended_here ? agreed : std::span<const std::string>(reader_.hello().alpn)};
}

// Of what is meant for somebody else, where it was going is known; else it came here by itself, and
// to go on with it would be to connect to ourselves.
Task<Result<OpenedTunnel>> TcpOpening::run() {
  if (about_.destination.family() == Address::Family::none) {
    co_return fail(ErrorCode::no_route, Origin::client, "meant for this listener, not intercepted");
  }
  const TcpRoute* silent = plan_.routes.find(facts());
  if (plan_.routes.needs_bytes(facts(), stream_.tls() != nullptr)) {
    if (Status heard = co_await listen(silent); !heard) co_return fail(heard.error());
  } else {
    route_ = silent;
  }
  if (route_ == nullptr) {
    co_return fail(ErrorCode::no_route, Origin::weir, "no route matches");
  }
  if (!connection_.stream) {
    auto made = co_await connect(*route_, stop_);
    if (!made) co_return fail(made.error());
    connection_ = std::move(*made);
  }
  Slice received = received_.empty() ? Slice() : copy_slice(received_);
  co_return OpenedTunnel{std::move(connection_), std::move(received), std::move(greeting_)};
}

Task<Result<TunnelConnection>> TcpOpening::connect(const TcpRoute& route, StopToken stop) {
  if (route.upstream) {
    return connect_endpoint(stream_.loop(), *route.upstream, about_, stop, attempts_);
  }
  ++attempts_;
  return connect_destination(stream_.loop(), about_, stop);
}

// What ends it by `stop` is nobody's fault here.
Error TcpOpening::blame_client(const Error& error) const {
  return stop_.stopped() ? error : error.with(Origin::client);
}

// --- by what the client says ---------------------------------------------------------------------

// Learns what there is to learn. An error: these bytes are of no use to anybody.
Status TcpOpening::take(Slice bytes) {
  received_ += bytes.view();
  if (received_.empty()) return {};
  if (!protocol_) protocol_ = tell_protocol(received_);
  if (!protocol_) return {};
  bool hello = *protocol_ == FirstBytes::tls && plan_.routes.needs_hello() && !stream_.tls();
  if (!hello) {
    understood_ = true;
    return {};
  }
  Result<bool> complete = reader_.feed(std::string_view(received_).substr(read_of_hello_));
  read_of_hello_ = received_.size();
  if (!complete) return fail(complete.error());
  if (!*complete) return {};
  about_.server_name = reader_.hello().server_name;
  understood_ = true;
  return {};
}

Task<Status> TcpOpening::listen(const TcpRoute* silent) {
  if (Status taken = take({}); !taken) co_return taken;
  if (received_.empty() && silent != nullptr) {
    Deadline patience(stream_.loop(), plan_.silence, stop_);
    Result<Slice> first = co_await stream_.read(patience.token());
    if (first) {
      if (Status taken = take(std::move(*first)); !taken) co_return taken;
    } else if (first.error().code == ErrorCode::timeout) {
      if (Status raced = co_await race(*silent); !raced) co_return raced;
    } else if (first.error().code == ErrorCode::end_of_stream) {
      client_ended_ = true;
    } else {
      co_return fail(blame_client(first.error()));
    }
  }
  if (route_ != nullptr) co_return Status();
  if (!understood_ && !client_ended_) {
    if (Status heard = co_await hear_out(); !heard) co_return heard;
  }
  // One that stopped in the middle of what could have become several things is none of them.
  if (!protocol_ && !received_.empty()) protocol_ = FirstBytes::other;
  route_ = plan_.routes.find(facts());
  if (route_ != silent) {
    connection_ = {};
    greeting_ = {};
  }
  co_return Status();
}

// Nobody is kept waiting for bytes that tell nothing: a client that has said something and then
// waits for an answer is not one of those that its first bytes could still have become.
Task<Status> TcpOpening::hear_out() {
  Deadline deadline(stream_.loop(), plan_.hello_timeout, stop_);
  while (!understood_) {
    bool undecided = !received_.empty() && !protocol_;
    Deadline patience(stream_.loop(), undecided ? kUndecided : plan_.hello_timeout,
                      deadline.token());
    Result<Slice> more = co_await stream_.read(patience.token());
    if (more) {
      if (Status taken = take(std::move(*more)); !taken) co_return taken;
    } else if (more.error().code == ErrorCode::end_of_stream) {
      co_return Status();
    } else if (more.error().code != ErrorCode::timeout) {
      co_return fail(blame_client(more.error()));
    } else if (undecided) {
      co_return Status();
    } else {
      co_return fail(ErrorCode::header_timeout, Origin::client, "the client did not say enough");
    }
  }
  co_return Status();
}

// --- by who speaks first -------------------------------------------------------------------------

struct TcpOpening::Race {
  Race(const TcpRoute& route, StopToken stop)
      : silent(route), client(stop), connect(stop), server(stop) {}

  const TcpRoute& silent;
  StopSource client;   // the wait for the client's bytes
  StopSource connect;  // the connection to the endpoint of silent clients
  StopSource server;   // the wait for its bytes
  Status failed{};     // with what the client cannot go on
  bool settled = false;
};

Task<void> TcpOpening::await_client(Race& race) {
  Result<Slice> said = co_await stream_.read(race.client.token());
  if (said) {
    race.failed = take(std::move(*said));
    race.connect.request(kOver);
    race.server.request(kOver);
  } else if (said.error().code == ErrorCode::end_of_stream) {
    // It will say nothing. What the server says goes to it all the same.
    client_ended_ = true;
    race.server.request(kOver);
  } else if (said.error().code != ErrorCode::cancelled) {
    race.failed = fail(blame_client(said.error()));
    race.connect.request(said.error());
    race.server.request(said.error());
  }
}

// An endpoint that cannot be had says nothing of the client, who may yet ask for another one; but
// one who waits for that endpoint's greeting is not left waiting for ever.
Task<void> TcpOpening::await_server(Race& race) {
  Loop& loop = stream_.loop();
  auto made = co_await connect(race.silent, race.connect.token());
  if (!made) {
    Status waited = co_await loop.sleep_for(plan_.hello_timeout, race.server.token());
    if (!waited) co_return;
    race.failed = fail(made.error());
    race.client.request(kOver);
    co_return;
  }
  connection_ = std::move(*made);
  Result<Slice> said = co_await connection_.stream->read(race.server.token());
  if (said) {
    greeting_ = std::move(*said);
  } else if (said.error().code == ErrorCode::cancelled) {
    co_return;
  } else if (said.error().code != ErrorCode::end_of_stream) {
    race.failed = fail(said.error().with(Origin::upstream));
  }
  race.settled = true;
  race.client.request(kOver);
}

// The client's word counts more: it decides over the route, and it did not wait for the server's.
Task<Status> TcpOpening::race(const TcpRoute& silent) {
  Deadline idle(stream_.loop(), plan_.idle_timeout, stop_);
  Race race(silent, idle.token());
  Scope both;
  both.spawn(await_client(race));
  both.spawn(await_server(race));
  co_await both.join();
  if (idle.token().stopped() && !stop_.stopped()) {
    co_return fail(ErrorCode::idle_timeout, Origin::weir, "neither side spoke");
  }
  if (!race.failed) co_return race.failed;
  if (received_.empty() && (race.settled || client_ended_)) route_ = &silent;
  co_return Status();
}

}  // namespace weir

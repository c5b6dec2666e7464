// Test support: an HTTP/2 origin in the simulation that answers as a test says, with the engine
// alone. Included by tests only.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/scope.h"
#include "http/h2/testing.h"
#include "io/deadline.h"
#include "io/sim/loop.h"
#include "io/testing.h"
#include "io/tls/handshake.h"

namespace weir::h2::testing {

class TestOrigin {
 public:
  struct Connection {
    explicit Connection(const Limits& limits) : peer(Side::server, limits) {}
    Peer peer;
    std::set<StreamId> answered;
    std::map<StreamId, std::size_t> consumed;
    bool close = false;     // after what there is to say
    bool consumes = true;   // the windows are kept open
    std::size_t index = 0;  // of the origin's connections
  };
  /// Called for each request, whenever something may have changed, until it returns true.
  using Answer = std::function<bool(Connection&, RecordingStream&)>;

  TestOrigin(SimWorld& world, std::string_view address, Answer answer, const Limits& limits = {},
             std::shared_ptr<const TlsServerProfile> tls = nullptr)
      : limits(limits), network_(world.network()), answer_(std::move(answer)), tls_(tls) {
    loop_ = &world.add_loop(std::string(address.substr(0, address.rfind(':'))));
    address_ = *Address::parse(address);
    socket_ = *network_.bind(address_, {});
    world.spawn(*loop_, accept());
  }
  ~TestOrigin() { network_.close(socket_); }
  TestOrigin(const TestOrigin&) = delete;
  TestOrigin& operator=(const TestOrigin&) = delete;

  /// "200" with `body`, once the whole request is there.
  static bool ok(Connection& on, RecordingStream& stream, std::string body = "hello") {
    if (!stream.ended) return false;
    (void)on.peer.respond(stream, {{":status", "200"}}, std::move(body));
    return true;
  }

  const Address& address() const { return address_; }
  SimLoop& loop() { return *loop_; }
  std::size_t connections() const { return connections_.size(); }
  Connection& connection(std::size_t index) { return *connections_.at(index); }
  std::size_t open() const { return open_; }
  std::size_t requests() const {
    std::size_t sum = 0;
    for (const auto& each : connections_) sum += each->peer.streams.size();
    return sum;
  }
  bool refuse_all = false;  // streams
  Limits limits;            // of the connections that will be accepted

 private:
  Task<void> accept() {
    std::unique_ptr<Listener> listener = std::move(loop_->listen(socket_).value());
    Scope scope;
    while (true) {
      auto stream = co_await listener->accept(loop_->stopping());
      if (!stream) break;
      connections_.push_back(std::make_unique<Connection>(limits));
      connections_.back()->index = connections_.size() - 1;
      scope.spawn(serve(std::move(*stream), *connections_.back()));
    }
    co_await scope.join();
  }

  Task<void> serve(std::unique_ptr<Stream> stream, Connection& on) {
    if (tls_) {
      auto secured = co_await tls_accept(std::move(stream), *tls_, loop_->stopping());
      if (!secured) co_return;
      stream = std::move(*secured);
    }
    ++open_;
    while (true) {
      on.peer.refuse = refuse_all;
      act(on);
      std::string out = on.peer.pull();
      if (!out.empty()) {
        Status said = co_await test::write_text(*stream, out, loop_->stopping());
        if (!said) break;
      }
      if (on.close || on.peer.engine.finished()) break;
      Deadline tick(*loop_, std::chrono::milliseconds(1), loop_->stopping());
      Result<Slice> got = co_await stream->read(tick.token());
      if (got) {
        (void)on.peer.engine.feed(*got);
      } else if (got.error().code != ErrorCode::timeout) {
        break;
      }
    }
    --open_;
  }

  void act(Connection& on) {
    for (auto& [id, stream] : on.peer.streams) {
      if (on.consumes && !stream->closed) {
        std::size_t& consumed = on.consumed[id];
        on.peer.engine.consume(*stream, stream->body.size() - consumed);
        consumed = stream->body.size();
      }
      if (stream->heads.empty() || stream->closed || on.answered.contains(id)) continue;
      if (answer_(on, *stream)) on.answered.insert(id);
    }
  }

  SimNetwork& network_;
  SimLoop* loop_;
  Address address_;
  int socket_;
  Answer answer_;
  std::shared_ptr<const TlsServerProfile> tls_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::size_t open_ = 0;
};

}  // namespace weir::h2::testing

// What the tests of HTTP/2 sessions share: a service whose handler answers by the path, and a
// client on the other end of a simulated connection. Included by tests and fuzz targets only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http/h2/server_session.h"
#include "http/h2/test_service.h"
#include "http/h2/testing.h"
#include "io/sim/loop.h"
#include "io/sim/network.h"
#include "io/sim/world.h"
#include "io/testing.h"

namespace weir::h2::testing {

/// A client's (or an origin's) engine on a stream. Reads and answers by itself until the connection
/// ends.
class Client {
 public:
  explicit Client(std::unique_ptr<Stream> stream, const Limits& limits = {},
                  Side side = Side::client)
      : peer(side, limits), stream_(std::move(stream)) {}

  /// Sends what the engine has to say.
  Task<void> say() {
    std::string bytes = peer.pull();
    if (bytes.empty() || !stream_) co_return;
    (void)co_await test::write_text(*stream_, bytes);
  }
  Task<void> say(std::string bytes) { (void)co_await test::write_text(*stream_, bytes); }
  /// Reads and answers until `done`, or for `time`.
  Task<bool> until(std::function<bool()> done, Duration time = std::chrono::seconds(30)) {
    StopSource stop;
    Cut cut(stop);
    stream_->loop().timers().arm(cut, stream_->loop().now() + time);
    co_await say();
    while (!done()) {
      Result<Slice> got = co_await stream_->read(stop.token());
      if (!got) {
        ended = got.error().code;
        break;
      }
      received += got->size();
      (void)peer.engine.feed(*got);
      if (consumes) consume();
      co_await say();
    }
    co_return done();
  }
  Task<bool> until_closed() {
    co_return co_await until([] { return false; });
  }
  void consume() {
    for (auto& request : peer.requests) {
      std::size_t& taken = taken_[request.get()];
      peer.engine.consume(*request, request->body.size() - taken);
      taken = request->body.size();
    }
  }
  void close() { stream_.reset(); }
  Stream& stream() { return *stream_; }

  testing::Peer peer;
  bool consumes = true;
  std::size_t received = 0;
  ErrorCode ended = ErrorCode::none;

 private:
  struct Cut : Timer {
    explicit Cut(StopSource& source)
        : Timer([](Timer& self) {
            static_cast<Cut&>(self).stop.request(Error(ErrorCode::timeout, Origin::weir));
          }),
          stop(source) {}
    StopSource& stop;
  };
  std::unique_ptr<Stream> stream_;
  std::map<RecordingStream*, std::size_t> taken_;
};

/// A client without an engine: sends any bytes, takes what comes apart.
class RawClient {
 public:
  struct Frame {
    FrameHeader header;
    std::string payload;
  };

  explicit RawClient(Client& client) : stream_(client.stream()) {}

  /// The preface and settings (pairs of identifier and value as bytes, may be empty).
  static std::string hello(std::string_view settings = {}) {
    return std::string(kPreface) + frame(FrameType::settings, 0, 0, settings);
  }
  /// One setting.
  static std::string setting(std::uint16_t id, std::uint32_t value) {
    std::string out{static_cast<char>(id >> 8), static_cast<char>(id)};
    return out + number(value);
  }
  Task<bool> say(std::string bytes) {
    Status said = co_await test::write_text(stream_, bytes);
    co_return said.has_value();
  }
  /// Everything up to the end of the connection, or for `time`.
  Task<void> listen(Duration time = std::chrono::seconds(20)) {
    StopSource stop;
    Cut cut(stop);
    stream_.loop().timers().arm(cut, stream_.loop().now() + time);
    while (true) {
      Result<Slice> got = co_await stream_.read(stop.token());
      if (!got) {
        ended = got.error().code;
        break;
      }
      bytes_ += got->view();
    }
    take_apart();
  }
  std::size_t count(FrameType type) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(frames, [&](const Frame& f) { return f.header.type == type; }));
  }
  /// The reason of the last RST_STREAM or GOAWAY.
  std::optional<Reason> reason(FrameType type) const {
    std::optional<Reason> found;
    for (const Frame& f : frames) {
      if (f.header.type != type) continue;
      std::size_t at = type == FrameType::goaway ? 4 : 0;
      std::uint32_t code = 0;
      for (int i = 0; i < 4; ++i)
        code = code << 8 | static_cast<unsigned char>(f.payload.at(at + i));
      found = static_cast<Reason>(code);
    }
    return found;
  }

  std::vector<Frame> frames;
  ErrorCode ended = ErrorCode::none;

 private:
  struct Cut : Timer {
    explicit Cut(StopSource& source)
        : Timer([](Timer& self) {
            static_cast<Cut&>(self).stop.request(Error(ErrorCode::timeout, Origin::weir));
          }),
          stop(source) {}
    StopSource& stop;
  };
  void take_apart() {
    FrameWatch watch(false);
    std::string_view rest = bytes_;
    while (rest.size() >= kFrameHeader) {
      FrameHeader header{};
      watch.scan(rest.substr(0, kFrameHeader), [&](const FrameHeader& found) {
        header = found;
        return true;
      });
      if (rest.size() < kFrameHeader + header.length) break;
      frames.push_back({header, std::string(rest.substr(kFrameHeader, header.length))});
      watch = FrameWatch(false);
      rest.remove_prefix(kFrameHeader + header.length);
    }
    bytes_ = std::string(rest);
  }
  Stream& stream_;
  std::string bytes_;
};

/// A simulated world with one session and its client.
class Connected {
 public:
  explicit Connected(std::uint64_t seed = 1, const Limits& client_limits = {})
      : world(seed), loop(world.add_loop()), client_limits_(client_limits) {}

  /// Runs `dialogue(client)` to its end, closes the client, and awaits the session.
  void talk(std::function<Task<void>(Client&)> dialogue) {
    test::run(loop, run(std::move(dialogue)));
  }

  SimWorld world;
  Loop& loop;
  TestService service;
  ServerSession* session = nullptr;  // while the dialogue runs

 private:
  Task<void> run(std::function<Task<void>(Client&)> dialogue) {
    test::Service listening(loop, world.network());
    test::Pair pair = co_await test::connect_pair(loop, listening);
    Scope scope;
    auto made = std::make_unique<ServerSession>(std::move(pair.server),
                                                ConnectionFacts{{}, "test", false}, service);
    session = made.get();
    ServerSession::serve(scope, std::move(made));
    Client client(std::move(pair.client), client_limits_);
    co_await dialogue(client);
    client.close();
    co_await scope.join();
    session = nullptr;
  }
  Limits client_limits_;
};

}  // namespace weir::h2::testing

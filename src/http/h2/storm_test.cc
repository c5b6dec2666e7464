// Client session against server session over a bad network: whatever happens, no bytes are mixed
// up, every exchange ends once on both sides, and nothing is left over.
#include <gtest/gtest.h>

#include "http/h2/client_exchange.h"
#include "http/h2/session_testing.h"
#include "io/sim/faults.h"

namespace weir::h2 {
namespace {

using testing::TestService;

class Home final : public ClientSessionHome {
 public:
  void stream_ended(ClientSession&) override {}
  void settings_came(ClientSession&) override {}
  void session_closed(ClientSession&) override { ++closed; }
  AbuseCounters& abuse() override { return counters; }
  int closed = 0;
  AbuseCounters counters;
};

/// Gives its bytes in pieces of random size, with random rests.
class PiecesBody final : public Body {
 public:
  PiecesBody(Loop& loop, std::string bytes, StopToken stop)
      : loop_(loop), bytes_(std::move(bytes)), stop_(stop) {}
  Task<Result<Slice>> read() override {
    Status slept =
        co_await loop_.sleep_for(std::chrono::microseconds(loop_.random().below(500)), stop_);
    if (!slept) co_return fail(slept.error());
    co_return next();
  }
  std::optional<Slice> try_read() override {
    if (loop_.random().below(3) == 0) return std::nullopt;
    return next();
  }
  std::optional<std::uint64_t> length() const override { return std::nullopt; }

 private:
  Slice next() {
    std::size_t size = std::min<std::size_t>(bytes_.size() - at_, 1 + loop_.random().below(20'000));
    at_ += size;
    return size == 0 ? Slice() : copy_slice(std::string_view(bytes_).substr(at_ - size, size));
  }
  Loop& loop_;
  std::string bytes_;
  std::size_t at_ = 0;
  StopToken stop_;
};

struct Storm {
  explicit Storm(std::uint64_t seed) : world(seed, SimFaults::drawn(seed)), loop(world.add_loop()) {
    service.limits_.http2.stream_window = 1000 + static_cast<std::uint32_t>(seed % 64) * 1000;
    service.limits_.http2.streams = 1 + static_cast<std::uint32_t>(seed % 20);
    service.limits_.abuse.points = 0;
  }

  /// One exchange: sends a body and wants the same back; may lose its client on the way.
  Task<void> exchange(ClientSession& session, std::uint64_t number) {
    Random& random = loop.random();
    (void)co_await loop.sleep_for(std::chrono::microseconds(random.below(20'000)));
    std::string content = test::pattern(random.below(100'000), number);
    StopSource stop;
    ConnectionFacts facts;
    Exchange exchange(loop, facts, stop.token());
    Headers headers(exchange.arena());
    headers.add(HeaderId::host, "origin.example");
    PiecesBody body(loop, content, exchange.stop());
    auto* sent = exchange.own<ClientExchange>(exchange, session, limits, exchange.stop());
    struct Loss : Timer {
      explicit Loss(StopSource& source)
          : Timer([](Timer& self) {
              static_cast<Loss&>(self).stop.request(
                  Error(ErrorCode::client_gone, Origin::client, "test"));
            }),
            stop(source) {}
      StopSource& stop;
    } loss(stop);
    if (random.below(3) == 0) {
      loop.timers().arm(loss, loop.now() + std::chrono::microseconds(random.below(30'000)));
    }
    Result<Response> response = co_await sent->run({Method::post,
                                                    "POST",
                                                    random.below(8) == 0 ? "/early" : "/echo",
                                                    &headers,
                                                    &body,
                                                    {},
                                                    false});
    std::string got;
    bool whole = false;
    while (response && response->body != nullptr) {
      Result<Slice> piece = co_await response->body->read();
      if (!piece || (whole = piece->empty())) break;
      got += piece->view();
      if (random.below(10) == 0) {
        (void)co_await loop.sleep_for(std::chrono::microseconds(random.below(2000)));
      }
    }
    co_await exchange.finish();
    if (response && response->status == 200) {
      EXPECT_TRUE(std::string_view(content).starts_with(got)) << "mixed bytes";
      if (whole) EXPECT_EQ(got.size(), content.size());
      completed += whole ? 1 : 0;
    }
    ++ended;
  }

  Task<void> run() {
    test::Service listening(loop, world.network());
    auto client = co_await loop.connect(listening.address());
    if (!client) co_return;  // refused by the weather
    auto server = co_await listening.listener().accept();
    if (!server) co_return;
    Scope scope;
    auto made = std::make_unique<ServerSession>(std::move(*server),
                                                ConnectionFacts{{}, "test", false}, service);
    ServerSession* serving = made.get();
    ServerSession::serve(scope, std::move(made));
    ClientSession::Reference session =
        ClientSession::open(scope, std::move(*client), session_limits, home);
    Scope exchanges;
    for (std::uint64_t i = 0; i < 30; ++i) exchanges.spawn(exchange(*session, i));
    started = 30;
    if (loop.random().below(3) == 0) {
      (void)co_await loop.sleep_for(std::chrono::microseconds(loop.random().below(20'000)));
      if (service.closed_ == 0) serving->drain();
    }
    co_await exchanges.join();
    session->close();
    co_await scope.join();
  }

  SimWorld world;
  Loop& loop;
  TestService service;
  Home home;
  ClientSessionLimits session_limits;
  h1::ClientLimits limits{.head = {},
                          .chunk = {},
                          .response_timeout = std::chrono::seconds(30),
                          .idle_timeout = std::chrono::seconds(30)};
  int started = 0;
  int ended = 0;
  int completed = 0;
};

TEST(H2Storm, mixes_no_bytes_and_leaves_nothing) {
  int completed = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Storm storm(seed);
    bool done = false;
    auto whole = [](Storm& all, bool& flag) -> Task<void> {
      co_await all.run();
      flag = true;
    };
    storm.world.spawn(static_cast<SimLoop&>(storm.loop), whole(storm, done));
    ASSERT_EQ(storm.world.run(), SimWorld::End::reached);
    ASSERT_TRUE(done);
    EXPECT_EQ(storm.ended, storm.started);
    EXPECT_EQ(storm.service.answers_.begun, storm.service.ended_);
    EXPECT_EQ(storm.service.counters_.open.value(), 0u);
    ASSERT_EQ(storm.world.check_clean(), "");
    completed += storm.completed;
    if (HasFailure()) break;
  }
  EXPECT_GT(completed, 300);
}

}  // namespace
}  // namespace weir::h2

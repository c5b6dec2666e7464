#include "io/relay.h"

#include <sys/socket.h>

#include "io/epoll_loop.h"
#include "io/sockets.h"
#include "io/testing.h"

namespace weir {
namespace {

/// A client and an origin with a relay between them: client - near | far - origin.
struct Tunnelled {
  test::Pair left;
  test::Pair right;
};

class RelayTest : public testing::Test {
 public:
  RelayTest() : loop_(std::move(make_epoll_loop(0, 1).value())) {}

  Task<Tunnelled> connect() {
    test::Service service(*loop_, network_);
    Tunnelled tunnel;
    tunnel.left = co_await test::connect_pair(*loop_, service);
    tunnel.right = co_await test::connect_pair(*loop_, service);
    co_return tunnel;
  }
  static Task<void> relay(Tunnelled& tunnel, RelayResult& result, StopToken stop, Duration idle) {
    AwaitedRelay relay(*tunnel.left.server, *tunnel.right.client, stop, idle);
    result = co_await relay.run();
    tunnel.left.server.reset();
    tunnel.right.client.reset();
  }

  KernelNetwork network_;
  std::unique_ptr<Loop> loop_;
};

Task<void> send_and_end(Stream& stream, std::string_view bytes) {
  (void)co_await test::write_text(stream, bytes);
  stream.shutdown_write();
}

TEST_F(RelayTest, carries_bytes_both_ways_and_passes_each_end_on) {
  auto talk = [](RelayTest* self) -> Task<void> {
    Tunnelled tunnel = co_await self->connect();
    RelayResult result;
    Scope scope;
    scope.spawn(relay(tunnel, result, {}, Duration::zero()));
    std::string upward = test::pattern(1 << 20, 1);
    std::string downward = test::pattern(3 << 20, 2);
    ErrorCode end;
    scope.spawn(send_and_end(*tunnel.left.client, upward));
    std::string got = co_await test::read_all(*tunnel.right.server, end);
    EXPECT_EQ(got, upward);
    EXPECT_EQ(end, ErrorCode::end_of_stream);
    // Half-closed: the other direction goes on.
    scope.spawn(send_and_end(*tunnel.right.server, downward));
    got = co_await test::read_all(*tunnel.left.client, end);
    EXPECT_EQ(got, downward);
    EXPECT_EQ(end, ErrorCode::end_of_stream);
    co_await scope.join();
    EXPECT_EQ(result.forward, upward.size());
    EXPECT_EQ(result.backward, downward.size());
    EXPECT_EQ(result.error.code, ErrorCode::none);
  };
  test::run(*loop_, talk(this));
}

TEST_F(RelayTest, ends_both_sides_when_one_breaks) {
  auto talk = [](RelayTest* self) -> Task<void> {
    Tunnelled tunnel = co_await self->connect();
    RelayResult result;
    Scope scope;
    scope.spawn(relay(tunnel, result, {}, Duration::zero()));
    tunnel.left.client->reset_on_close();
    tunnel.left.client.reset();
    ErrorCode end;
    (void)co_await test::read_all(*tunnel.right.server, end);
    co_await scope.join();
    EXPECT_EQ(result.error.code, ErrorCode::reset);
  };
  test::run(*loop_, talk(this));
}

TEST_F(RelayTest, ends_when_both_sides_are_silent_for_too_long) {
  auto talk = [](RelayTest* self) -> Task<void> {
    Tunnelled tunnel = co_await self->connect();
    RelayResult result;
    Scope scope;
    scope.spawn(relay(tunnel, result, {}, std::chrono::milliseconds(5)));
    co_await scope.join();
    EXPECT_EQ(result.error.code, ErrorCode::idle_timeout);
  };
  test::run(*loop_, talk(this));
}

TEST_F(RelayTest, ends_when_it_is_stopped) {
  auto talk = [](RelayTest* self) -> Task<void> {
    Tunnelled tunnel = co_await self->connect();
    RelayResult result;
    StopSource stop;
    Scope scope;
    scope.spawn(relay(tunnel, result, stop.token(), Duration::zero()));
    stop.request(Error(ErrorCode::shutting_down));
    co_await scope.join();
    EXPECT_EQ(result.error.code, ErrorCode::shutting_down);
  };
  test::run(*loop_, talk(this));
}

TEST_F(RelayTest, sends_what_was_read_before_it_first) {
  auto talk = [](RelayTest* self) -> Task<void> {
    Tunnelled tunnel = co_await self->connect();
    AwaitedRelay relay(*tunnel.left.server, *tunnel.right.client, {}, Duration::zero());
    relay.preload(copy_slice("early"), copy_slice("answer"));
    tunnel.left.client->shutdown_write();
    tunnel.right.server->shutdown_write();
    (void)co_await relay.run();
    EXPECT_EQ(co_await test::read_exactly(*tunnel.right.server, 5), "early");
    EXPECT_EQ(co_await test::read_exactly(*tunnel.left.client, 6), "answer");
  };
  test::run(*loop_, talk(this));
}

// Their buffers are small.
test::Pair unix_pair(Loop& loop) {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  return {std::move(loop.adopt(ends[0]).value()), std::move(loop.adopt(ends[1]).value())};
}

// What a hand-over needs: how far each direction is, as plain values.
TEST_F(RelayTest, when_stopped_has_what_was_read_and_not_written) {
  auto talk = [](RelayTest* self) -> Task<void> {
    Tunnelled tunnel{unix_pair(*self->loop_), unix_pair(*self->loop_)};
    AwaitedRelay relay(*tunnel.left.server, *tunnel.right.client, {}, Duration::zero());
    Scope scope;
    RelayResult result;
    auto run = [](AwaitedRelay* it, RelayResult* to) -> Task<void> { *to = co_await it->run(); };
    scope.spawn(run(&relay, &result));
    tunnel.right.server->shutdown_write();
    std::string sent = test::pattern(8 << 20, 3);
    StopSource full;
    Slice all = Slice::unowned(sent);
    Scope sender;
    auto send = [](Stream* to, Slice* what, StopToken stop) -> Task<void> {
      (void)co_await to->write({what, 1}, stop);
    };
    sender.spawn(send(tunnel.left.client.get(), &all, full.token()));
    std::size_t left = all.size() + 1;  // nobody reads: it comes to a stand
    while (left != all.size()) {
      left = all.size();
      co_await self->loop_->sleep_for(std::chrono::milliseconds(20));
    }
    full.request(Error(ErrorCode::cancelled));
    co_await sender.join();
    relay.stop(Error(ErrorCode::shutting_down));
    co_await scope.join();
    EXPECT_EQ(result.error.code, ErrorCode::shutting_down);
    EXPECT_TRUE(relay.ended(true));
    EXPECT_FALSE(relay.ended(false));
    EXPECT_TRUE(relay.take_unwritten(true).empty());
    Slice unwritten = relay.take_unwritten(false);
    EXPECT_FALSE(unwritten.empty());
    // The next who has the two streams goes on where it stood.
    AwaitedRelay next(*tunnel.left.server, *tunnel.right.client, {}, Duration::zero());
    next.preload(std::move(unwritten), {});
    scope.spawn(run(&next, &result));
    tunnel.left.client->shutdown_write();
    ErrorCode end;
    std::string got = co_await test::read_all(*tunnel.right.server, end);
    EXPECT_EQ(got, sent.substr(0, sent.size() - all.size()));
    EXPECT_EQ(end, ErrorCode::end_of_stream);
    co_await scope.join();
  };
  test::run(*loop_, talk(this));
}

TEST_F(RelayTest, that_was_stopped_before_it_began_moves_nothing) {
  auto talk = [](RelayTest* self) -> Task<void> {
    Tunnelled tunnel = co_await self->connect();
    StopSource stop;
    stop.request(Error(ErrorCode::shutting_down));
    AwaitedRelay relay(*tunnel.left.server, *tunnel.right.client, stop.token(), Duration::zero());
    relay.preload(copy_slice("early"), {});
    RelayResult result = co_await relay.run();
    EXPECT_EQ(result.error.code, ErrorCode::shutting_down);
    EXPECT_EQ(relay.take_unwritten(false).view(), "early");
  };
  test::run(*loop_, talk(this));
}

}  // namespace
}  // namespace weir

// How many connections to origins many clients need: counts, in virtual time.
#include "server/sim_server.h"

#include <algorithm>

namespace weir {
namespace {

using namespace std::chrono_literals;

struct Unobserved final : ExchangeObserver {
  void exchange_ended(Exchange&) override {}
};

/// An origin that answers every request after 20 ms, and counts.
class SlowOrigin {
 public:
  SlowOrigin(SimWorld& world, std::string_view address)
      : network_(world.network()), loop_(world.add_loop("10.0.9.1")) {
    socket_ = *network_.bind(*Address::parse(address), {});
    world.spawn(loop_, accept());
  }
  ~SlowOrigin() { network_.close(socket_); }

  std::uint64_t connections = 0;
  std::uint64_t requests = 0;
  std::uint64_t most_at_once = 0;

 private:
  Task<void> accept() {
    std::unique_ptr<Listener> listener = std::move(loop_.listen(socket_).value());
    Scope scope;
    while (true) {
      auto stream = co_await listener->accept(loop_.stopping());
      if (!stream) break;
      ++connections;
      scope.spawn(serve(std::move(*stream)));
    }
    co_await scope.join();
  }

  Task<void> serve(std::unique_ptr<Stream> stream) {
    std::string unread;
    while (true) {
      while (!unread.ends_with("\r\n\r\n")) {
        Result<Slice> more = co_await stream->read(loop_.stopping());
        if (!more) co_return;
        unread += more->view();
      }
      unread.clear();
      ++requests;
      most_at_once = std::max(most_at_once, ++at_once_);
      Status waited = co_await loop_.sleep_for(20ms, loop_.stopping());
      --at_once_;
      if (!waited) co_return;
      Status written = co_await test::write_text(
          *stream, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", loop_.stopping());
      if (!written) co_return;
    }
  }

  SimNetwork& network_;
  SimLoop& loop_;
  int socket_;
  std::uint64_t at_once_ = 0;
};

/// A client that keeps its connection and asks about once a second.
Task<void> client(SimLoop& loop, int requests, std::uint64_t& answered) {
  Random& random = loop.random();
  auto thinking = [&] { return Duration(random.below(Duration(2s).count())); };
  co_await loop.sleep_for(thinking());
  auto stream = co_await loop.connect(*Address::parse("10.0.0.1:80"));
  if (!stream) co_return;
  for (int i = 0; i < requests; ++i) {
    Status sent = co_await test::write_text(**stream, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    if (!sent) co_return;
    std::string answer;
    while (!answer.ends_with("\r\n\r\nok")) {
      Result<Slice> more = co_await (*stream)->read();
      if (!more) co_return;
      answer += more->view();
    }
    ++answered;
    co_await loop.sleep_for(thinking());
  }
}

class PoolingTest : public ::testing::TestWithParam<unsigned> {};

TEST_P(PoolingTest, a_thousand_clients_share_some_dozens_of_connections) {
  constexpr int kClients = 1'000;
  constexpr int kRequests = 10;  // of each; about 20 at a time
  SimWorld world(1);
  SlowOrigin origin(world, "10.0.9.1:80");
  test::SimHost host(world, [](Loop&) { return std::make_unique<Unobserved>(); });
  Server server(world.network(), host);
  test::apply(world, server,
              "workers: " + std::to_string(GetParam()) +
                  "\nlisteners: [{ address: \"10.0.0.1:80\", routes: [{ reverse_proxy: api }] }]\n"
                  "upstreams: { api: { endpoints: \"10.0.9.1:80\" } }\n");
  SimLoop& clients = world.add_loop("192.0.2.1");
  std::uint64_t answered = 0;
  for (int i = 0; i < kClients; ++i) world.spawn(clients, client(clients, kRequests, answered));
  world.run_until([&] { return clients.running() == 0; }, 100'000'000);

  EXPECT_EQ(answered, std::uint64_t{kClients} * kRequests);
  EXPECT_EQ(origin.requests, answered);
  EXPECT_GT(origin.most_at_once, 20u);
  RecordProperty("connections", static_cast<int>(origin.connections));
  RecordProperty("most_at_once", static_cast<int>(origin.most_at_once));
  EXPECT_LE(origin.connections, origin.most_at_once * 2);
  EXPECT_GT(1 - static_cast<double>(origin.connections) / static_cast<double>(answered), 0.99);
  test::drain(world, server);
  world.stop_tasks();
  world.run();
}

INSTANTIATE_TEST_SUITE_P(Workers, PoolingTest, testing::Values(1, 8));

}  // namespace
}  // namespace weir

// Many connections at once, some of them stuck, on every engine.
#include <sys/socket.h>

#include <algorithm>
#include <vector>

#include "io/loop_contract.h"

namespace weir::test {
namespace {

class LoadContract : public LoopContract {
 protected:
  // Small kernel buffers: a thousand stuck connections must not fill the machine's memory. What
  // is accepted inherits them.
  void shrink_buffers(Service& service) {
    if (SimWorld* simulation = world()) {
      simulation->faults().window_min = 4'000;
      simulation->faults().window_max = 20'000;
      return;
    }
    int bytes = 16 * 1024;
    ::setsockopt(service.socket(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    ::setsockopt(service.socket(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
};
WEIR_RUN_ON_EVERY_ENGINE(LoadContract);

/// Passes on what a fast sender sends to a reader that never reads.
struct Chain {
  Pair in;   // in.server sends, in.client is read
  Pair out;  // out.server is written, out.client never reads
};

Task<> send_for_ever(Stream& stream, StopToken stop) {
  Slice block = copy_slice(std::string(16 * 1024, 's'));
  while (true) {
    Slice slice = block;
    if (!co_await stream.write({&slice, 1}, stop)) co_return;
  }
}

Task<> pass_on(Stream& from, Stream& to, StopToken stop, std::uint64_t& moved) {
  while (true) {
    auto got = co_await from.read(stop);
    if (!got) co_return;
    std::size_t size = got->size();
    if (!co_await to.write({&*got, 1}, stop)) co_return;
    moved += size;
  }
}

Task<> ping_pong(Pair& pair, int rounds, int& exchanges) {
  for (int i = 0; i < rounds; ++i) {
    co_await write_text(*pair.client, "ping");
    std::string ping = co_await read_exactly(*pair.server, 4);
    co_await write_text(*pair.server, "pong");
    std::string pong = co_await read_exactly(*pair.client, 4);
    if (ping == "ping" && pong == "pong") ++exchanges;
  }
}

// Until no chain has moved a byte for some turns: now all of them are stuck.
Task<> until_stuck(Loop& loop, const std::uint64_t& moved) {
  for (int quiet = 0; quiet < 10; ++quiet) {
    std::uint64_t before = moved;
    co_await loop.sleep_for(std::chrono::milliseconds(10));
    if (moved != before) quiet = 0;
  }
}

struct Load {
  std::uint64_t moved = 0;
  int exchanges = 0;
  std::size_t lent = 0;
};

Task<> run_load(Loop& loop, Service& service, std::size_t chains, Load& load) {
  std::vector<Chain> stuck(chains);
  std::vector<Pair> others(20);
  for (Chain& each : stuck) {
    each.in = co_await connect_pair(loop, service);
    each.out = co_await connect_pair(loop, service);
  }
  for (Pair& each : others) each = co_await connect_pair(loop, service);
  Scope scope;
  for (Chain& each : stuck) {
    scope.spawn(send_for_ever(*each.in.server, scope.token()));
    scope.spawn(pass_on(*each.in.client, *each.out.server, scope.token(), load.moved));
  }
  Scope exchanging;
  for (Pair& each : others) exchanging.spawn(ping_pong(each, 20, load.exchanges));
  co_await exchanging.join();  // while the chains are being filled
  co_await until_stuck(loop, load.moved);
  for (Pair& each : others) exchanging.spawn(ping_pong(each, 20, load.exchanges));
  co_await exchanging.join();  // while all of them are stuck
  load.lent = loop.buffers().lent();
  scope.stop(Error(ErrorCode::cancelled));
  co_await scope.join();
}

TEST_P(LoadContract, a_thousand_readers_that_do_not_read_harm_nobody_else) {
  // Four sockets per chain, and some for the rest.
  std::size_t chains = std::min<std::size_t>(1000, (raise_descriptor_limit() - 200) / 4);
  Service service(loop(), network());
  shrink_buffers(service);
  Load load;
  run(run_load(loop(), service, chains, load));
  EXPECT_EQ(load.exchanges, 2 * 20 * 20);
  EXPECT_GT(load.moved, chains * 1000);
  EXPECT_LE(load.lent, chains + 20);  // what each chain could not pass on, and no more
  EXPECT_EQ(loop().buffers().lent(), 0u);
}

Task<> flood(Pair& pair, std::size_t bytes, std::uint64_t& moved, StopToken stop) {
  Scope scope(stop);
  scope.spawn(send_for_ever(*pair.client, scope.token()));
  std::uint64_t got_here = 0;
  while (got_here < bytes) {
    auto got = co_await pair.server->read(stop, 256 * 1024);
    if (!got) break;
    got_here += got->size();
  }
  moved += got_here;
  scope.stop(Error(ErrorCode::cancelled));
  co_await scope.join();
}

Task<> flood_beside(Loop& loop, Service& service, std::uint64_t& moved, int& exchanges) {
  Pair fast = co_await connect_pair(loop, service);
  std::vector<Pair> others(20);
  for (Pair& each : others) each = co_await connect_pair(loop, service);
  Scope scope;
  scope.spawn(flood(fast, std::size_t{1} << 40, moved, scope.token()));
  Scope exchanging;
  for (Pair& each : others) exchanging.spawn(ping_pong(each, 50, exchanges));
  co_await exchanging.join();
  scope.stop(Error(ErrorCode::cancelled));
  co_await scope.join();
}

TEST_P(LoadContract, a_connection_that_never_has_to_wait_does_not_keep_the_loop) {
  Service service(loop(), network());
  std::uint64_t moved = 0;
  int exchanges = 0;
  run(flood_beside(loop(), service, moved, exchanges));
  EXPECT_EQ(exchanges, 20 * 50);
  EXPECT_GT(moved, 0u);
  EXPECT_EQ(loop().buffers().lent(), 0u);
}

}  // namespace
}  // namespace weir::test

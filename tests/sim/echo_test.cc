// A TCP echo service of several loops under seeded faults: bytes come back in order, unchanged,
// and nothing is left over.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "io/deadline.h"
#include "io/sim/loop.h"
#include "io/testing.h"
#include "seeds.h"

namespace weir {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Service;

constexpr std::string_view kAddress = "10.0.0.1:7";
constexpr Duration kPatience = seconds(60);

struct Client {
  std::string sent;  // what its writes were given, complete or not
  std::string received;
  ErrorCode end = ErrorCode::none;  // of its reads, or of its connect
  bool wrote_all = false;
  bool finished = false;
};

Task<> echo(std::unique_ptr<Stream> stream) {
  Deadline deadline(stream->loop(), 2 * kPatience);
  while (true) {
    Result<Slice> got = co_await stream->read(deadline.token());
    if (!got) {
      if (got.error().code == ErrorCode::end_of_stream) stream->shutdown_write();
      co_return;
    }
    Slice slice = std::move(*got);
    Status written = co_await stream->write({&slice, 1}, deadline.token());
    if (!written) co_return;
  }
}

Task<> serve(Service& service, StopToken stop) {
  Scope connections;
  while (true) {
    auto accepted = co_await service.listener().accept(stop);
    if (!accepted) break;
    connections.spawn(echo(std::move(*accepted)));
  }
  co_await connections.join();
}

Task<> send(Stream& stream, Client& client, std::size_t total, StopToken stop) {
  Random& random = stream.loop().random();
  while (client.sent.size() < total) {
    std::vector<Slice> slices;
    for (std::uint64_t left = 1 + random.below(4); left > 0; --left) {
      std::string bytes =
          test::pattern(random.below(std::uint64_t{1} << random.below(16)), random.next());
      client.sent += bytes;
      slices.push_back(copy_slice(bytes));
    }
    Status written = co_await stream.write(slices, stop);
    if (!written) co_return;
    if (random.chance(100)) co_await stream.loop().sleep_for(Duration(random.below(2'000'000)));
  }
  client.wrote_all = true;
  stream.shutdown_write();
}

Task<> talk(Stream& stream, Client& client, std::size_t total) {
  Deadline deadline(stream.loop(), kPatience);
  Scope scope(deadline.token());
  scope.spawn(send(stream, client, total, scope.token()));
  Random& random = stream.loop().random();
  while (client.end == ErrorCode::none) {
    std::size_t hint = random.chance(300) ? 100'000 : 0;
    Result<Slice> got = co_await stream.read(scope.token(), hint);
    if (got) {
      client.received += got->view();
    } else {
      client.end = got.error().code;
    }
    if (random.chance(50)) co_await stream.loop().sleep_for(Duration(random.below(20'000'000)));
  }
  scope.stop(Error(ErrorCode::cancelled));
  co_await scope.join();
}

Task<> run_client(Loop& loop, Client& client) {
  co_await loop.sleep_for(Duration(loop.random().below(5'000'000)));
  {
    Deadline deadline(loop, kPatience);
    auto stream = co_await loop.connect(*Address::parse(kAddress), deadline.token());
    if (stream) {
      co_await talk(**stream, client,
                    loop.random().below(std::uint64_t{1} << loop.random().below(20)));
    } else {
      client.end = stream.error().code;
    }
  }
  client.finished = true;
}

void check(const Client& client) {
  ASSERT_LE(client.received.size(), client.sent.size());
  ASSERT_TRUE(client.sent.starts_with(client.received)) << "bytes were lost, mixed or reordered";
  if (client.end == ErrorCode::end_of_stream && client.wrote_all) {
    ASSERT_EQ(client.received.size(), client.sent.size()) << "an orderly end came too early";
  }
}

struct Ended {
  std::uint64_t digest = 0;
  std::size_t complete = 0;
};

Ended run_world(std::uint64_t seed) {
  SimWorld world(seed, SimFaults::drawn(seed));
  std::vector<std::unique_ptr<Service>> services;
  for (int i = 0; i < 2; ++i) {
    SimLoop& worker = world.add_loop("10.0.0.1");
    services.push_back(std::make_unique<Service>(worker, world.network(), kAddress));
    world.spawn(worker, serve(*services.back(), worker.stopping()));
  }
  std::vector<Client> clients(8);
  SimLoop* homes[2] = {&world.add_loop("10.0.1.1"), &world.add_loop("10.0.1.2")};
  for (std::size_t i = 0; i < clients.size(); ++i) {
    world.spawn(*homes[i % 2], run_client(*homes[i % 2], clients[i]));
  }
  auto finished = [&] {
    return std::all_of(clients.begin(), clients.end(), [](auto& each) { return each.finished; });
  };
  EXPECT_EQ(world.run_until(finished), SimWorld::End::reached);
  world.stop_tasks();
  EXPECT_EQ(world.run(), SimWorld::End::reached);
  services.clear();
  EXPECT_EQ(world.check_clean(), "");
  Ended ended{world.digest()};
  for (const Client& each : clients) {
    check(each);
    if (each.end == ErrorCode::end_of_stream && each.wrote_all) ++ended.complete;
  }
  return ended;
}

TEST(EchoInSimulation, returns_a_prefix_of_what_was_sent_and_repeats_for_its_seed) {
  std::size_t complete = 0;
  std::size_t seeds = 0;
  sim::for_each_seed(200, [&](std::uint64_t seed) {
    Ended first = run_world(seed);
    if (seed % 8 == 1) {
      EXPECT_EQ(first.digest, run_world(seed).digest) << "the seed does not decide everything";
    }
    complete += first.complete;
    ++seeds;
  });
  EXPECT_GE(complete, seeds * 2) << "too much trouble: hardly any exchange gets through";
}

TEST(EchoInSimulation, is_the_same_in_another_process) {
  sim::expect_same_in_another_process(20,
                                      [](std::uint64_t seed) { return run_world(seed).digest; });
}

TEST(EchoInSimulation, is_complete_without_faults) {
  SimFaults healthy;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SimWorld world(seed, healthy);
    SimLoop& loop = world.add_loop();
    Service service(loop, world.network(), kAddress);
    Client client;
    world.spawn(loop, serve(service, loop.stopping()));
    world.spawn(loop, run_client(loop, client));
    world.run_until([&] { return client.finished; });
    world.stop_tasks();
    world.run();
    EXPECT_TRUE(client.wrote_all);
    EXPECT_EQ(client.end, ErrorCode::end_of_stream);
    EXPECT_EQ(client.received, client.sent);
  }
}

}  // namespace
}  // namespace weir

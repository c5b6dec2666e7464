#include "io/sim/world.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "io/deadline.h"
#include "io/sim/loop.h"
#include "io/sim/network.h"
#include "io/sim/stream.h"
#include "io/testing.h"

namespace weir {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Pair;
using test::Service;

Task<> note_after(Loop& loop, Duration time, int number, std::vector<int>& order) {
  co_await loop.sleep_for(time);
  order.push_back(number);
}

Task<> spin(Loop& loop, bool& stop) {
  while (!stop) co_await loop.yield();
}

Task<> forever(Loop& loop, StopToken stop) { co_await loop.sleep_for(seconds(1'000'000), stop); }

TEST(SimWorld, lets_virtual_time_pass_at_no_cost) {
  SimWorld world(1);
  SimLoop& loop = world.add_loop();
  TimePoint start = world.now();
  std::vector<int> order;
  world.spawn(loop, note_after(loop, std::chrono::hours(24), 2, order));
  world.spawn(loop, note_after(loop, milliseconds(5), 1, order));
  EXPECT_EQ(world.run(), SimWorld::End::reached);
  EXPECT_EQ(order, (std::vector{1, 2}));
  EXPECT_GE(world.now() - start, std::chrono::hours(24));
  EXPECT_LT(world.now() - start, std::chrono::hours(25));
  EXPECT_EQ(world.check_clean(), "");
}

TEST(SimWorld, decides_ties_between_loops_by_the_seed) {
  auto order_of = [](std::uint64_t seed) {
    SimWorld world(seed);
    std::vector<int> order;
    for (int i = 0; i < 4; ++i) {
      SimLoop& loop = world.add_loop();
      world.spawn(loop, note_after(loop, seconds(1), i, order));
    }
    world.run();
    return order;
  };
  EXPECT_EQ(order_of(1), order_of(1));
  bool differs = false;
  for (std::uint64_t seed = 2; seed < 20; ++seed) differs |= order_of(seed) != order_of(1);
  EXPECT_TRUE(differs);
}

TEST(SimWorld, a_loop_that_never_rests_does_not_stop_the_clock) {
  SimWorld world(1);
  SimLoop& loop = world.add_loop();
  bool stop = false;
  world.spawn(loop, spin(loop, stop));
  EXPECT_EQ(world.run_for(milliseconds(1)), SimWorld::End::reached);
  stop = true;
  EXPECT_EQ(world.run(), SimWorld::End::reached);
}

TEST(SimWorld, tells_when_nothing_will_ever_happen_and_when_something_spins) {
  SimWorld world(1);
  EXPECT_EQ(world.run_until([] { return false; }), SimWorld::End::quiet);
  SimLoop& loop = world.add_loop();
  bool stop = false;
  world.spawn(loop, spin(loop, stop));
  EXPECT_EQ(world.run(1000), SimWorld::End::limit);
  stop = true;
  world.run();
}

TEST(SimWorld, names_what_is_left_over) {
  SimWorld world(1);
  SimLoop& loop = world.add_loop();
  world.spawn(loop, forever(loop, loop.stopping()));
  int socket = world.network().bind(*Address::parse("10.0.0.1:80"), {}).value();
  world.run_for(seconds(1));
  std::string left = world.check_clean();
  EXPECT_NE(left.find("1 tasks"), std::string::npos) << left;
  EXPECT_NE(left.find("10.0.0.1:80: listening"), std::string::npos) << left;
  world.network().close(socket);
  world.stop_tasks();
  world.run();
  EXPECT_EQ(world.check_clean(), "");
}

TEST(SimWorldDeathTest, catches_a_stream_that_is_used_by_another_loop) {
  SimWorld world(1);
  SimLoop& a = world.add_loop();
  SimLoop& b = world.add_loop();
  Service service(a, world.network(), "10.0.0.1:80");
  Pair pair = test::run(a, test::connect_pair(a, service));
  b.post([&] { pair.client->try_read(0); });
  EXPECT_DEATH(world.run_for(seconds(1)), "a read of loop 0 in a turn of loop 1");
}

TEST(SimWorld, keeps_the_order_of_posted_work) {
  SimWorld world(3);
  SimLoop& loop = world.add_loop();
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) {
    loop.post([&order, i] { order.push_back(i); });
    if (i % 7 == 0) world.step();
  }
  world.run_until([] { return false; });
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

// Faults put in by hand.

class SimNetworkTest : public ::testing::Test {
 protected:
  Pair connect() { return test::run<Pair>(a, test::connect_pair(a, service)); }

  SimWorld world{1};
  SimLoop& a = world.add_loop();
  Service service{a, world.network(), "10.0.0.1:80"};
};

Task<ErrorCode> connect_to(Loop& loop, Address address) {
  auto stream = co_await loop.connect(address);
  co_return stream ? ErrorCode::none : stream.error().code;
}

TEST_F(SimNetworkTest, refuses_hides_and_heals_an_address) {
  SimNetwork& network = world.network();
  Address address = service.address();
  network.refuse(address);
  EXPECT_EQ(test::run(a, connect_to(a, address)), ErrorCode::refused);
  network.unreachable(address);
  EXPECT_EQ(test::run(a, connect_to(a, address)), ErrorCode::unreachable);
  network.black_hole(address);
  TimePoint before = world.now();
  EXPECT_EQ(test::run(a, connect_to(a, address)), ErrorCode::timeout);
  EXPECT_GE(world.now() - before, seconds(127));
  network.heal(address);
  EXPECT_EQ(test::run(a, connect_to(a, address)), ErrorCode::none);
}

TEST_F(SimNetworkTest, resets_both_ends) {
  Pair pair = connect();
  world.network().reset(sim_socket(*pair.client));
  for (Stream* each : {pair.client.get(), pair.server.get()}) {
    ErrorCode end = ErrorCode::none;
    EXPECT_EQ(test::run(a, test::read_all(*each, end)), "");
    EXPECT_EQ(end, ErrorCode::reset);
  }
}

TEST_F(SimNetworkTest, stalls_one_direction_for_a_time) {
  Pair pair = connect();
  world.network().stall(sim_socket(*pair.server), seconds(30));
  TimePoint before = world.now();
  test::run(a, test::write_text(*pair.server, "down"));
  EXPECT_EQ(test::run(a, test::read_exactly(*pair.client, 4)), "down");
  EXPECT_LT(world.now() - before, seconds(1));
  test::run(a, test::write_text(*pair.client, "up"));
  EXPECT_EQ(test::run(a, test::read_exactly(*pair.server, 2)), "up");
  EXPECT_GE(world.now() - before, seconds(30));
}

TEST_F(SimNetworkTest, a_silent_peer_fills_the_window_and_is_given_up_after_a_quarter_of_an_hour) {
  Pair pair = connect();
  world.network().silence(sim_socket(*pair.server));
  TimePoint before = world.now();
  Status written = test::run(a, test::write_text(*pair.client, std::string(1 << 20, 'x')));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::timeout);
  EXPECT_GE(world.now() - before, seconds(900));
  EXPECT_TRUE(pair.server->idle_and_open());
}

TEST_F(SimNetworkTest, finds_connections_by_the_address_they_came_to) {
  Pair one = connect();
  Pair two = connect();
  auto found = world.network().accepted_at(service.address());
  EXPECT_EQ(found, (std::vector{sim_socket(*one.server), sim_socket(*two.server)}));
  one.server.reset();
  EXPECT_EQ(world.network().accepted_at(service.address()).size(), 1u);
}

Task<std::vector<ErrorCode>> accept_twice(Service& service) {
  std::vector<ErrorCode> codes;
  for (int i = 0; i < 2; ++i) {
    auto stream = co_await service.listener().accept();
    codes.push_back(stream ? ErrorCode::none : stream.error().code);
  }
  co_return codes;
}

Task<> connect_and_wait(Loop& loop, Address address) {
  auto stream = co_await loop.connect(address);
  co_await (*stream)->read();
}

TEST_F(SimNetworkTest, accepting_pauses_when_descriptors_run_out_and_goes_on_by_itself) {
  SimLoop& b = world.add_loop("10.9.9.9");
  world.spawn(b, connect_and_wait(b, service.address()));
  world.run_for(seconds(1));
  world.network().exhaust_descriptors(true);
  world.after(milliseconds(5), [this] { world.network().exhaust_descriptors(false); });
  TimePoint before = world.now();
  EXPECT_EQ(test::run(a, accept_twice(service)),
            (std::vector{ErrorCode::no_descriptors, ErrorCode::none}));
  EXPECT_GE(world.now() - before, milliseconds(10));
  world.run();
}

TEST_F(SimNetworkTest, shares_connections_between_listeners_of_one_address) {
  SimLoop& b = world.add_loop();
  Service other(b, world.network(), "10.0.0.1:80");
  int at[2] = {0, 0};
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(test::run(a, connect_to(a, service.address())), ErrorCode::none);
    for (int socket : {service.socket(), other.socket()}) {
      while (true) {
        int accepted = world.network().accept(socket).value();
        if (accepted < 0) break;
        ++at[socket == other.socket()];
        world.network().close(accepted);
      }
    }
  }
  EXPECT_EQ(at[0] + at[1], 40);
  EXPECT_GT(at[0], 5);
  EXPECT_GT(at[1], 5);
}

TEST_F(SimNetworkTest, refuses_to_bind_twice_without_reuse_port) {
  auto exclusive = world.network().bind(service.address(), {.reuse_port = false});
  ASSERT_FALSE(exclusive);
  EXPECT_EQ(exclusive.error().code, ErrorCode::address_in_use);
}

TEST_F(SimNetworkTest, a_full_backlog_delays_a_connect) {
  Service small(a, world.network(), "10.0.0.2:80", {.backlog = 1});
  EXPECT_EQ(test::run(a, connect_to(a, small.address())), ErrorCode::none);
  world.after(seconds(4),
              [&] { world.network().close(world.network().accept(small.socket()).value()); });
  TimePoint before = world.now();
  EXPECT_EQ(test::run(a, connect_to(a, small.address())), ErrorCode::none);
  EXPECT_GE(world.now() - before, seconds(4));
  EXPECT_LT(world.now() - before, seconds(16));
}

TEST_F(SimNetworkTest, serves_wildcard_addresses) {
  Service any(a, world.network(), ":8080");
  Service any_v4(a, world.network(), "0.0.0.0:8081");
  EXPECT_EQ(test::run(a, connect_to(a, *Address::parse("10.3.4.5:8080"))), ErrorCode::none);
  EXPECT_EQ(test::run(a, connect_to(a, *Address::parse("[fd00::1]:8080"))), ErrorCode::none);
  EXPECT_EQ(test::run(a, connect_to(a, *Address::parse("10.3.4.5:8081"))), ErrorCode::none);
  EXPECT_EQ(test::run(a, connect_to(a, *Address::parse("[fd00::1]:8081"))), ErrorCode::refused);
}

TEST_F(SimNetworkTest, says_who_is_who) {
  Pair pair = connect();
  EXPECT_EQ(pair.client->peer().text(), "10.0.0.1:80");
  EXPECT_EQ(pair.server->local().text(), "10.0.0.1:80");
  EXPECT_EQ(pair.client->local(), pair.server->peer());
  EXPECT_EQ(pair.client->local().ip().text(), "127.0.0.1");
}

TEST_F(SimNetworkTest, waits_for_no_descriptor) {
  auto wait = [](Loop& loop) -> Task<Status> { co_return co_await loop.wait_ready(0, false); };
  Status ready = test::run(a, wait(a));
  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().code, ErrorCode::unsupported);
}

// Datagrams.

Task<std::vector<std::string>> ask(Loop& loop, Address to, int times) {
  std::vector<std::string> answers;
  auto stream = co_await loop.connect(to, {}, {.datagram = true});
  for (int i = 0; i < times; ++i) co_await test::write_text(**stream, "query" + std::to_string(i));
  while (true) {
    Deadline deadline(loop, seconds(5));
    auto got = co_await (*stream)->read(deadline.token());
    if (!got) {
      answers.emplace_back(name(got.error().code));
      co_return answers;
    }
    answers.emplace_back(got->view());
  }
}

TEST_F(SimNetworkTest, carries_datagrams_whole) {
  Address dns = *Address::parse("10.0.0.53:53");
  world.network().serve_datagrams(dns, [](std::string_view query) {
    return std::vector<std::string>{"re: " + std::string(query), ""};
  });
  auto answers = test::run(a, ask(a, dns, 3));
  std::sort(answers.begin(), answers.end());
  EXPECT_EQ(answers,
            (std::vector<std::string>{"re: query0", "re: query1", "re: query2", "timeout"}));
}

TEST_F(SimNetworkTest, refuses_datagrams_that_nobody_serves) {
  EXPECT_EQ(test::run(a, ask(a, *Address::parse("10.0.0.54:53"), 1)),
            std::vector<std::string>{"connect_refused"});
}

TEST_F(SimNetworkTest, loses_doubles_and_reorders_datagrams) {
  Address dns = *Address::parse("10.0.0.53:53");
  world.network().serve_datagrams(
      dns, [](std::string_view query) { return std::vector<std::string>{std::string(query)}; });
  auto count = [&] { return test::run(a, ask(a, dns, 200)).size() - 1; };
  world.faults().loss = 300;
  EXPECT_LT(count(), 150u);
  world.faults().loss = 0;
  world.faults().duplicate = 300;
  EXPECT_GT(count(), 250u);
  world.faults().duplicate = 0;
  world.faults().reorder = 500;
  auto answers = test::run(a, ask(a, dns, 9));
  answers.pop_back();
  EXPECT_EQ(answers.size(), 9u);
  EXPECT_FALSE(std::is_sorted(answers.begin(), answers.end()));
}

}  // namespace
}  // namespace weir

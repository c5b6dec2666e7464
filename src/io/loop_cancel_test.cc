// Cancellation, time and the queue of a loop, on every engine.
#include <algorithm>
#include <thread>
#include <vector>

#include "io/loop_contract.h"

namespace weir::test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Error kWhy(ErrorCode::client_gone, Origin::client, "the test's reason");

class CancelContract : public LoopContract {};
class TimeContract : public LoopContract {};
WEIR_RUN_ON_EVERY_ENGINE(CancelContract);
WEIR_RUN_ON_EVERY_ENGINE(TimeContract);

Task<> stop_after(Loop& loop, Duration time, StopSource& stop) {
  co_await loop.sleep_for(time);
  stop.request(kWhy);
}

Task<Error> cancelled_read(Stream& stream) {
  StopSource stop;
  Scope scope;
  scope.spawn(stop_after(stream.loop(), milliseconds(3), stop));
  auto got = co_await stream.read(stop.token());
  co_await scope.join();
  co_return got ? Error() : got.error();
}

TEST_P(CancelContract, ends_a_read_with_the_reason_and_loses_no_bytes) {
  Service service(loop(), network());
  Pair pair = connect(service);
  Error why = run(cancelled_read(*pair.server));
  EXPECT_EQ(why.code, ErrorCode::client_gone);
  EXPECT_EQ(why.origin, Origin::client);
  EXPECT_EQ(why.detail, kWhy.detail);
  run(write_text(*pair.client, "still here"));
  EXPECT_EQ(run(read_exactly(*pair.server, 10)), "still here");
}

Task<ErrorCode> cancelled_write(Stream& stream) {
  StopSource stop;
  Scope scope;
  scope.spawn(stop_after(stream.loop(), milliseconds(30), stop));
  Slice slice = copy_slice(std::string(64 << 20, 'x'));  // more than any socket takes
  Status written = co_await stream.write({&slice, 1}, stop.token());
  co_await scope.join();
  EXPECT_GT(slice.size(), 0u);
  co_return written ? ErrorCode::none : written.error().code;
}

TEST_P(CancelContract, ends_a_write_to_a_peer_that_does_not_read) {
  Service service(loop(), network());
  Pair pair = connect(service);
  EXPECT_EQ(run(cancelled_write(*pair.client)), ErrorCode::client_gone);
}

Task<ErrorCode> cancelled_accept(Loop& loop, Listener& listener) {
  StopSource stop;
  Scope scope;
  scope.spawn(stop_after(loop, milliseconds(3), stop));
  auto accepted = co_await listener.accept(stop.token());
  co_await scope.join();
  co_return accepted ? ErrorCode::none : accepted.error().code;
}

TEST_P(CancelContract, ends_an_accept_and_loses_no_connection) {
  Service service(loop(), network());
  EXPECT_EQ(run(cancelled_accept(loop(), service.listener())), ErrorCode::client_gone);
  Pair pair = connect(service);
  EXPECT_TRUE(pair.server);
}

Task<> try_to_connect(Loop& loop, Address address, StopToken stop, int& connected, int& cancelled,
                      std::vector<std::unique_ptr<Stream>>& kept) {
  auto stream = co_await loop.connect(address, stop);
  if (stream) {
    ++connected;
    kept.push_back(std::move(*stream));
  } else if (stream.error().code == ErrorCode::client_gone) {
    ++cancelled;
  }
}

Task<> cancelled_connects(Loop& loop, Address address, int& connected, int& cancelled) {
  StopSource stop;
  Scope scope;
  std::vector<std::unique_ptr<Stream>> kept;
  for (int i = 0; i < 8; ++i) {
    scope.spawn(try_to_connect(loop, address, stop.token(), connected, cancelled, kept));
  }
  scope.spawn(stop_after(loop, milliseconds(50), stop));
  co_await scope.join();
}

TEST_P(CancelContract, ends_a_connect_that_is_not_answered) {
  // A full queue of connections that nobody accepts does not answer.
  Service service(loop(), network(), "127.0.0.1:0", {.backlog = 1});
  int connected = 0, cancelled = 0;
  run(cancelled_connects(loop(), service.address(), connected, cancelled));
  EXPECT_EQ(connected + cancelled, 8);
  EXPECT_GE(cancelled, 1);
}

Task<ErrorCode> cancelled_sleep(Loop& loop) {
  StopSource stop;
  Scope scope;
  scope.spawn(stop_after(loop, milliseconds(3), stop));
  Status slept = co_await loop.sleep_for(std::chrono::hours(1), stop.token());
  co_await scope.join();
  co_return slept ? ErrorCode::none : slept.error().code;
}

TEST_P(CancelContract, ends_a_sleep) {
  EXPECT_EQ(run(cancelled_sleep(loop())), ErrorCode::client_gone);
}

Task<std::vector<ErrorCode>> with_a_stopped_token(Loop& loop, Service& service, Pair& pair) {
  StopSource stop;
  stop.request(kWhy);
  std::vector<ErrorCode> codes;
  Slice slice = copy_slice("never sent");
  codes.push_back((co_await pair.client->write({&slice, 1}, stop.token())).error().code);
  codes.push_back((co_await pair.client->read(stop.token())).error().code);
  codes.push_back((co_await service.listener().accept(stop.token())).error().code);
  codes.push_back((co_await loop.connect(service.address(), stop.token())).error().code);
  codes.push_back((co_await loop.sleep_for(seconds(1), stop.token())).error().code);
  co_return codes;
}

TEST_P(CancelContract, nothing_starts_on_a_stopped_token) {
  Service service(loop(), network());
  Pair pair = connect(service);
  for (ErrorCode code : run(with_a_stopped_token(loop(), service, pair))) {
    EXPECT_EQ(code, ErrorCode::client_gone);
  }
  EXPECT_FALSE(pair.server->try_read(0));
}

Task<> sleep_and_count(Loop& loop, StopToken stop, int& cancelled) {
  Status slept = co_await loop.sleep_for(std::chrono::hours(1), stop);
  if (!slept) ++cancelled;
}

Task<int> cancel_many(Loop& loop) {
  StopSource stop;
  Scope scope;
  int cancelled = 0;
  for (int i = 0; i < 1000; ++i) scope.spawn(sleep_and_count(loop, stop.token(), cancelled));
  stop.request(kWhy);
  EXPECT_EQ(cancelled, 0);  // nobody is resumed from inside the request
  co_await scope.join();
  co_return cancelled;
}

TEST_P(CancelContract, ends_a_thousand_at_once_but_only_from_the_loop) {
  EXPECT_EQ(run(cancel_many(loop())), 1000);
}

// A stop that races the arrival of a byte: the byte is either in the result, or is still there.
Task<> stop_after_turns(Loop& loop, std::uint64_t turns, StopSource& stop) {
  for (; turns > 0; --turns) co_await loop.yield();
  stop.request(kWhy);
}

Task<std::string> race_reads(Pair& pair, int rounds) {
  std::string heard;
  for (int round = 0; round < rounds; ++round) {
    StopSource stop;
    Scope scope;
    co_await write_text(*pair.client, std::string(1, static_cast<char>('a' + round % 26)));
    scope.spawn(stop_after_turns(pair.server->loop(), static_cast<std::uint64_t>(round % 7), stop));
    auto got = co_await pair.server->read(stop.token());
    if (got) {
      heard += got->view();
    } else {
      EXPECT_EQ(got.error().code, ErrorCode::client_gone);
      while (heard.size() <= static_cast<std::size_t>(round)) {
        heard += (co_await pair.server->read())->view();
      }
    }
    co_await scope.join();
  }
  co_return heard;
}

TEST_P(CancelContract, a_read_that_races_its_cancellation_loses_no_byte) {
  Service service(loop(), network());
  Pair pair = connect(service);
  std::string heard = run(race_reads(pair, 300));
  ASSERT_EQ(heard.size(), 300u);
  for (int i = 0; i < 300; ++i) ASSERT_EQ(heard[static_cast<std::size_t>(i)], 'a' + i % 26);
}

Task<int> race_accepts(Loop& loop, Service& service, int rounds) {
  int accepted = 0;
  for (int round = 0; round < rounds; ++round) {
    StopSource stop;
    Scope scope;
    auto client = co_await loop.connect(service.address());
    EXPECT_TRUE(client);
    scope.spawn(stop_after_turns(loop, static_cast<std::uint64_t>(round % 5), stop));
    auto server = co_await service.listener().accept(stop.token());
    if (!server) server = co_await service.listener().accept();
    accepted += server.has_value();
    co_await scope.join();
  }
  co_return accepted;
}

TEST_P(CancelContract, an_accept_that_races_its_cancellation_loses_no_connection) {
  Service service(loop(), network());
  EXPECT_EQ(run(race_accepts(loop(), service, 100)), 100);
}

// What was taken from the slices is what the peer gets: not a byte more or less.
Task<std::pair<std::size_t, std::size_t>> stop_a_write(Pair& pair, std::size_t size,
                                                       Duration when) {
  StopSource stop;
  Scope scope;
  scope.spawn(stop_after(pair.client->loop(), when, stop));
  Slice slice = copy_slice(std::string(size, 'w'));
  Status written = co_await pair.client->write({&slice, 1}, stop.token());
  co_await scope.join();
  std::size_t left = written ? 0 : slice.size();
  pair.client->shutdown_write();
  ErrorCode end = ErrorCode::none;
  std::string got = co_await read_all(*pair.server, end);
  EXPECT_EQ(end, ErrorCode::end_of_stream);
  co_return std::pair{size - left, got.size()};
}

TEST_P(CancelContract, a_cancelled_write_says_how_much_was_sent) {
  Service service(loop(), network());
  for (int i = 0; i < 5; ++i) {
    Pair pair = connect(service);
    auto [sent, got] = run(stop_a_write(pair, 8 << 20, milliseconds(i)));
    EXPECT_EQ(sent, got);
  }
}

// Time.

Task<> sleep_and_note(Loop& loop, Duration time, int number, std::vector<int>& order) {
  TimePoint deadline = loop.now() + time;
  Status slept = co_await loop.sleep_until(deadline);
  EXPECT_TRUE(slept);
  EXPECT_GE(loop.now(), deadline);
  order.push_back(number);
}

Task<std::vector<int>> sleep_in_disorder(Loop& loop, int count, Duration step) {
  std::vector<int> order;
  Scope scope;
  for (int i = 0; i < count; ++i) {
    int number = (i * 7919) % count;  // a permutation
    scope.spawn(sleep_and_note(loop, number * step, number, order));
  }
  co_await scope.join();
  co_return order;
}

TEST_P(TimeContract, sleepers_wake_in_the_order_of_their_deadlines) {
  auto order = run(sleep_in_disorder(loop(), 20, milliseconds(2)));
  EXPECT_EQ(order.size(), 20u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_P(TimeContract, ten_thousand_sleepers_all_wake) {
  EXPECT_EQ(run(sleep_in_disorder(loop(), 10'000, microseconds(10))).size(), 10'000u);
}

Task<bool> sleep_in_the_past(Loop& loop) {
  Status a = co_await loop.sleep_until(loop.now() - seconds(5));
  Status b = co_await loop.sleep_for(Duration::zero());
  co_return a.has_value() && b.has_value();
}

TEST_P(TimeContract, a_deadline_that_has_passed_is_no_wait) {
  EXPECT_TRUE(run(sleep_in_the_past(loop())));
}

Task<> count_turns(Loop& loop, int& turns, const bool& stop) {
  while (!stop) {
    ++turns;
    co_await loop.yield();
  }
}

Task<> yield_many(Loop& loop, int& turns) {
  bool stop = false;
  Scope scope;
  scope.spawn(count_turns(loop, turns, stop));
  for (int i = 0; i < 100; ++i) co_await loop.yield();
  stop = true;
  co_await scope.join();
}

TEST_P(TimeContract, yielding_lets_others_run) {
  int turns = 0;
  run(yield_many(loop(), turns));
  EXPECT_GE(turns, 50);
}

Task<bool> time_goes_on(Loop& loop) {
  TimePoint monotonic = loop.now();
  std::int64_t wall = loop.wall_now();
  co_await loop.sleep_for(milliseconds(2));
  EXPECT_GT(wall, 1'500'000'000'000'000'000);
  co_return loop.now() >= monotonic + milliseconds(2) && loop.wall_now() > wall;
}

TEST_P(TimeContract, both_clocks_go_on) { EXPECT_TRUE(run(time_goes_on(loop()))); }

TEST_P(TimeContract, posted_work_runs_in_order) {
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) loop().post([&order, i] { order.push_back(i); });
  loop().post([this] { loop().stop(); });
  loop().run();
  EXPECT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_P(TimeContract, work_posted_by_other_threads_runs_in_the_order_of_each) {
  if (world() != nullptr) GTEST_SKIP() << "the simulation has one thread";
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::vector<int> next(kThreads, 0);
  int total = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        loop().post([&, t, i] {
          EXPECT_EQ(next[static_cast<std::size_t>(t)]++, i);
          if (++total == kThreads * kEach) loop().stop();
        });
      }
    });
  }
  loop().run();
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(total, kThreads * kEach);
}

TEST_P(TimeContract, another_thread_stops_a_loop_that_waits) {
  if (world() != nullptr) GTEST_SKIP() << "the simulation has one thread";
  std::thread stopper;
  loop().post([&] { stopper = std::thread([this] { loop().stop(); }); });
  loop().run();
  stopper.join();
}

}  // namespace
}  // namespace weir::test

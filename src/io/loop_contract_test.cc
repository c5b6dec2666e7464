// What streams and listeners promise, on every engine.
#include "io/loop_contract.h"

#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

namespace weir::test {
namespace {

class StreamContract : public LoopContract {};
WEIR_RUN_ON_EVERY_ENGINE(StreamContract);

// One message there and back.
Task<std::string> exchange(Pair& pair, std::string message) {
  co_await write_text(*pair.client, message);
  std::string heard = co_await read_exactly(*pair.server, message.size());
  co_await write_text(*pair.server, heard + "!");
  co_return co_await read_exactly(*pair.client, message.size() + 1);
}

TEST_P(StreamContract, carries_a_message_there_and_back) {
  Service service(loop(), network());
  Pair pair = connect(service);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(run(exchange(pair, "hello")), "hello!");
}

TEST_P(StreamContract, works_over_ipv6) {
  auto probe = network().bind(*Address::parse("[::1]:0"), {});
  if (!probe) GTEST_SKIP() << "no IPv6 here";
  network().close(*probe);
  Service service(loop(), network(), "[::1]:0");
  Pair pair = connect(service);
  EXPECT_EQ(run(exchange(pair, "six")), "six!");
  EXPECT_EQ(pair.server->local(), service.address());
  EXPECT_EQ(pair.client->local(), pair.server->peer());
}

TEST_P(StreamContract, works_over_unix_sockets) {
  std::string path = ::testing::TempDir() + "weir_contract_" + std::to_string(::getpid());
  {
    Service service(loop(), network(), "unix:" + path);
    Pair pair = connect(service);
    EXPECT_EQ(run(exchange(pair, "local")), "local!");
    EXPECT_EQ(pair.client->peer(), service.address());
  }
  ::unlink(path.c_str());
}

TEST_P(StreamContract, knows_its_addresses) {
  Service service(loop(), network());
  Pair pair = connect(service);
  EXPECT_EQ(pair.client->peer(), service.address());
  EXPECT_EQ(pair.server->local(), service.address());
  EXPECT_EQ(pair.server->peer(), pair.client->local());
  EXPECT_EQ(&pair.server->loop(), &loop());
}

Task<> send_all(Stream& stream, const std::string& bytes, std::size_t step) {
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    Status written = co_await write_text(stream, std::string_view(bytes).substr(at, step));
    EXPECT_TRUE(written);
  }
  stream.shutdown_write();
}

Task<std::string> both_ways(Stream& stream, const std::string& out, std::size_t step,
                            std::size_t hint) {
  Scope scope;
  scope.spawn(send_all(stream, out, step));
  ErrorCode end = ErrorCode::none;
  std::string got = co_await read_all(stream, end, {}, hint);
  EXPECT_EQ(end, ErrorCode::end_of_stream);
  co_await scope.join();
  co_return got;
}

Task<> keep_text(Task<std::string> task, std::string& result) { result = co_await std::move(task); }

Task<> exchange_all(Pair& pair, const std::string& up, const std::string& down, std::string& up_got,
                    std::string& down_got) {
  Scope scope;
  scope.spawn(keep_text(both_ways(*pair.client, up, 100'000, 0), down_got));
  scope.spawn(keep_text(both_ways(*pair.server, down, 7'777, 256 * 1024), up_got));
  co_await scope.join();
}

TEST_P(StreamContract, carries_large_bodies_both_ways_at_once) {
  Service service(loop(), network());
  Pair pair = connect(service);
  std::string up = pattern(2'000'003, 1), down = pattern(1'500'007, 2);
  std::string up_got, down_got;
  run(exchange_all(pair, up, down, up_got, down_got));
  EXPECT_TRUE(up_got == up);
  EXPECT_TRUE(down_got == down);
}

Task<std::string> gather_and_read(Pair& pair, std::vector<Slice>& slices, std::size_t total) {
  Scope scope;
  std::string got;
  scope.spawn(keep_text(read_exactly(*pair.server, total), got));
  Status written = co_await pair.client->write(slices);
  EXPECT_TRUE(written);
  co_await scope.join();
  co_return got;
}

TEST_P(StreamContract, writes_many_slices_in_order_and_skips_empty_ones) {
  Service service(loop(), network());
  Pair pair = connect(service);
  std::vector<Slice> slices;
  std::string expected;
  for (std::size_t i = 0; i < 300; ++i) {
    std::string part = i % 10 == 3 ? "" : pattern(i * 5, i);
    expected += part;
    slices.push_back(copy_slice(part));
  }
  EXPECT_TRUE(run(gather_and_read(pair, slices, expected.size())) == expected);
}

TEST_P(StreamContract, writing_nothing_completes) {
  Service service(loop(), network());
  Pair pair = connect(service);
  auto write_nothing = [](Stream& stream) -> Task<bool> {
    std::vector<Slice> empty(3);
    Status some = co_await stream.write(empty);
    Status none = co_await stream.write({});
    co_return some.has_value() && none.has_value();
  };
  EXPECT_TRUE(run(write_nothing(*pair.client)));
  EXPECT_EQ(run(exchange(pair, "x")), "x!");
}

TEST_P(StreamContract, writes_ranges_of_files_between_memory) {
  Service service(loop(), network());
  Pair pair = connect(service);
  std::FILE* file = std::tmpfile();
  std::string body = pattern(300'000, 9);
  ASSERT_EQ(std::fwrite(body.data(), 1, body.size(), file), body.size());
  std::fflush(file);
  std::vector<Slice> slices;
  slices.push_back(copy_slice("head "));
  slices.push_back(Slice::of_file(nullptr, ::fileno(file), 1000, 250'000));
  slices.push_back(copy_slice(" tail"));
  std::string expected = "head " + body.substr(1000, 250'000) + " tail";
  EXPECT_TRUE(run(gather_and_read(pair, slices, expected.size())) == expected);
  std::fclose(file);
}

Task<std::string> half_closed(Pair& pair) {
  co_await write_text(*pair.client, "question");
  pair.client->shutdown_write();
  ErrorCode end = ErrorCode::none;
  EXPECT_EQ(co_await read_all(*pair.server, end), "question");
  EXPECT_EQ(end, ErrorCode::end_of_stream);
  auto again = co_await pair.server->read();  // the end stays
  EXPECT_EQ(again.error().code, ErrorCode::end_of_stream);
  co_await write_text(*pair.server, "answer");
  pair.server.reset();
  co_return co_await read_all(*pair.client, end);
}

TEST_P(StreamContract, goes_on_reading_after_its_own_end_and_writing_after_the_peers) {
  Service service(loop(), network());
  Pair pair = connect(service);
  EXPECT_EQ(run(half_closed(pair)), "answer");
}

Task<ErrorCode> end_of(Stream& stream) {
  ErrorCode end = ErrorCode::none;
  co_await read_all(stream, end);
  co_return end;
}

TEST_P(StreamContract, reset_on_close_resets_the_peer) {
  Service service(loop(), network());
  Pair pair = connect(service);
  pair.server->reset_on_close();
  pair.server.reset();
  EXPECT_EQ(run(end_of(*pair.client)), ErrorCode::reset);
}

Task<ErrorCode> leave_unread(Pair& pair) {
  co_await write_text(*pair.client, "never read");
  while (pair.server->idle_and_open()) co_await pair.server->loop().yield();
  pair.server.reset();
  co_return co_await end_of(*pair.client);
}

TEST_P(StreamContract, destroyed_with_unread_bytes_resets_the_peer) {
  Service service(loop(), network());
  Pair pair = connect(service);
  EXPECT_EQ(run(leave_unread(pair)), ErrorCode::reset);
}

Task<ErrorCode> write_until_it_fails(Stream& stream) {
  for (int i = 0; i < 10'000; ++i) {
    Status written = co_await write_text(stream, std::string(10'000, 'x'));
    if (!written) co_return written.error().code;
    co_await stream.loop().yield();
  }
  co_return ErrorCode::none;
}

TEST_P(StreamContract, writing_to_a_peer_that_is_gone_fails_in_the_end) {
  Service service(loop(), network());
  Pair pair = connect(service);
  pair.server.reset();
  EXPECT_EQ(run(write_until_it_fails(*pair.client)), ErrorCode::reset);
}

Task<std::string> poll_by_try_read(Stream& stream, std::size_t size) {
  std::string bytes;
  while (bytes.size() < size) {
    auto got = stream.try_read(0);
    if (got) {
      EXPECT_TRUE(*got);
      if (!*got) break;
      bytes += (*got)->view();
    }
    co_await stream.loop().yield();
  }
  co_return bytes;
}

TEST_P(StreamContract, try_read_never_waits_and_loses_nothing) {
  Service service(loop(), network());
  Pair pair = connect(service);
  EXPECT_FALSE(pair.server->try_read(0));
  EXPECT_EQ(run(exchange(pair, "first")), "first!");
  EXPECT_FALSE(pair.server->try_read(0));
  run(write_text(*pair.client, "and a second"));
  pair.server->watch_hangup(nullptr);
  EXPECT_EQ(run(poll_by_try_read(*pair.server, 12)), "and a second");
  EXPECT_EQ(run(exchange(pair, "third")), "third!");
}

Task<> until_not_open(Stream& stream, bool by_asking) {
  while (by_asking ? stream.idle_and_open() : stream.seen_open()) co_await stream.loop().yield();
}

TEST_P(StreamContract, an_idle_stream_is_open_until_bytes_or_the_end_come) {
  Service service(loop(), network());
  for (bool bytes : {true, false}) {
    for (bool by_asking : {true, false}) {
      Pair pair = connect(service);
      EXPECT_EQ(run(exchange(pair, "hello")), "hello!");
      HangupWatch watch([](HangupWatch&) {});
      pair.client->watch_hangup(&watch);
      EXPECT_TRUE(pair.client->idle_and_open());
      EXPECT_TRUE(pair.client->seen_open());
      if (bytes) {
        run(write_text(*pair.server, "unasked"));
      } else {
        pair.server.reset();
      }
      run(until_not_open(*pair.client, by_asking));
      EXPECT_FALSE(pair.client->idle_and_open());
      pair.client->watch_hangup(nullptr);
    }
  }
}

// Hang-up watches.

struct Watch : HangupWatch {
  Watch() : HangupWatch([](HangupWatch& self) { ++static_cast<Watch&>(self).times; }) {}
  int times = 0;
};

Task<> until_seen(Loop& loop, Watch& watch) {
  while (watch.times == 0) co_await loop.yield();
}

TEST_P(StreamContract, a_hang_up_is_seen_while_bytes_are_unread) {
  Service service(loop(), network());
  Pair pair = connect(service);
  Watch watch;
  pair.server->watch_hangup(&watch);
  EXPECT_EQ(run(exchange(pair, "hello")), "hello!");
  run(write_text(*pair.client, "last words"));
  EXPECT_EQ(watch.times, 0);
  pair.client.reset();
  run(until_seen(loop(), watch));
  EXPECT_EQ(watch.times, 1);
  ErrorCode end = ErrorCode::none;
  EXPECT_EQ(run(read_all(*pair.server, end)), "last words");
  EXPECT_EQ(end, ErrorCode::end_of_stream);
  EXPECT_EQ(watch.times, 1);
}

TEST_P(StreamContract, a_half_close_and_a_reset_are_hang_ups_too) {
  Service service(loop(), network());
  for (bool reset : {false, true}) {
    Pair pair = connect(service);
    Watch watch;
    pair.server->watch_hangup(&watch);
    if (reset) {
      pair.client->reset_on_close();
      pair.client.reset();
    } else {
      pair.client->shutdown_write();
    }
    run(until_seen(loop(), watch));
    EXPECT_EQ(watch.times, 1);
  }
}

TEST_P(StreamContract, a_late_watch_runs_at_once_and_a_removed_one_never) {
  Service service(loop(), network());
  Pair pair = connect(service);
  Watch removed, kept, late;
  pair.server->watch_hangup(&removed);
  pair.server->watch_hangup(&kept);
  pair.client.reset();
  run(until_seen(loop(), kept));
  pair.server->watch_hangup(&late);
  EXPECT_EQ(late.times, 1);
  EXPECT_EQ(removed.times, 0);
}

// Connecting.

Task<ErrorCode> connect_to(Loop& loop, Address address) {
  auto stream = co_await loop.connect(address);
  co_return stream ? ErrorCode::none : stream.error().code;
}

TEST_P(StreamContract, is_refused_where_nobody_listens) {
  Address nobody;
  {
    Service service(loop(), network());
    nobody = service.address();
  }
  EXPECT_EQ(run(connect_to(loop(), nobody)), ErrorCode::refused);
  EXPECT_EQ(run(connect_to(loop(), Address::unix_socket("/nowhere/at/all"))), ErrorCode::refused);
}

TEST_P(StreamContract, a_refused_connect_may_be_repeated_elsewhere) {
  auto connect_twice = [](Loop& loop, Address address) -> Task<Error> {
    co_return (co_await loop.connect(address)).error();
  };
  Error error = run(connect_twice(loop(), Address::unix_socket("/nowhere/at/all")));
  EXPECT_EQ(error.origin, Origin::upstream);
  EXPECT_EQ(error.retry, Retry::if_unsent);
}

Task<> connect_many(Loop& loop, Address address, int count,
                    std::vector<std::unique_ptr<Stream>>& streams) {
  for (int i = 0; i < count; ++i) streams.push_back(std::move(*co_await loop.connect(address)));
}

Task<> accept_many(Listener& listener, int count, std::vector<std::unique_ptr<Stream>>& streams) {
  for (int i = 0; i < count; ++i) streams.push_back(std::move(*co_await listener.accept()));
}

TEST_P(StreamContract, accepts_a_burst_of_connections) {
  Service service(loop(), network());
  std::vector<std::unique_ptr<Stream>> clients, servers;
  run(connect_many(loop(), service.address(), 300, clients));
  run(accept_many(service.listener(), 300, servers));
  EXPECT_EQ(servers.size(), 300u);
}

// Handing a connection over.

TEST_P(StreamContract, moves_to_another_loop_with_its_unread_bytes) {
  Service service(loop(), network());
  Pair pair = connect(service);
  EXPECT_EQ(run(exchange(pair, "here")), "here!");
  run(write_text(*pair.client, "there"));
  int socket = pair.server->detach();
  ASSERT_GE(socket, 0);
  pair.server.reset();
  auto adopted = second().adopt(socket);
  ASSERT_TRUE(adopted);
  pair.server = std::move(*adopted);
  EXPECT_EQ(&pair.server->loop(), &second());
  EXPECT_EQ(test::run(second(), read_exactly(*pair.server, 5)), "there");
  test::run(second(), write_text(*pair.server, "and back"));
  pair.server.reset();
  ErrorCode end = ErrorCode::none;
  EXPECT_EQ(run(read_all(*pair.client, end)), "and back");
  EXPECT_EQ(end, ErrorCode::end_of_stream);
}

TEST_P(StreamContract, shows_a_hang_up_to_the_loop_that_adopts_it) {
  Service service(loop(), network());
  Pair pair = connect(service);
  Watch before, after;
  pair.server->watch_hangup(&before);
  EXPECT_EQ(run(exchange(pair, "here")), "here!");
  pair.server->watch_hangup(nullptr);
  int socket = pair.server->detach();
  pair.server.reset();
  pair.client.reset();
  auto adopted = second().adopt(socket);
  ASSERT_TRUE(adopted);
  (*adopted)->watch_hangup(&after);
  test::run(second(), until_seen(second(), after));
  EXPECT_EQ(before.times, 0);
  EXPECT_EQ(after.times, 1);
}

}  // namespace
}  // namespace weir::test

// TlsStream keeps the contract of Stream, over every engine of the loop.
#include "io/tls/stream.h"

#include <gtest/gtest.h>

#include <vector>

#include "io/loop_contract.h"
#include "io/relay.h"
#include "io/tls/handshake.h"
#include "io/tls/testing.h"

namespace weir::test {
namespace {

using StreamResult = Result<std::unique_ptr<Stream>>;

Task<> keep_result(Task<StreamResult> task, StreamResult& result) {
  result = co_await std::move(task);
}
Task<> keep_text(Task<std::string> task, std::string& result) { result = co_await std::move(task); }

/// One authority and one certificate for the whole program: keys cost time.
const TestSite& site() {
  static const TestSite made;
  return made;
}

class TlsStreamTest : public LoopContract {
 protected:
  // The streams below the two ends are left in `below`.
  Pair connect_tls(Service& service, TlsVersion version = TlsVersion::tls13) {
    Pair plain = connect(service);
    below = {plain.client.get(), plain.server.get()};
    return run(shake(std::move(plain), version));
  }
  Task<Pair> shake(Pair plain, TlsVersion version) {
    TlsServerOptions server = site().server;
    server.max_version = version;
    auto server_uses = server_profile(server);
    StreamResult accepted, connected;
    {
      Scope scope;
      scope.spawn(keep_result(tls_accept(std::move(plain.server), *server_uses), accepted));
      scope.spawn(keep_result(
          tls_connect(std::move(plain.client), client_profile(site().client), "site.example"),
          connected));
      co_await scope.join();
    }
    Pair pair;
    EXPECT_TRUE(accepted) << accepted.error().detail;
    EXPECT_TRUE(connected) << connected.error().detail;
    if (connected) pair.client = std::move(*connected);
    if (accepted) pair.server = std::move(*accepted);
    co_return pair;
  }

  struct {
    Stream* client;
    Stream* server;
  } below{};
};
WEIR_RUN_ON_EVERY_ENGINE(TlsStreamTest);

Task<std::string> exchange(Pair& pair, std::string message) {
  co_await write_text(*pair.client, message);
  std::string heard = co_await read_exactly(*pair.server, message.size());
  co_await write_text(*pair.server, heard + "!");
  co_return co_await read_exactly(*pair.client, message.size() + 1);
}

TEST_P(TlsStreamTest, carries_a_message_there_and_back) {
  Service service(loop(), network());
  for (TlsVersion version : {TlsVersion::tls12, TlsVersion::tls13}) {
    Pair pair = connect_tls(service, version);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(run(exchange(pair, "hello")), "hello!");
    EXPECT_EQ(pair.server->tls()->server_name, "site.example");
    EXPECT_EQ(pair.client->tls()->version, pair.server->tls()->version);
    EXPECT_EQ(pair.client->peer(), service.address());
    EXPECT_EQ(pair.server->detach(), -1);
  }
}

Task<> send_all(Stream& stream, const std::string& bytes, std::size_t step) {
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    Status written = co_await write_text(stream, std::string_view(bytes).substr(at, step));
    EXPECT_TRUE(written) << name(written.error().code);
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

Task<> exchange_all(Pair& pair, const std::string& up, const std::string& down, std::string& up_got,
                    std::string& down_got) {
  Scope scope;
  scope.spawn(keep_text(both_ways(*pair.client, up, 400'000, 0), down_got));
  scope.spawn(keep_text(both_ways(*pair.server, down, 7'777, 256 * 1024), up_got));
  co_await scope.join();
}

TEST_P(TlsStreamTest, carries_large_bodies_both_ways_at_once) {
  Service service(loop(), network());
  std::string up = pattern(2'000'003, 1), down = pattern(1'500'007, 2);
  for (TlsVersion version : {TlsVersion::tls12, TlsVersion::tls13}) {
    Pair pair = connect_tls(service, version);
    std::string up_got, down_got;
    run(exchange_all(pair, up, down, up_got, down_got));
    EXPECT_TRUE(up_got == up);
    EXPECT_TRUE(down_got == down);
  }
}

Task<> update_both(TlsStream& client, TlsStream& server, bool& stop) {
  for (int i = 0; i < 6 && !stop; ++i) {
    for (int turn = 0; turn < 20 && !stop; ++turn) co_await client.loop().yield();
    (void)client.engine().update_keys(true);
    (void)server.engine().update_keys(false);
  }
}

Task<> exchange_under_updates(Pair& pair, const std::string& up, const std::string& down,
                              std::string& up_got, std::string& down_got) {
  Scope scope;
  bool stop = false;
  scope.spawn(update_both(static_cast<TlsStream&>(*pair.client),
                          static_cast<TlsStream&>(*pair.server), stop));
  co_await exchange_all(pair, up, down, up_got, down_got);
  stop = true;
  co_await scope.join();
}

TEST_P(TlsStreamTest, changes_keys_while_both_sides_write) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  std::string up = pattern(1'000'003, 1), down = pattern(800'007, 2), up_got, down_got;
  run(exchange_under_updates(pair, up, down, up_got, down_got));
  EXPECT_TRUE(up_got == up);
  EXPECT_TRUE(down_got == down);
}

// The client writes until nobody takes any more; meanwhile the server asks it for new keys, and it
// must answer before it may read on.
Task<> blocked_and_asked(Pair& pair, const std::string& bytes, std::string& got) {
  Scope scope;
  scope.spawn(send_all(*pair.client, bytes, bytes.size()));
  for (int turn = 0; turn < 200; ++turn) co_await pair.client->loop().yield();
  auto& server = static_cast<TlsStream&>(*pair.server);
  EXPECT_TRUE(server.engine().update_keys(true));
  co_await write_text(server, "asked");
  EXPECT_EQ(co_await read_exactly(*pair.client, 5), "asked");
  ErrorCode end = ErrorCode::none;
  got = co_await read_all(server, end);
  EXPECT_EQ(end, ErrorCode::end_of_stream);
  co_await scope.join();
  EXPECT_EQ(co_await exchange(pair, ""), "!");
}

TEST_P(TlsStreamTest, answers_a_key_update_during_a_blocked_write) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  std::string bytes = pattern(12'000'000, 3), got;
  run(blocked_and_asked(pair, bytes, got));
  EXPECT_TRUE(got == bytes);
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

TEST_P(TlsStreamTest, writes_many_slices_in_order_and_skips_empty_ones) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  std::vector<Slice> slices;
  std::string expected;
  for (std::size_t i = 0; i < 300; ++i) {
    std::string part = i % 10 == 3 ? "" : pattern(i * 5, i);
    expected += part;
    slices.push_back(copy_slice(part));
  }
  EXPECT_TRUE(run(gather_and_read(pair, slices, expected.size())) == expected);
}

TEST_P(TlsStreamTest, writing_nothing_completes) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  auto write_nothing = [](Stream& stream) -> Task<bool> {
    std::vector<Slice> empty(3);
    Status some = co_await stream.write(empty);
    Status none = co_await stream.write({});
    co_return some.has_value() && none.has_value();
  };
  EXPECT_TRUE(run(write_nothing(*pair.client)));
  EXPECT_EQ(run(exchange(pair, "x")), "x!");
}

TEST_P(TlsStreamTest, writes_ranges_of_files_between_memory) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  std::FILE* file = std::tmpfile();
  std::string body = pattern(700'000, 9);
  ASSERT_EQ(std::fwrite(body.data(), 1, body.size(), file), body.size());
  std::fflush(file);
  std::vector<Slice> slices;
  slices.push_back(copy_slice("head "));
  slices.push_back(Slice::of_file(nullptr, ::fileno(file), 1000, 650'000));
  slices.push_back(copy_slice(" tail"));
  std::string expected = "head " + body.substr(1000, 650'000) + " tail";
  EXPECT_TRUE(run(gather_and_read(pair, slices, expected.size())) == expected);
  std::fclose(file);
}

// ---- Ends

Task<std::string> half_closed(Pair& pair) {
  co_await write_text(*pair.client, "question");
  pair.client->shutdown_write();
  ErrorCode end = ErrorCode::none;
  EXPECT_EQ(co_await read_all(*pair.server, end), "question");
  EXPECT_EQ(end, ErrorCode::end_of_stream);
  auto again = co_await pair.server->read();
  EXPECT_EQ(again.error().code, ErrorCode::end_of_stream);
  co_await write_text(*pair.server, "answer");
  pair.server.reset();
  std::string answer = co_await read_all(*pair.client, end);
  EXPECT_EQ(end, ErrorCode::end_of_stream) << "destruction sends close_notify";
  co_return answer;
}

TEST_P(TlsStreamTest, goes_on_reading_after_its_own_end_and_writing_after_the_peers) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  EXPECT_EQ(run(half_closed(pair)), "answer");
}

Task<> end_while_blocked(Pair& pair, const std::string& bytes, std::string& got) {
  Scope scope;
  ErrorCode end = ErrorCode::none;
  // The end waits behind bytes that nobody takes yet, on behalf of the reader.
  Slice all = copy_slice(bytes);
  std::span<Slice> data(&all, 1);
  static_cast<TlsStream&>(*pair.client).try_write(data);
  std::size_t sent = bytes.size() - (data.empty() ? 0 : data.front().size());
  pair.client->shutdown_write();
  std::string answer;
  scope.spawn(keep_text(read_exactly(*pair.client, 6), answer));
  for (int turn = 0; turn < 100; ++turn) co_await pair.client->loop().yield();
  got = co_await read_all(*pair.server, end);
  EXPECT_EQ(end, ErrorCode::end_of_stream);
  EXPECT_TRUE(got == bytes.substr(0, sent));
  co_await write_text(*pair.server, "answer");
  co_await scope.join();
  EXPECT_EQ(answer, "answer");
}

TEST_P(TlsStreamTest, ends_behind_what_could_not_be_sent_at_once) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  std::string got;
  run(end_while_blocked(pair, pattern(20'000'000, 4), got));
}

Task<ErrorCode> end_of(Stream& stream) {
  ErrorCode end = ErrorCode::none;
  co_await read_all(stream, end);
  co_return end;
}

Task<ErrorCode> say_goodbye(Pair& pair, Stream& below) {
  Slice slice = copy_slice("bye");
  OperationAwaiter<StreamWrite> write(StopToken(), *pair.server, std::span<Slice>(&slice, 1));
  write.last = true;
  Status written = co_await write;
  EXPECT_TRUE(written);
  below.shutdown_write();  // FIN alone: whatever TLS has to say has been said
  std::string heard = co_await read_exactly(*pair.client, 3);
  EXPECT_EQ(heard, "bye");
  Result<Slice> end = co_await pair.client->read();
  co_return end ? ErrorCode::none : end.error().code;
}

TEST_P(TlsStreamTest, the_last_write_says_the_end_too) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  EXPECT_EQ(run(exchange(pair, "hello")), "hello!");
  EXPECT_EQ(run(say_goodbye(pair, *below.server)), ErrorCode::end_of_stream);
}

TEST_P(TlsStreamTest, an_end_without_close_notify_is_a_reset) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  EXPECT_EQ(run(exchange(pair, "x")), "x!");
  below.server->shutdown_write();  // as somebody in the middle can do
  EXPECT_EQ(run(end_of(*pair.client)), ErrorCode::reset);
  EXPECT_EQ(run(end_of(*pair.client)), ErrorCode::reset);
}

TEST_P(TlsStreamTest, reset_on_close_resets_the_peer) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  pair.server->reset_on_close();
  pair.server.reset();
  EXPECT_EQ(run(end_of(*pair.client)), ErrorCode::reset);
}

Task<ErrorCode> write_until_it_fails(Stream& stream) {
  for (int i = 0; i < 10'000; ++i) {
    Status written = co_await write_text(stream, std::string(10'000, 'x'));
    if (!written) co_return written.error().code;
    co_await stream.loop().yield();
  }
  co_return ErrorCode::none;
}

TEST_P(TlsStreamTest, writing_to_a_peer_that_is_gone_fails_in_the_end) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  pair.server.reset();
  EXPECT_EQ(run(write_until_it_fails(*pair.client)), ErrorCode::reset);
  EXPECT_EQ(run(write_until_it_fails(*pair.client)), ErrorCode::reset);
}

// ---- Without waiting

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

TEST_P(TlsStreamTest, try_read_never_waits_and_loses_nothing) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  EXPECT_FALSE(pair.server->try_read(0));
  EXPECT_EQ(run(exchange(pair, "first")), "first!");
  EXPECT_FALSE(pair.server->try_read(0));
  run(write_text(*pair.client, "and a second"));
  EXPECT_EQ(run(poll_by_try_read(*pair.server, 12)), "and a second");
  EXPECT_EQ(run(exchange(pair, "third")), "third!");
}

Task<> until_not_open(Stream& stream, bool by_asking) {
  while (by_asking ? stream.idle_and_open() : stream.seen_open()) co_await stream.loop().yield();
}

Task<> let_it_settle(Stream& stream) {
  for (int turn = 0; turn < 50; ++turn) co_await stream.loop().yield();
  co_await stream.loop().sleep_for(std::chrono::milliseconds(20));
}

TEST_P(TlsStreamTest, an_idle_stream_is_open_until_bytes_or_the_end_come) {
  Service service(loop(), network());
  for (bool bytes : {true, false}) {
    for (bool by_asking : {true, false}) {
      Pair pair = connect_tls(service);
      EXPECT_EQ(run(exchange(pair, "hello")), "hello!");
      HangupWatch watch([](HangupWatch&) {});
      pair.client->watch_hangup(&watch);
      run(let_it_settle(*pair.client));
      EXPECT_TRUE(pair.client->idle_and_open()) << "tickets are no news";
      EXPECT_TRUE(pair.client->seen_open());
      if (bytes) {
        run(write_text(*pair.server, "unasked"));
      } else {
        pair.server.reset();
      }
      run(until_not_open(*pair.client, by_asking));
      EXPECT_FALSE(pair.client->idle_and_open());
      if (bytes) EXPECT_EQ(run(read_exactly(*pair.client, 7)), "unasked");
      pair.client->watch_hangup(nullptr);
    }
  }
}

TEST_P(TlsStreamTest, stays_open_over_a_key_update) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  EXPECT_EQ(run(exchange(pair, "hello")), "hello!");
  auto& server = static_cast<TlsStream&>(*pair.server);
  EXPECT_TRUE(server.engine().update_keys(true));
  EXPECT_FALSE(server.try_read(0));  // sends what reading waits with
  run(let_it_settle(*pair.client));
  EXPECT_TRUE(pair.client->idle_and_open());
  EXPECT_EQ(run(exchange(pair, "again")), "again!");
}

struct Watch : HangupWatch {
  Watch() : HangupWatch([](HangupWatch& self) { ++static_cast<Watch&>(self).times; }) {}
  int times = 0;
};

Task<> until_seen(Loop& loop, Watch& watch) {
  while (watch.times == 0) co_await loop.yield();
}

TEST_P(TlsStreamTest, a_hang_up_is_seen_while_bytes_are_unread) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  Watch watch;
  pair.server->watch_hangup(&watch);
  EXPECT_EQ(run(exchange(pair, "hello")), "hello!");
  run(let_it_settle(*pair.client));
  EXPECT_TRUE(pair.client->seen_open());
  run(write_text(*pair.client, "last words"));
  EXPECT_EQ(watch.times, 0);
  pair.client.reset();
  run(until_seen(loop(), watch));
  ErrorCode end = ErrorCode::none;
  EXPECT_EQ(run(read_all(*pair.server, end)), "last words");
  EXPECT_EQ(end, ErrorCode::end_of_stream);
  EXPECT_EQ(watch.times, 1);
}

TEST_P(TlsStreamTest, holds_no_buffer_while_it_waits) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  std::vector<Slice> slices{copy_slice(pattern(100'000, 5))};
  EXPECT_EQ(run(gather_and_read(pair, slices, 100'000)).size(), 100'000u);
  auto wait = [](Stream& stream, Loop& loop) -> Task<> {
    StopSource stop;
    Scope scope;
    std::string got;
    scope.spawn(keep_text(read_exactly(stream, 1, stop.token()), got));
    co_await loop.sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(loop.buffers().lent(), 0u);
    stop.request(Error(ErrorCode::cancelled));
    co_await scope.join();
  };
  run(wait(*pair.server, loop()));
}

// ---- Cancellation

Task<> keep_status(Stream& stream, const std::string& bytes, StopToken stop, Status& result) {
  result = co_await write_text(stream, bytes, stop);
}
Task<> keep_read(Stream& stream, StopToken stop, Result<Slice>& result) {
  result = co_await stream.read(stop);
}

Task<> cancel_a_read(Pair& pair) {
  for (int i = 0; i < 10; ++i) {
    StopSource stop;
    Scope scope;
    Result<Slice> got;
    scope.spawn(keep_read(*pair.server, stop.token(), got));
    bool racing = i % 2 == 1;
    if (racing) co_await write_text(*pair.client, "x");
    for (int turn = 0; turn < i; ++turn) co_await pair.server->loop().yield();
    stop.request(Error(ErrorCode::idle_timeout));
    co_await scope.join();
    std::string heard;
    if (got) {
      heard = got->view();  // a result that had been reached beats its cancellation
    } else {
      EXPECT_EQ(got.error().code, ErrorCode::idle_timeout);
    }
    if (racing && heard.empty()) heard = co_await read_exactly(*pair.server, 1);
    EXPECT_EQ(heard, racing ? "x" : "");
  }
  EXPECT_EQ(co_await exchange(pair, "goes on"), "goes on!");
}

TEST_P(TlsStreamTest, a_cancelled_read_loses_nothing) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  run(cancel_a_read(pair));
}

// What of it was consumed is sent before anything else; what was not, is not.
Task<> cancel_a_write(Pair& pair, const std::string& bytes) {
  StopSource stop;
  std::size_t taken = 0;
  {
    Slice slice = copy_slice(bytes);
    std::span<Slice> data(&slice, 1);
    auto stop_soon = [](Loop& loop, StopSource& source) -> Task<> {
      for (int turn = 0; turn < 50; ++turn) co_await loop.yield();
      source.request(Error(ErrorCode::slow_peer));
    };
    Scope scope;
    scope.spawn(stop_soon(pair.client->loop(), stop));
    Status written = co_await pair.client->write(data, stop.token());
    EXPECT_FALSE(written);
    if (!written) EXPECT_EQ(written.error().code, ErrorCode::slow_peer);
    taken = bytes.size() - slice.size();
    co_await scope.join();
  }
  Scope scope;
  Status after;
  scope.spawn(keep_status(*pair.client, "after", {}, after));
  std::string got = co_await read_exactly(*pair.server, taken + 5);
  EXPECT_TRUE(got == bytes.substr(0, taken) + "after") << taken;
  co_await scope.join();
  EXPECT_TRUE(after);
  EXPECT_EQ(co_await exchange(pair, "goes on"), "goes on!");
}

TEST_P(TlsStreamTest, a_cancelled_write_leaves_no_hole) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  run(cancel_a_write(pair, pattern(30'000'000, 6)));
}

// A read whose sake a write is pending for: its end recalls the write.
Task<> read_while_flushing(Pair& pair, const std::string& bytes) {
  Slice slice = copy_slice(bytes);
  std::span<Slice> data(&slice, 1);
  pair.client->try_write(data);
  std::size_t taken = bytes.size() - (data.empty() ? 0 : slice.size());
  for (bool by_bytes : {true, false, true}) {
    StopSource stop;
    Scope scope;
    Result<Slice> got;
    scope.spawn(keep_read(*pair.client, stop.token(), got));
    if (by_bytes) {
      co_await write_text(*pair.server, "go");
      co_await scope.join();
      EXPECT_EQ(got ? got->view() : "", "go");
    } else {
      co_await pair.client->loop().yield();
      stop.request(Error(ErrorCode::idle_timeout));
      co_await scope.join();
      EXPECT_FALSE(got);
    }
  }
  Scope scope;
  Status after;
  scope.spawn(keep_status(*pair.client, "after", {}, after));
  std::string got = co_await read_exactly(*pair.server, taken + 5);
  EXPECT_TRUE(got == bytes.substr(0, taken) + "after") << taken;
  co_await scope.join();
}

TEST_P(TlsStreamTest, a_write_on_behalf_of_a_read_ends_with_it) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  run(read_while_flushing(pair, pattern(20'000'000, 7)));
}

Task<> start_and_destroy(Pair& pair, const std::string& bytes) {
  Slice slice = copy_slice(bytes);
  std::span<Slice> data(&slice, 1);
  pair.client->try_write(data);
  pair.client->shutdown_write();  // its end cannot be sent yet
  StopSource stop;
  Scope scope;
  Result<Slice> got;
  scope.spawn(keep_read(*pair.client, stop.token(), got));
  co_await pair.client->loop().yield();
  stop.request(Error(ErrorCode::idle_timeout));
  co_await scope.join();
  pair.client.reset();
}

TEST_P(TlsStreamTest, can_be_destroyed_with_bytes_unsent) {
  Service service(loop(), network());
  Pair pair = connect_tls(service);
  run(start_and_destroy(pair, pattern(20'000'000, 8)));
  EXPECT_EQ(run(end_of(*pair.server)), ErrorCode::reset) << "truncated";
}

// ---- The handshake

Task<StreamResult> accept_with_limit(std::unique_ptr<Stream> stream, StopSource& stop, int turns) {
  auto limit = [](Loop& loop, StopSource& source, int after) -> Task<> {
    for (int turn = 0; turn < after; ++turn) co_await loop.yield();
    source.request(Error(ErrorCode::header_timeout));
  };
  Loop& loop = stream->loop();
  auto profile = server_profile(site().server);
  Scope scope;
  StreamResult result;
  scope.spawn(keep_result(tls_accept(std::move(stream), *profile, stop.token()), result));
  scope.spawn(limit(loop, stop, turns));
  co_await scope.join();
  co_return result;
}

TEST_P(TlsStreamTest, a_handshake_can_be_cancelled_in_each_state) {
  Service service(loop(), network());
  for (int turns : {0, 1, 5, 30}) {
    Pair plain = connect(service);
    StopSource stop;
    if (turns > 1) run(write_text(*plain.client, std::string("\x16\x03\x01\x02\x00\x01", 6)));
    StreamResult result = run(accept_with_limit(std::move(plain.server), stop, turns));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::header_timeout);
  }
}

TEST_P(TlsStreamTest, a_peer_that_vanishes_in_the_handshake_is_a_reset) {
  Service service(loop(), network());
  Pair plain = connect(service);
  run(write_text(*plain.client, std::string("\x16\x03\x01\x02\x00\x01", 6)));
  plain.client.reset();
  auto profile = server_profile(site().server);
  StreamResult result = run(tls_accept(std::move(plain.server), *profile));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::reset);
  EXPECT_EQ(result.error().origin, Origin::client);
}

TEST_P(TlsStreamTest, begins_with_what_was_received_before) {
  Service service(loop(), network());
  Pair plain = connect(service);
  auto shake = [](Pair ends, Pair& up) -> Task<> {
    auto profile = server_profile(site().server);
    StreamResult accepted, connected;
    Scope scope;
    scope.spawn(keep_result(
        tls_connect(std::move(ends.client), client_profile(site().client), "site.example"),
        connected));
    Result<Slice> hello = co_await ends.server->read();
    accepted = co_await tls_accept(std::move(ends.server), *profile, {}, std::move(*hello));
    co_await scope.join();
    EXPECT_TRUE(accepted && connected);
    up = {std::move(*connected), std::move(*accepted)};
  };
  Pair pair;
  run(shake(std::move(plain), pair));
  EXPECT_EQ(run(exchange(pair, "hello")), "hello!");
}

TEST_P(TlsStreamTest, plaintext_in_place_of_a_handshake_is_refused) {
  Service service(loop(), network());
  Pair plain = connect(service);
  auto profile = server_profile(site().server);
  // As it would come behind a PROXY header.
  StreamResult result = run(tls_accept(std::move(plain.server), *profile, {},
                                       copy_slice("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::tls_handshake);
  EXPECT_EQ(result.error().detail, "http request");
}

// ---- Under a relay, as a tunnel uses it

Task<> relay_both(Pair& left, Pair& right, const std::string& up, const std::string& down,
                  std::string& up_got, std::string& down_got) {
  Scope scope;
  scope.spawn(keep_text(both_ways(*left.client, up, 50'000, 0), down_got));
  scope.spawn(keep_text(both_ways(*right.server, down, 30'000, 0), up_got));
  AwaitedRelay relay(*left.server, *right.client, {}, Duration::zero());
  RelayResult result = co_await relay.run();
  EXPECT_EQ(result.error.code, ErrorCode::none);
  EXPECT_EQ(result.forward, up.size());
  EXPECT_EQ(result.backward, down.size());
  co_await scope.join();
}

TEST_P(TlsStreamTest, goes_through_a_relay_with_half_close_kept) {
  Service service(loop(), network());
  Pair left = connect_tls(service), right = connect_tls(service);
  std::string up = pattern(700'003, 1), down = pattern(900'007, 2), up_got, down_got;
  run(relay_both(left, right, up, down, up_got, down_got));
  EXPECT_TRUE(up_got == up);
  EXPECT_TRUE(down_got == down);
}

}  // namespace
}  // namespace weir::test

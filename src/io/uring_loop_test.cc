#include "io/uring_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/scope.h"
#include "core/task.h"
#include "io/sockets.h"
#include "io/uring_stream.h"

namespace weir {
namespace {

struct Mask {
  const char* name;
  UringFeatures features;
};

void PrintTo(const Mask& mask, std::ostream* out) { *out << mask.name; }

constexpr UringFeatures without(bool UringFeatures::* feature) {
  UringFeatures features;
  features.*feature = false;
  return features;
}

const std::array kMasks = {
    Mask{"everything", {}},
    Mask{"without_multishot_accept", without(&UringFeatures::multishot_accept)},
    Mask{"without_provided_buffers", without(&UringFeatures::provided_buffers)},
    Mask{"without_deferred_work", without(&UringFeatures::deferred_work)},
    Mask{"without_poll_first", without(&UringFeatures::poll_first)},
    Mask{"plain", {false, false, false, false}},
};

/// Raw sockets on the far side, a loop on the near side. Skipped where io_uring is refused.
class UringLoopTest : public testing::TestWithParam<Mask> {
 protected:
  void SetUp() override {
    auto made = make_uring_loop(0, 1, GetParam().features);
    if (!made) GTEST_SKIP() << "io_uring is refused here: " << made.error().detail;
    loop_ = std::move(*made);
  }
  void TearDown() override {
    for (int fd : far_) {
      if (fd >= 0) ::close(fd);
    }
  }

  /// A stream of the loop; its peer is far(i), a blocking socket.
  std::unique_ptr<Stream> pair() {
    int ends[2];
    EXPECT_EQ(0, ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
    far_.push_back(ends[1]);
    return std::move(*loop_->adopt(ends[0]));
  }
  int far(std::size_t index = 0) const { return far_[index]; }
  void send_far(std::string_view text, std::size_t index = 0) {
    EXPECT_EQ(static_cast<ssize_t>(text.size()), ::send(far(index), text.data(), text.size(), 0));
  }
  std::string receive_far(std::size_t size, std::size_t index = 0) {
    std::string text(size, '\0');
    ssize_t got = ::recv(far(index), text.data(), size, MSG_WAITALL);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }
  void close_far(std::size_t index = 0) { ::close(std::exchange(far_[index], -1)); }

  /// Runs the loop until `body` is over.
  void run(Task<void> body) {
    Scope scope;
    scope.spawn(until_done(*loop_, std::move(body)));
    loop_->run();
    EXPECT_EQ(0u, scope.running());
  }

  std::unique_ptr<Loop> loop_;
  KernelNetwork network_;
  std::vector<int> far_;

 private:
  static Task<void> until_done(Loop& loop, Task<void> body) {
    co_await std::move(body);
    loop.stop();
  }
};

INSTANTIATE_TEST_SUITE_P(masks, UringLoopTest, testing::ValuesIn(kMasks),
                         [](const auto& entry) { return std::string(entry.param.name); });

Task<void> nothing() { co_return; }

// ---- Reading and writing

Task<void> echo(Stream& stream, int times) {
  for (int i = 0; i < times; ++i) {
    Result<Slice> got = co_await stream.read();
    EXPECT_TRUE(got);
    if (!got) co_return;
    Slice back[1] = {std::move(*got)};
    EXPECT_TRUE(co_await stream.write(back));
  }
}

TEST_P(UringLoopTest, echoes_what_was_there_before_the_read_and_what_comes_after) {
  auto stream = pair();
  send_far("before");
  std::thread later([this] {
    EXPECT_EQ("before", receive_far(6));
    send_far("after");
    EXPECT_EQ("after", receive_far(5));
  });
  run(echo(*stream, 2));
  later.join();
}

Task<void> read_end(Stream& stream, Result<Slice>& result) { result = co_await stream.read(); }

TEST_P(UringLoopTest, says_end_of_stream_when_the_peer_has_closed) {
  auto stream = pair();
  close_far();
  Result<Slice> result;
  run(read_end(*stream, result));
  ASSERT_FALSE(result);
  EXPECT_EQ(ErrorCode::end_of_stream, result.error().code);
}

Task<void> write_pieces(Stream& stream, std::vector<Slice>& pieces, StopToken stop,
                        Status& result) {
  result = co_await stream.write(pieces, stop);
}

TEST_P(UringLoopTest, writes_many_slices_in_order_through_a_full_socket) {
  auto stream = pair();
  std::string expected;
  std::vector<Slice> pieces;
  for (int i = 0; i < 300; ++i) {
    pieces.push_back(
        copy_slice(std::string(static_cast<std::size_t>(i * 37), static_cast<char>('a' + i % 26))));
    expected += pieces.back().view();
  }
  std::string got;
  std::thread reader([&] { got = receive_far(expected.size()); });
  Status result;
  run(write_pieces(*stream, pieces, {}, result));
  reader.join();
  EXPECT_TRUE(result);
  EXPECT_EQ(expected, got);
}

TEST_P(UringLoopTest, writes_files_between_memory) {
  auto stream = pair();
  char path[] = "/tmp/weir_uring_XXXXXX";
  int file = ::mkstemp(path);
  ASSERT_GE(file, 0);
  ::unlink(path);
  std::string content(300'000, 'f');
  ASSERT_EQ(static_cast<ssize_t>(content.size()), ::write(file, content.data(), content.size()));
  std::vector<Slice> pieces = {Slice::unowned("head"), Slice::of_file(nullptr, file, 100, 299'900),
                               Slice::unowned("tail")};
  std::string got;
  std::thread reader([&] { got = receive_far(4 + 299'900 + 4); });
  Status result;
  run(write_pieces(*stream, pieces, {}, result));
  reader.join();
  ::close(file);
  EXPECT_TRUE(result);
  EXPECT_EQ("head" + content.substr(100) + "tail", got);
}

Task<void> read_all(Stream& stream, std::size_t hint, std::string& got, int& reads) {
  while (true) {
    Result<Slice> part = co_await stream.read({}, hint);
    if (!part) {
      EXPECT_EQ(ErrorCode::end_of_stream, part.error().code);
      co_return;
    }
    got += part->view();
    ++reads;
  }
}

TEST_P(UringLoopTest, reads_large_bodies_with_and_without_a_hint) {
  for (std::size_t hint : {std::size_t{0}, std::size_t{1} << 20}) {
    auto stream = pair();
    std::size_t index = far_.size() - 1;
    std::string sent(3'000'000, '\0');
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 7 + i / 251);
    std::thread writer([&] {
      send_far(sent, index);
      close_far(index);
    });
    std::string got;
    int reads = 0;
    run(read_all(*stream, hint, got, reads));
    writer.join();
    EXPECT_TRUE(sent == got);
  }
}

TEST_P(UringLoopTest, tries_to_read_without_waiting) {
  auto stream = pair();
  EXPECT_FALSE(stream->try_read(0));
  send_far("now");
  run(nothing());  // a turn passes: what is there is looked for again
  auto got = stream->try_read(0);
  ASSERT_TRUE(got && *got);
  EXPECT_EQ("now", (**got).view());
}

// ---- Cancellation

Task<void> read_until_stopped(Stream& stream, StopToken stop, Result<Slice>& result) {
  result = co_await stream.read(stop);
}

Task<void> stop_a_read(Loop& loop, Stream& stream, std::size_t hint, Result<Slice>& result) {
  StopSource stop;
  Scope scope;
  scope.spawn(read_until_stopped(stream, stop.token(), result));
  co_await loop.yield();
  stop.request(Error(ErrorCode::idle_timeout));
  co_await scope.join();
}

TEST_P(UringLoopTest, a_cancelled_read_ends_with_the_reason_and_loses_no_byte) {
  auto stream = pair();
  Result<Slice> result;
  run(stop_a_read(*loop_, *stream, 0, result));
  ASSERT_FALSE(result);
  EXPECT_EQ(ErrorCode::idle_timeout, result.error().code);
  send_far("still works");
  run(echo(*stream, 1));
  EXPECT_EQ("still works", receive_far(11));
}

Task<void> stop_right_after_bytes(Loop& loop, Stream& stream, int far, Result<Slice>& result) {
  StopSource stop;
  Scope scope;
  scope.spawn(read_until_stopped(stream, stop.token(), result));
  co_await loop.yield();
  co_await loop.yield();  // the receive waits in the kernel
  EXPECT_EQ(5, ::send(far, "bytes", 5, 0));
  stop.request(Error(ErrorCode::cancelled));
  co_await scope.join();
}

TEST_P(UringLoopTest, bytes_that_race_with_a_cancellation_are_delivered_or_left_but_never_lost) {
  for (int round = 0; round < 20; ++round) {
    auto stream = pair();
    Result<Slice> result;
    run(stop_right_after_bytes(*loop_, *stream, far(static_cast<std::size_t>(round)), result));
    if (result) {
      EXPECT_EQ("bytes", result->view());
    } else {
      EXPECT_EQ(ErrorCode::cancelled, result.error().code);
      Result<Slice> later;
      run(read_end(*stream, later));
      ASSERT_TRUE(later);
      EXPECT_EQ("bytes", later->view());
    }
  }
}

Task<void> stop_a_write(Loop& loop, Stream& stream, std::vector<Slice>& pieces, Status& result) {
  StopSource stop;
  Scope scope;
  scope.spawn(write_pieces(stream, pieces, stop.token(), result));
  co_await loop.yield();
  co_await loop.yield();  // the socket is full
  stop.request(Error(ErrorCode::slow_peer));
  co_await scope.join();
}

TEST_P(UringLoopTest, a_cancelled_write_says_what_was_not_taken) {
  auto stream = pair();
  std::string text(8'000'000, 'w');
  std::vector<Slice> pieces = {copy_slice(text)};
  Status result;
  run(stop_a_write(*loop_, *stream, pieces, result));
  ASSERT_FALSE(result);
  EXPECT_EQ(ErrorCode::slow_peer, result.error().code);
  std::size_t taken = text.size() - pieces[0].size();
  EXPECT_GT(taken, 0u);
  stream.reset();  // so that the far side sees the end behind what was taken
  EXPECT_EQ(taken, receive_far(text.size()).size());
}

Task<void> connect_to(Loop& loop, Address address, StopToken stop,
                      Result<std::unique_ptr<Stream>>& result) {
  result = co_await loop.connect(address, stop);
}

Task<void> stop_a_connect(Loop& loop, Address address, Result<std::unique_ptr<Stream>>& result) {
  StopSource stop;
  Scope scope;
  scope.spawn(connect_to(loop, address, stop.token(), result));
  stop.request(Error(ErrorCode::connect_timeout));
  co_await scope.join();
}

TEST_P(UringLoopTest, a_refused_connection_and_a_cancelled_one_are_told_apart) {
  Address address = *Address::parse("127.0.0.1:0");
  int socket = *network_.bind(address, {.reuse_port = false});
  address = *network_.bound_address(socket);
  Result<std::unique_ptr<Stream>> result;
  run(stop_a_connect(*loop_, address, result));
  if (!result) {
    EXPECT_EQ(ErrorCode::connect_timeout, result.error().code);
  }
  network_.close(socket);
  run(connect_to(*loop_, address, {}, result));
  ASSERT_FALSE(result);
  EXPECT_EQ(ErrorCode::refused, result.error().code);
  EXPECT_EQ(Origin::upstream, result.error().origin);
}

// ---- Hang-up

struct Seen : HangupWatch {
  Seen() : HangupWatch([](HangupWatch& self) { ++static_cast<Seen&>(self).times; }) {}
  int times = 0;
};

Task<void> until_seen(Loop& loop, Seen& seen) {
  while (seen.times == 0) co_await loop.yield();
}

TEST_P(UringLoopTest, the_watch_tells_of_a_hang_up_once_even_with_bytes_unread) {
  auto stream = pair();
  Seen seen;
  stream->watch_hangup(&seen);
  send_far("unread");
  run(nothing());
  EXPECT_EQ(0, seen.times);
  EXPECT_TRUE(stream->seen_open());
  close_far();
  run(until_seen(*loop_, seen));
  EXPECT_EQ(1, seen.times);
  EXPECT_FALSE(stream->seen_open());
  Seen late;
  stream->watch_hangup(&late);
  EXPECT_EQ(1, late.times);
  std::string got;
  int reads = 0;
  run(read_all(*stream, 0, got, reads));
  EXPECT_EQ("unread", got);
}

TEST_P(UringLoopTest, a_removed_watch_stays_silent_and_a_new_one_hears) {
  auto stream = pair();
  Seen first;
  Seen second;
  stream->watch_hangup(&first);
  run(nothing());
  stream->watch_hangup(nullptr);
  stream->watch_hangup(&second);
  ::shutdown(far(), SHUT_WR);
  run(until_seen(*loop_, second));
  EXPECT_EQ(0, first.times);
  EXPECT_EQ(1, second.times);
}

TEST_P(UringLoopTest, a_watched_stream_may_go_and_its_peer_sees_the_end) {
  for (int round = 0; round < 50; ++round) {
    auto stream = pair();
    Seen seen;
    stream->watch_hangup(&seen);
    if (round % 2 == 0) run(nothing());
    stream.reset();
    run(nothing());
    EXPECT_EQ("", receive_far(1, static_cast<std::size_t>(round)));
    EXPECT_EQ(0, seen.times);
  }
}

TEST_P(UringLoopTest, a_hang_up_of_a_stream_that_is_gone_reaches_nobody) {
  auto stream = pair();
  Seen seen;
  stream->watch_hangup(&seen);
  run(nothing());
  close_far();     // its completion is under way
  stream.reset();  // before it is looked at
  auto other = pair();
  Seen others;
  other->watch_hangup(&others);
  run(nothing());
  EXPECT_EQ(0, seen.times);
  EXPECT_EQ(0, others.times);
}

Task<void> detach_in_loop(Stream& stream, int& fd) {
  fd = stream.detach();
  co_return;
}

TEST_P(UringLoopTest, nothing_of_the_loop_holds_a_detached_socket) {
  auto stream = pair();
  Seen seen;
  stream->watch_hangup(&seen);
  run(nothing());
  int fd = -1;
  run(detach_in_loop(*stream, fd));
  ASSERT_GE(fd, 0);
  stream.reset();
  ::close(fd);  // and no turn of the loop after it
  EXPECT_EQ("", receive_far(1));
  EXPECT_EQ(0, seen.times);
}

// ---- Accepting

Task<void> accept_some(Listener& listener, std::size_t count,
                       std::vector<std::unique_ptr<Stream>>& taken) {
  while (taken.size() < count) {
    auto stream = co_await listener.accept();
    EXPECT_TRUE(stream);
    if (stream) taken.push_back(std::move(*stream));
  }
}

class UringAcceptTest : public UringLoopTest {
 protected:
  void SetUp() override {
    UringLoopTest::SetUp();
    if (IsSkipped()) return;
    socket_ = *network_.bind(*Address::parse("127.0.0.1:0"), {});
    address_ = *network_.bound_address(socket_);
    listener_ = std::move(*loop_->listen(socket_));
  }
  void TearDown() override {
    listener_.reset();
    if (socket_ >= 0) network_.close(socket_);
    UringLoopTest::TearDown();
  }
  void knock() {
    int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_storage storage;
    socklen_t length = address_.to_sockaddr(storage);
    ASSERT_EQ(0, ::connect(fd, reinterpret_cast<sockaddr*>(&storage), length));
    far_.push_back(fd);
  }

  int socket_ = -1;
  Address address_;
  std::unique_ptr<Listener> listener_;
};

INSTANTIATE_TEST_SUITE_P(masks, UringAcceptTest, testing::ValuesIn(kMasks),
                         [](const auto& entry) { return std::string(entry.param.name); });

TEST_P(UringAcceptTest, takes_a_burst_in_order_and_whatever_comes_later) {
  for (int i = 0; i < 100; ++i) knock();
  std::vector<std::unique_ptr<Stream>> taken;
  run(accept_some(*listener_, 40, taken));
  run(accept_some(*listener_, 100, taken));
  knock();
  run(accept_some(*listener_, 101, taken));
  for (std::size_t i = 0; i < taken.size(); ++i) {
    EXPECT_EQ(local_of(far(i)), taken[i]->peer());
  }
}

Task<void> accept_until_stopped(Listener& listener, StopToken stop, Status& result) {
  auto stream = co_await listener.accept(stop);
  result = stream ? Status() : fail(stream.error());
}

Task<void> stop_an_accept(Loop& loop, Listener& listener, Status& result) {
  StopSource stop;
  Scope scope;
  scope.spawn(accept_until_stopped(listener, stop.token(), result));
  co_await loop.yield();
  stop.request(Error(ErrorCode::shutting_down));
  co_await scope.join();
}

TEST_P(UringAcceptTest, a_cancelled_accept_leaves_the_listener_usable) {
  Status result;
  run(stop_an_accept(*loop_, *listener_, result));
  ASSERT_FALSE(result);
  EXPECT_EQ(ErrorCode::shutting_down, result.error().code);
  knock();
  std::vector<std::unique_ptr<Stream>> taken;
  run(accept_some(*listener_, 1, taken));
  EXPECT_EQ(1u, taken.size());
}

// What the standing accept took beyond what was asked for is not lost with the stop, and what it
// did not take waits in the kernel for the next listener.
TEST_P(UringAcceptTest, every_connection_of_a_burst_is_served_when_accepting_stops_in_it) {
  for (int i = 0; i < 50; ++i) knock();
  std::vector<std::unique_ptr<Stream>> taken;
  run(accept_some(*listener_, 3, taken));
  for (int i = 0; i < 3; ++i) run(nothing());  // a suspension under way comes to its end
  while (auto stream = listener_->take_accepted()) taken.push_back(std::move(stream));
  listener_ = std::move(*loop_->listen(socket_));
  run(accept_some(*listener_, 50, taken));
  for (std::size_t i = 0; i < taken.size(); ++i) {
    EXPECT_EQ(local_of(far(i)), taken[i]->peer());
  }
}

TEST_P(UringAcceptTest, a_new_listener_takes_over_the_socket_of_one_that_went) {
  std::vector<std::unique_ptr<Stream>> taken;
  knock();
  run(accept_some(*listener_, 1, taken));
  listener_.reset();
  run(nothing());
  listener_ = std::move(*loop_->listen(socket_));
  knock();
  run(accept_some(*listener_, 2, taken));
  EXPECT_EQ(2u, taken.size());
}

Task<void> accept_with_errors(Listener& listener, std::vector<ErrorCode>& errors,
                              std::unique_ptr<Stream>& taken, rlimit before) {
  while (taken == nullptr) {
    auto stream = co_await listener.accept();
    if (stream) {
      taken = std::move(*stream);
    } else {
      errors.push_back(stream.error().code);
      EXPECT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &before));
    }
  }
}

TEST_P(UringAcceptTest, says_once_that_descriptors_ran_out_and_goes_on_after_a_pause) {
  knock();
  rlimit before;
  ASSERT_EQ(0, ::getrlimit(RLIMIT_NOFILE, &before));
  int next = ::dup(socket_);
  ::close(next);
  rlimit none{static_cast<rlim_t>(next), before.rlim_max};
  ASSERT_EQ(0, ::setrlimit(RLIMIT_NOFILE, &none));
  std::vector<ErrorCode> errors;
  std::unique_ptr<Stream> taken;
  run(accept_with_errors(*listener_, errors, taken, before));
  EXPECT_THAT(errors, testing::ElementsAre(ErrorCode::no_descriptors));
  EXPECT_NE(nullptr, taken);
}

// ---- Buffers

Task<void> keep_one(Stream& stream, std::vector<Slice>& kept) {
  Result<Slice> got = co_await stream.read();
  EXPECT_TRUE(got);
  if (got) kept.push_back(std::move(*got));
}

Task<void> keep_from_all(std::vector<std::unique_ptr<Stream>>& streams, std::vector<Slice>& kept) {
  Scope scope;
  for (auto& stream : streams) scope.spawn(keep_one(*stream, kept));
  co_await scope.join();
}

// All bytes are there before the loop looks, so that one batch asks for more buffers than are
// provided; and each reader keeps what it got.
TEST_P(UringLoopTest, hundreds_of_readers_that_keep_their_bytes_starve_nobody) {
  std::vector<std::unique_ptr<Stream>> streams;
  for (std::size_t i = 0; i < 400; ++i) {
    streams.push_back(pair());
    send_far(std::string(i % 2 == 0 ? 6000 : 100, 'k'), i);
  }
  std::vector<Slice> kept;
  run(keep_from_all(streams, kept));
  EXPECT_EQ(400u, kept.size());
  auto stream = pair();
  send_far("served", 400);
  run(echo(*stream, 1));
  EXPECT_EQ("served", receive_far(6, 400));
  EXPECT_GT(loop_->buffers().lent(), 0u);
  kept.clear();
  EXPECT_EQ(0u, loop_->buffers().lent());
}

TEST(UringStream, is_small_and_owns_no_buffer_while_it_waits) {
  EXPECT_LE(sizeof(UringStream), 64u);
}

// ---- The loop itself

TEST_P(UringLoopTest, runs_posted_work_of_other_threads_in_order) {
  std::vector<int> seen;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop_->post([&seen, i] { seen.push_back(i); });
    loop_->stop();
  });
  loop_->run();
  other.join();
  ASSERT_EQ(100u, seen.size());
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST_P(UringLoopTest, may_be_built_by_one_thread_and_run_by_another) {
  auto stream = pair();
  send_far("x");
  std::thread worker([&] { run(echo(*stream, 1)); });
  worker.join();
  EXPECT_EQ("x", receive_far(1));
}

Task<void> sleep_fifteen(Loop& loop) {
  EXPECT_TRUE(co_await loop.sleep_for(std::chrono::milliseconds(15)));
}

TEST_P(UringLoopTest, timers_fire_without_any_traffic) {
  TimePoint start = loop_->now();
  run(sleep_fifteen(*loop_));
  EXPECT_GE(loop_->now() - start, std::chrono::milliseconds(15));
}

Task<void> wait_for(Loop& loop, int fd, bool write, StopToken stop, Status& result) {
  result = co_await loop.wait_ready(fd, write, stop);
}

Task<void> stop_a_wait(Loop& loop, int fd, Status& result) {
  StopSource stop;
  Scope scope;
  scope.spawn(wait_for(loop, fd, false, stop.token(), result));
  co_await loop.yield();
  stop.request(Error(ErrorCode::cancelled));
  co_await scope.join();
}

TEST_P(UringLoopTest, waits_for_readiness_of_descriptors_that_are_not_its_own) {
  int ends[2];
  ASSERT_EQ(0, ::pipe(ends));
  Status result = fail(Error(ErrorCode::internal));
  run(wait_for(*loop_, ends[1], true, {}, result));
  EXPECT_TRUE(result);
  run(stop_a_wait(*loop_, ends[0], result));
  ASSERT_FALSE(result);
  EXPECT_EQ(ErrorCode::cancelled, result.error().code);
  ASSERT_EQ(1, ::write(ends[1], "x", 1));
  run(wait_for(*loop_, ends[0], false, {}, result));
  EXPECT_TRUE(result);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_P(UringLoopTest, more_operations_than_the_queue_holds_may_start_before_the_loop_runs) {
  std::vector<std::unique_ptr<Stream>> streams;
  std::vector<Slice> kept;
  Scope scope;
  rlimit limit;
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < 4000) GTEST_SKIP() << "too few descriptors";
  for (std::size_t i = 0; i < 1500; ++i) {
    streams.push_back(pair());
    scope.spawn(keep_one(*streams.back(), kept));
  }
  for (std::size_t i = 0; i < 1500; ++i) send_far("x", i);
  while (kept.size() < 1500) run(nothing());
  EXPECT_EQ(0u, scope.running());
}

// ---- Setting up and probing

TEST(UringRing, has_what_the_mask_leaves) {
  for (const Mask& mask : kMasks) {
    auto ring = UringRing::open(mask.features);
    if (!ring) GTEST_SKIP() << "io_uring is refused here";
    EXPECT_EQ(mask.features.deferred_work, (*ring)->features().deferred_work) << mask.name;
    EXPECT_EQ(mask.features.multishot_accept, (*ring)->features().multishot_accept) << mask.name;
  }
}

// Applies to the calling thread alone and for the rest of its life.
bool refuse_io_uring(int error) {
  std::array program = {
      sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
      sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
      sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog filter{program.size(), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

TEST(UringRing, a_kernel_that_refuses_io_uring_gives_an_error_and_leaks_nothing) {
  for (int error : {EPERM, ENOSYS, ENOMEM}) {
    bool filtered = false;
    bool made = true;
    std::thread other([&] {
      filtered = refuse_io_uring(error);
      made = make_uring_loop(0, 1).has_value();
    });
    other.join();
    if (!filtered) GTEST_SKIP() << "seccomp is not to be had here";
    EXPECT_FALSE(made) << error;
  }
}

}  // namespace
}  // namespace weir

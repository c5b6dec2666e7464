// What the contract's tests (loop_contract_test.cc) do not see: what io_uring itself could get
// wrong.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "io/uring_stream.h"
#include "io/uring_testing.h"

namespace weir::test {
namespace {

WEIR_RUN_WITH_EVERY_MASK(UringLoopTest);

Task<void> echo(Stream& stream, int times) {
  for (int i = 0; i < times; ++i) {
    Result<Slice> got = co_await stream.read();
    EXPECT_TRUE(got);
    if (!got) co_return;
    Slice back[1] = {std::move(*got)};
    EXPECT_TRUE(co_await stream.write(back));
  }
}

Task<void> read_to_end(Stream& stream, std::size_t hint, std::string& got) {
  while (true) {
    Result<Slice> part = co_await stream.read({}, hint);
    if (!part) {
      EXPECT_EQ(ErrorCode::end_of_stream, part.error().code);
      co_return;
    }
    got += part->view();
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
    run(read_to_end(*stream, hint, got));
    writer.join();
    EXPECT_TRUE(sent == got);
  }
}

struct Seen : HangupWatch {
  Seen() : HangupWatch([](HangupWatch& self) { ++static_cast<Seen&>(self).times; }) {}
  int times = 0;
};

TEST_P(UringLoopTest, a_watched_stream_may_go_and_its_peer_sees_the_end) {
  for (int round = 0; round < 10; ++round) {
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

Task<void> detach_and_close(std::unique_ptr<Stream> stream, int far) {
  co_await stream->loop().yield();  // the loop runs
  ::close(stream->detach());
  stream.reset();
  char byte;
  EXPECT_EQ(0, ::recv(far, &byte, 1, 0));  // before the loop has turned
}

TEST_P(UringLoopTest, nothing_of_the_loop_holds_a_detached_socket) {
  auto stream = pair();
  Seen seen;
  stream->watch_hangup(&seen);
  run(nothing());
  run(detach_and_close(std::move(stream), far()));
  EXPECT_EQ(0, seen.times);
}

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
  EXPECT_LE(loop_->buffers().lent(), 210u);  // a block for each of 200; the small ones share some
  kept.clear();
  EXPECT_EQ(0u, loop_->buffers().lent());
}

TEST_P(UringLoopTest, small_reads_that_are_kept_share_a_block) {
  auto stream = pair();
  std::vector<Slice> kept;
  for (int i = 0; i < 100; ++i) {
    send_far(std::string(50, 'x'));
    run(keep_one(*stream, kept));
  }
  EXPECT_EQ(100u, kept.size());
  EXPECT_LE(loop_->buffers().lent(), 1u);
}

TEST_P(UringLoopTest, buffers_that_were_filled_are_provided_again) {
  auto stream = pair();
  UringBuffers& provided = static_cast<UringLoop&>(*loop_).provided();
  unsigned before = provided.provided();
  for (int i = 0; i < 300; ++i) {
    std::size_t size = i % 2 == 0 ? 1 : 5000;
    send_far(std::string(size, 'x'));
    run(echo(*stream, 1));
    EXPECT_EQ(size, receive_far(size).size());
  }
  EXPECT_EQ(before, provided.provided());
}

TEST(UringStream, is_small_and_owns_no_buffer_while_it_waits) {
  EXPECT_LE(sizeof(UringStream), 64u);
}

TEST_P(UringLoopTest, may_be_built_by_one_thread_and_run_by_another) {
  auto stream = pair();
  send_far("x");
  std::thread worker([&] { run(echo(*stream, 1)); });
  worker.join();
  EXPECT_EQ("x", receive_far(1));
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

}  // namespace
}  // namespace weir::test

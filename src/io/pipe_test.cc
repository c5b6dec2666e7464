#include "io/pipe.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "io/loop_contract.h"
#include "io/relay.h"

namespace weir::test {
namespace {

/// Two connected sockets: what is written to `near` can be spliced from `far`.
class PipeTest : public ::testing::Test {
 protected:
  PipeTest() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_), 0); }
  ~PipeTest() override {
    ::close(near());
    ::close(far());
  }
  int near() const { return ends_[0]; }
  int far() const { return ends_[1]; }
  void write_bytes(std::string_view text) {
    ASSERT_EQ(::send(near(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }
  Slice fill(std::size_t most) {
    Slice slice;
    EXPECT_TRUE(pool_.fill(far(), most, slice));
    return slice;
  }

  PipePool pool_;

 private:
  int ends_[2];
};

TEST_F(PipeTest, takes_at_most_what_was_asked_for_and_leaves_the_rest) {
  write_bytes("0123456789");
  Slice slice = fill(4);
  EXPECT_EQ(slice.kind(), Slice::Kind::pipe);
  EXPECT_EQ(slice.size(), 4U);
  char rest[16];
  EXPECT_EQ(::recv(far(), rest, sizeof rest, 0), 6);
}

TEST_F(PipeTest, an_empty_socket_and_an_ended_one_are_told_apart) {
  Slice slice;
  EXPECT_EQ(pool_.fill(far(), 10, slice), -1);
  EXPECT_EQ(errno, EAGAIN);
  ::shutdown(near(), SHUT_WR);
  EXPECT_EQ(pool_.fill(far(), 10, slice), 0);
  EXPECT_EQ(pool_.kept(), 1U);  // the empty pipe waits for its next use
}

TEST_F(PipeTest, a_pipe_that_was_drained_is_used_again) {
  write_bytes("0123456789");
  Slice slice = fill(10);
  int end = slice.file();
  EXPECT_EQ(PipePool::drain(slice, far(), false), 10);  // back to `near`
  slice = Slice();
  EXPECT_EQ(pool_.kept(), 1U);
  write_bytes("again");
  EXPECT_EQ(fill(10).file(), end);
}

TEST_F(PipeTest, a_pipe_with_bytes_left_in_it_is_closed) {
  write_bytes("0123456789");
  fill(10);
  EXPECT_EQ(pool_.kept(), 0U);
  EXPECT_EQ(pool_.pipes(), 0U);
}

TEST_F(PipeTest, the_number_of_pipes_is_bounded) {
  write_bytes(std::string(PipePool::kMost + 1, 'x'));
  std::vector<Slice> held;
  for (std::uint32_t i = 0; i < PipePool::kMost - 1; ++i) held.push_back(fill(1));
  held.push_back(fill(1));
  EXPECT_EQ(pool_.pipes(), PipePool::kMost);
  Slice slice;
  EXPECT_FALSE(pool_.fill(far(), 1, slice));
  held.pop_back();
  EXPECT_TRUE(pool_.fill(far(), 1, slice));
}

class SpliceContract : public LoopContract {};

Task<void> send_all(Stream& stream, std::string bytes) {
  Slice slice = copy_slice(bytes);
  EXPECT_TRUE(co_await stream.write({&slice, 1}));
  stream.shutdown_write();
}

/// Passes everything on until the end; returns how many slices were pipes.
Task<void> pass_on(Stream& from, Stream& to, std::size_t& pipes) {
  std::string_view head = "head:";
  while (true) {
    Result<Slice> got = co_await from.splice({}, 300'000);
    if (!got) break;
    if (got->kind() == Slice::Kind::pipe) ++pipes;
    Slice slices[2] = {Slice::unowned(head), std::move(*got)};
    EXPECT_TRUE(co_await to.write(slices));
    head = {};
  }
  to.shutdown_write();
}

Task<std::string> through_pipes(Pair& in, Pair& out, std::string bytes, std::size_t& pipes) {
  Scope scope;
  scope.spawn(send_all(*in.client, std::move(bytes)));
  scope.spawn(pass_on(*in.server, *out.client, pipes));
  ErrorCode end = ErrorCode::none;
  std::string all = co_await read_all(*out.server, end);
  co_await scope.join();
  co_return all;
}

TEST_P(SpliceContract, bytes_cross_from_socket_to_socket_in_order) {
  Service service(loop(), network());
  Pair in = connect(service);
  Pair out = connect(service);
  std::string bytes = pattern(3'000'000, 7);
  std::size_t pipes = 0;
  EXPECT_EQ(run(through_pipes(in, out, bytes, pipes)), "head:" + bytes);
  EXPECT_GT(pipes, 0U);
  EXPECT_EQ(loop().pipes().kept(), loop().pipes().pipes());  // none is still lent
}

Task<bool> open_after_a_splice(Pair& pair) {
  co_await write_text(*pair.client, "exactly this");
  Result<Slice> got = co_await pair.server->splice({}, 12);
  EXPECT_TRUE(got && got->size() == 12U);
  bool open = pair.server->seen_open();
  co_await write_text(*pair.client, "unasked");
  while (pair.server->idle_and_open()) co_await pair.server->loop().yield();
  EXPECT_FALSE(pair.server->seen_open());
  co_return open;
}

TEST_P(SpliceContract, a_stream_is_seen_open_after_a_splice_took_all) {
  Service service(loop(), network());
  Pair pair = connect(service);
  EXPECT_TRUE(run(open_after_a_splice(pair)));
}

Task<void> stop_soon(Loop& loop, StopSource& stop) {
  co_await loop.yield();
  stop.request(Error(ErrorCode::cancelled, Origin::weir, "enough"));
}

Task<ErrorCode> cancelled_splice(Pair& pair) {
  StopSource stop;
  Scope scope;
  scope.spawn(stop_soon(pair.server->loop(), stop));
  Result<Slice> got = co_await pair.server->splice(stop.token(), 1000);
  co_await scope.join();
  co_return got ? ErrorCode::none : got.error().code;
}

TEST_P(SpliceContract, a_splice_that_waits_can_be_cancelled) {
  Service service(loop(), network());
  Pair pair = connect(service);
  EXPECT_EQ(run(cancelled_splice(pair)), ErrorCode::cancelled);
}

Task<void> send_and_end(Stream& stream, std::string bytes) {
  (void)co_await write_text(stream, bytes);
  stream.shutdown_write();
}

// Left and right of a relay that carries `bytes` from one to the other.
Task<std::string> carried(Loop& loop, Pair& left, Pair& right, std::string bytes) {
  AwaitedRelay relay(*left.server, *right.client, {}, Duration::zero());
  Scope scope;
  scope.spawn([](AwaitedRelay* it) -> Task<void> { (void)co_await it->run(); }(&relay));
  scope.spawn(send_and_end(*left.client, std::move(bytes)));
  ErrorCode end;
  std::string got = co_await read_all(*right.server, end);
  right.server->shutdown_write();
  co_await scope.join();
  co_return got;
}

TEST_P(SpliceContract, a_relay_carries_bulk_through_pipes_and_little_without) {
  Service service(loop(), network());
  for (std::size_t size : {std::size_t{1000}, std::size_t{4} << 20}) {
    Pair left = connect(service);
    Pair right = connect(service);
    std::string bytes = pattern(size, 1);
    EXPECT_TRUE(run(carried(loop(), left, right, bytes)) == bytes);
    EXPECT_EQ(loop().pipes().pipes() > 0, size > 1000);
  }
}

// The simulation has no pipes.
std::vector<EngineChoice> kernel_engines() {
  std::vector<EngineChoice> all = engines();
  std::erase_if(all, [](const EngineChoice& choice) { return choice.name.starts_with("sim"); });
  return all;
}

INSTANTIATE_TEST_SUITE_P(Engine, SpliceContract, ::testing::ValuesIn(kernel_engines()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace weir::test

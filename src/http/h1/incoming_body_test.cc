#include "http/h1/incoming_body.h"

#include <gtest/gtest.h>

#include "io/sim/loop.h"
#include "io/testing.h"

namespace weir::h1 {
namespace {

struct Observer final : BodyObserver {
  void trickles() override { ++trickled; }
  int trickled = 0;
};

class TrickleTest : public ::testing::Test {
 protected:
  static Task<void> write_pieces(Stream& stream, std::string piece, int count) {
    for (int i = 0; i < count; ++i) {
      (void)co_await test::write_text(stream, piece);
      (void)co_await stream.loop().sleep_for(std::chrono::milliseconds(1));
    }
  }
  /// How often a body of `count` pieces that come one by one is told to trickle.
  static Task<int> receive(Loop& loop, Network& network, std::string piece, int count) {
    test::Service listening(loop, network);
    test::Pair pair = co_await test::connect_pair(loop, listening);
    Framing framing;
    framing.kind = Framing::Kind::length;
    framing.length = piece.size() * static_cast<std::size_t>(count);
    Slice unread;
    Arena arena;
    Observer observer;
    Scope scope;
    IncomingBody body({pair.server.get(), &unread, {}, Origin::client}, framing, {}, arena,
                      &observer);
    scope.spawn(write_pieces(*pair.client, piece, count));
    while (!body.complete()) {
      Result<Slice> got = co_await body.read();
      EXPECT_TRUE(got);
      if (!got) break;
    }
    co_await scope.join();
    co_return observer.trickled;
  }
  int trickled(std::string piece, int count) {
    return test::run(loop_, receive(loop_, world_.network(), std::move(piece), count));
  }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop("10.0.0.1");
};

TEST_F(TrickleTest, is_told_beyond_what_may_happen_and_not_of_the_end) {
  EXPECT_EQ(trickled("a", IncomingBody::kFreeTrickles + 1), 0);
  EXPECT_EQ(trickled("a", IncomingBody::kFreeTrickles + 11), 10);
}

TEST_F(TrickleTest, is_not_told_of_pieces_with_something_in_them) {
  EXPECT_EQ(trickled(std::string(IncomingBody::kTrickle, 'a'), 200), 0);
}

}  // namespace
}  // namespace weir::h1

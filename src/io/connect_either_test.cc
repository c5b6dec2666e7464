#include "io/connect_either.h"

#include <gtest/gtest.h>

#include "io/deadline.h"
#include "io/sim/loop.h"
#include "io/testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

class ConnectEither : public ::testing::Test {
 protected:
  ConnectEither() : loop_(world_.add_loop("10.0.0.1")), origin_(world_.add_loop("10.0.1.1")) {}
  ~ConnectEither() override {
    for (int socket : sockets_) world_.network().close(socket);
    world_.stop_tasks();
    world_.run();
    EXPECT_EQ(world_.check_clean(), "");
  }
  void listen(const Address& address) { sockets_.push_back(*world_.network().bind(address, {})); }

  struct Got {
    Error error;
    bool second = false;
    Duration took{0};
  };
  Got connect(Duration stops_after = 0s) {
    return test::run(loop_, talk(loop_, v4_, v6_, stops_after));
  }
  static Task<Got> talk(Loop& loop, Address first, Address second, Duration stops_after) {
    Got got;
    Deadline deadline(loop, stops_after > 0s ? stops_after : 1h);
    TimePoint started = loop.now();
    Result<EitherConnected> made = co_await connect_either(loop, first, second, deadline.token());
    got.took = loop.now() - started;
    if (made) {
      got.second = made->second;
    } else {
      got.error = made.error();
    }
    co_return got;
  }

  SimWorld world_{1};
  SimLoop& loop_;
  SimLoop& origin_;
  Address v4_ = *Address::parse("10.0.1.1:80");
  Address v6_ = *Address::parse("[fd00::1]:80");
  std::vector<int> sockets_;
};

TEST_F(ConnectEither, takes_the_first_if_it_answers_in_time) {
  listen(v4_);
  listen(v6_);
  Got got = connect();
  EXPECT_EQ(got.error.code, ErrorCode::none);
  EXPECT_FALSE(got.second);
  EXPECT_LT(got.took, 10ms);
}

TEST_F(ConnectEither, takes_the_second_at_once_if_the_first_refuses) {
  world_.network().refuse(v4_);
  listen(v6_);
  Got got = connect();
  EXPECT_EQ(got.error.code, ErrorCode::none);
  EXPECT_TRUE(got.second);
  EXPECT_LT(got.took, 10ms);
}

TEST_F(ConnectEither, takes_the_second_after_a_quarter_of_a_second_if_the_first_hangs) {
  world_.network().black_hole(v4_);
  listen(v6_);
  Got got = connect();
  EXPECT_TRUE(got.second);
  EXPECT_GE(got.took, 250ms);
  EXPECT_LT(got.took, 260ms);
}

TEST_F(ConnectEither, tells_why_the_first_failed_if_both_did) {
  world_.network().unreachable(v4_);
  world_.network().refuse(v6_);
  EXPECT_EQ(connect().error.code, ErrorCode::unreachable);
}

TEST_F(ConnectEither, ends_when_it_is_stopped) {
  world_.network().black_hole(v4_);
  world_.network().black_hole(v6_);
  for (Duration when : {100ms, 400ms}) {
    Got got = connect(when);
    EXPECT_EQ(got.error.code, ErrorCode::timeout);
    EXPECT_LT(got.took, when + 10ms);
  }
}

}  // namespace
}  // namespace weir

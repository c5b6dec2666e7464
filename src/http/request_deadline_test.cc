#include "http/request_deadline.h"

#include <gtest/gtest.h>

#include "http/grpc.h"
#include "io/sim/loop.h"
#include "io/testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

TEST(RequestTimeout, is_a_number_of_seconds_or_says_its_unit) {
  EXPECT_EQ(parse_request_timeout("30"), 30s);
  EXPECT_EQ(parse_request_timeout("1.5"), 1500ms);
  EXPECT_EQ(parse_request_timeout("2s"), 2s);
  EXPECT_EQ(parse_request_timeout("250ms"), 250ms);
  EXPECT_EQ(parse_request_timeout("0"), 0s);
  EXPECT_EQ(parse_request_timeout("99999999999999999999"), 24h * 365);
  for (std::string_view bad : {"", "s", "ms", "-1", "+1", "1e3", "1 s", "1m", "nan", "inf", "1..2",
                               "0x10", "1,5", "100000000000000000000000"}) {
    EXPECT_FALSE(parse_request_timeout(bad)) << bad;
  }
}

TEST(RequestTimeout, is_written_in_seconds) {
  Arena arena;
  EXPECT_EQ(write_request_timeout(30s, arena), "30");
  EXPECT_EQ(write_request_timeout(1500ms, arena), "1.500");
  EXPECT_EQ(write_request_timeout(7ms, arena), "0.007");
  EXPECT_EQ(write_request_timeout(1999us, arena), "0.001");
  EXPECT_EQ(write_request_timeout(-1s, arena), "0.001");
}

class RequestDeadlineTest : public ::testing::Test {
 protected:
  RequestDeadlineTest() : loop_(world_.add_loop("10.0.0.1")) {
    exchange_ = std::make_unique<Exchange>(loop_, facts_, StopToken());
    exchange_->outcome().started = loop_.now();
  }
  ~RequestDeadlineTest() override { exchange_->finish_idle(); }
  Headers& headers() { return exchange_->request().headers; }
  void call() { headers().add("Content-Type", "application/grpc"); }
  void pass(Duration time) { test::run(loop_, nap(loop_, time)); }
  static Task<void> nap(Loop& loop, Duration time) { (void)co_await loop.sleep_for(time); }
  std::string told(const RequestDeadline& deadline, std::string_view field) {
    tell_deadline(deadline, loop_.now(), headers());
    return std::string(headers().get(field));
  }

  SimWorld world_{1};
  SimLoop& loop_;
  ConnectionFacts facts_;
  std::unique_ptr<Exchange> exchange_;
};

TEST_F(RequestDeadlineTest, believes_trusted_peers_only) {
  headers().add("X-Request-Timeout", "2");
  EXPECT_FALSE(keep_deadline(*exchange_, 0s).known());
  EXPECT_FALSE(headers().has("X-Request-Timeout"));
  headers().add("X-Request-Timeout", "2");
  exchange_->set_peer_trusted(true);
  EXPECT_EQ(keep_deadline(*exchange_, 0s).at, loop_.now() + 2s);
}

TEST_F(RequestDeadlineTest, believes_any_caller_of_grpc) {
  call();
  headers().add("grpc-timeout", "3S");
  RequestDeadline deadline = keep_deadline(*exchange_, 0s);
  EXPECT_EQ(deadline.at, loop_.now() + 3s);
  EXPECT_TRUE(deadline.grpc);
}

TEST_F(RequestDeadlineTest, is_the_soonest_of_what_route_and_caller_say) {
  exchange_->set_peer_trusted(true);
  headers().add("X-Request-Timeout", "2");
  EXPECT_EQ(keep_deadline(*exchange_, 1s).at, loop_.now() + 1s);
  EXPECT_EQ(keep_deadline(*exchange_, 5s).at, loop_.now() + 2s);
}

TEST_F(RequestDeadlineTest, counts_from_the_head_of_the_request) {
  TimePoint begun = loop_.now();
  pass(400ms);
  RequestDeadline deadline = keep_deadline(*exchange_, 1s);
  EXPECT_EQ(deadline.at, begun + 1s);
  std::string left = told(deadline, "X-Request-Timeout");
  EXPECT_LE(*parse_request_timeout(left), 600ms);
  EXPECT_GE(*parse_request_timeout(left), 595ms);
}

TEST_F(RequestDeadlineTest, tells_what_is_left) {
  call();
  headers().add("grpc-timeout", "3S");
  RequestDeadline deadline = keep_deadline(*exchange_, 0s);
  pass(1s);
  std::string left = told(deadline, "grpc-timeout");
  EXPECT_LE(*grpc::parse_timeout(left), 2s);
  EXPECT_GE(*grpc::parse_timeout(left), 1995ms);
  EXPECT_FALSE(headers().has("X-Request-Timeout"));
}

TEST_F(RequestDeadlineTest, says_nothing_where_there_is_none) {
  headers().add("X-Other", "1");
  tell_deadline({}, loop_.now(), headers());
  EXPECT_EQ(headers().size(), 1u);
}

TEST_F(RequestDeadlineTest, ends_the_exchange) {
  keep_deadline(*exchange_, 1s);
  pass(990ms);
  EXPECT_FALSE(exchange_->stop().stopped());
  pass(20ms);
  ASSERT_TRUE(exchange_->stop().stopped());
  EXPECT_EQ(exchange_->stop().reason().code, ErrorCode::timeout);
}

TEST(GrpcTimeout, is_written_with_eight_digits_at_most) {
  Arena arena;
  EXPECT_EQ(grpc::write_timeout(5s, arena), "5000000u");
  EXPECT_EQ(grpc::write_timeout(99999999ns, arena), "99999999n");
  EXPECT_EQ(grpc::write_timeout(100000000ns, arena), "100000u");
  EXPECT_EQ(grpc::write_timeout(1h, arena), "3600000m");
  EXPECT_EQ(grpc::write_timeout(24h * 100, arena), "8640000S");
  EXPECT_EQ(grpc::write_timeout(-1s, arena), "1n");
  for (Duration each : {1ns, 1s + 1ns, 1000h + 1ns}) {
    Duration read = *grpc::parse_timeout(grpc::write_timeout(each, arena));
    EXPECT_LE(read, each);
    EXPECT_GE(read, each * 0.999);
  }
}

}  // namespace
}  // namespace weir

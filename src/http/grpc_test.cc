#include "http/grpc.h"

#include <gmock/gmock.h>

#include "http/error_response.h"
#include "http/request_deadline.h"
#include "http/testing.h"
#include "io/sim/loop.h"
#include "io/testing.h"

namespace weir::grpc {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Grpc, knows_its_content_types) {
  EXPECT_TRUE(is_grpc("application/grpc"));
  EXPECT_TRUE(is_grpc("Application/gRPC+proto"));
  EXPECT_TRUE(is_grpc("application/grpc;charset=utf-8"));
  EXPECT_FALSE(is_grpc("application/grpc-web"));
  EXPECT_FALSE(is_grpc("application/grpc-web-text+proto"));
  EXPECT_FALSE(is_grpc("application/grpcx"));
  EXPECT_FALSE(is_grpc("application/json"));
}

TEST(Grpc, reads_timeouts) {
  EXPECT_EQ(parse_timeout("1H"), Duration(std::chrono::hours(1)));
  EXPECT_EQ(parse_timeout("2M"), Duration(std::chrono::minutes(2)));
  EXPECT_EQ(parse_timeout("3S"), Duration(seconds(3)));
  EXPECT_EQ(parse_timeout("100m"), Duration(milliseconds(100)));
  EXPECT_EQ(parse_timeout("5u"), Duration(std::chrono::microseconds(5)));
  EXPECT_EQ(parse_timeout("7n"), Duration(std::chrono::nanoseconds(7)));
  EXPECT_EQ(parse_timeout("99999999H"), Duration(std::chrono::hours(24 * 365)));
  for (std::string_view wrong : {"", "1", "m", "-1m", "+1m", "1x", "123456789m", "1 m", "1.5S"}) {
    EXPECT_FALSE(parse_timeout(wrong)) << wrong;
  }
}

TEST(Grpc, tells_failures_in_its_own_codes) {
  auto code = [](ErrorCode code, Origin origin) { return code_of(Error(code, origin)); };
  EXPECT_EQ(code(ErrorCode::refused, Origin::upstream), Code::unavailable);
  EXPECT_EQ(code(ErrorCode::no_endpoint, Origin::upstream), Code::unavailable);
  EXPECT_EQ(code(ErrorCode::connect_timeout, Origin::upstream), Code::unavailable);
  EXPECT_EQ(code(ErrorCode::timeout, Origin::upstream), Code::deadline_exceeded);
  EXPECT_EQ(code(ErrorCode::response_timeout, Origin::upstream), Code::deadline_exceeded);
  EXPECT_EQ(code(ErrorCode::no_route, Origin::client), Code::unimplemented);
  EXPECT_EQ(code(ErrorCode::bad_framing, Origin::client), Code::internal);
  EXPECT_EQ(code_of(std::uint16_t{401}), Code::unauthenticated);
  EXPECT_EQ(code_of(std::uint16_t{503}), Code::unavailable);
}

class GrpcCall : public testing::Test {
 public:
  ~GrpcCall() override {
    test::run(loop_, exchange_.finish());
    EXPECT_EQ(world_.check_clean(), "");
  }
  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop();
  ConnectionFacts facts_{{}, "test"};
  Exchange exchange_{loop_, facts_, {}};
};

TEST_F(GrpcCall, gets_a_status_in_place_of_a_page) {
  exchange_.request().headers.add(HeaderId::content_type, "application/grpc+proto");
  Response response = weir::error_response(exchange_, Error(ErrorCode::refused, Origin::upstream));
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.get("grpc-status"), "14");
  EXPECT_EQ(response.headers.get(HeaderId::content_type), "application/grpc");
  EXPECT_EQ(response.body, nullptr);
}

TEST_F(GrpcCall, ends_at_its_deadline) {
  exchange_.request().headers.add(HeaderId::content_type, "application/grpc");
  exchange_.request().headers.add("grpc-timeout", "100m");
  auto at = [](GrpcCall* self, bool& stopped) -> Task<void> {
    weir::keep_deadline(self->exchange_, Duration::zero());
    co_await self->loop_.sleep_for(milliseconds(99));
    EXPECT_FALSE(self->exchange_.stop().stopped());
    co_await self->loop_.sleep_for(milliseconds(5));
    stopped = self->exchange_.stop().stopped();
  };
  bool stopped = false;
  test::run(loop_, at(this, stopped));
  EXPECT_TRUE(stopped);
}

/// One piece, then a failure.
class BreakingBody final : public Body {
 public:
  explicit BreakingBody(Error error) : error_(error) {}
  Task<Result<Slice>> read() override {
    if (std::exchange(given_, true)) co_return fail(error_);
    co_return Slice::unowned("message");
  }
  std::optional<Slice> try_read() override { return std::nullopt; }
  std::optional<std::uint64_t> length() const override { return std::nullopt; }

 private:
  Error error_;
  bool given_ = false;
};

TEST_F(GrpcCall, ends_with_a_status_when_its_response_breaks_off) {
  BreakingBody origin(Error(ErrorCode::reset, Origin::upstream));
  Body* body = with_status(exchange_, &origin);
  EXPECT_EQ(test::run(loop_, body->read())->view(), "message");
  EXPECT_TRUE(test::run(loop_, body->read())->empty());
  ASSERT_NE(body->trailers(), nullptr);
  EXPECT_EQ(body->trailers()->get("grpc-status"), "14");
  EXPECT_EQ(exchange_.outcome().error.code, ErrorCode::reset);
}

TEST_F(GrpcCall, is_cut_when_its_client_is_to_blame) {
  BreakingBody origin(Error(ErrorCode::client_gone, Origin::client));
  Body* body = with_status(exchange_, &origin);
  (void)test::run(loop_, body->read());
  EXPECT_FALSE(test::run(loop_, body->read()));
}

}  // namespace
}  // namespace weir::grpc

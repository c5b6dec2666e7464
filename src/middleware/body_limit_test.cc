#include "middleware/body_limit.h"

#include "http/chain_testing.h"
#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

class BodyLimitTest : public ::testing::Test {
 protected:
  BodyLimitTest() : chain_(middleware_, echo_) { world_.add_loop(); }
  test::Answer ask() {
    return test::run(world_.loop(0), test::answer_of(world_.loop(0), chain_, {.method = "POST"}));
  }
  SimWorld world_{1};
  BodyLimitMiddleware middleware_{BodyLimitConfig{.max = {100}}};
  test::Echo echo_;
  test::Chain chain_;
};

TEST_F(BodyLimitTest, a_known_length_is_judged_before_anything_is_sent_on) {
  for (std::size_t size : {99, 100}) {
    chain_.known = std::string(size, 'a');
    EXPECT_EQ(ask().body, *chain_.known);
  }
  EXPECT_EQ(echo_.asked, 2);
  chain_.known = std::string(101, 'a');
  test::Answer answer = ask();
  EXPECT_EQ(answer.error.code, ErrorCode::body_too_large);
  EXPECT_EQ(answer.error.origin, Origin::client);
  EXPECT_EQ(echo_.asked, 2);
}

TEST_F(BodyLimitTest, a_body_of_unknown_length_fails_where_it_passes_the_limit) {
  for (std::size_t last : {49, 50}) {
    chain_.pieces = {std::string(50, 'a'), "", std::string(last, 'b')};
    EXPECT_EQ(ask().body.size(), 50 + last);
  }
  chain_.pieces = {std::string(50, 'a'), "", std::string(51, 'b')};
  EXPECT_EQ(ask().error.code, ErrorCode::body_too_large);
}

TEST_F(BodyLimitTest, a_request_without_a_body_passes) { EXPECT_EQ(ask().status, 200); }

/// Takes what is there without waiting, as a session does that sends the head.
class Peek final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    Body& body = *exchange.request().body;
    EXPECT_FALSE(body.try_read()) << "more than the limit came at once";
    EXPECT_FALSE(body.try_read());
    Result<Slice> piece = co_await body.read();
    EXPECT_FALSE(piece);
    co_return fail(piece.error());
  }
};

TEST_F(BodyLimitTest, what_was_found_without_waiting_is_told_by_the_next_read) {
  Peek peek;
  test::Chain chain(middleware_, peek);
  chain.pieces = {std::string(101, 'a')};
  test::Answer answer =
      test::run(world_.loop(0), test::answer_of(world_.loop(0), chain, {.method = "POST"}));
  EXPECT_EQ(answer.error.code, ErrorCode::body_too_large);
}

}  // namespace
}  // namespace weir

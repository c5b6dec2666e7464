// The budget of a client that speaks HTTP/1.1: what it may do that costs us and serves nobody.
#include "server/sim_server.h"

namespace weir {
namespace {

struct Unobserved final : ExchangeObserver {
  void exchange_ended(Exchange&) override {}
};

class AbuseTest : public testing::Test {
 protected:
  AbuseTest()
      : host_(world_, [](Loop&) { return std::make_unique<Unobserved>(); }),
        server_(world_.network(), host_),
        loop_(world_.add_loop("192.0.2.1")) {
    test::apply(world_, server_,
                "listeners: [{ address: \"10.0.0.1:80\", routes: [{ respond: fine }] }]");
  }
  ~AbuseTest() override { test::drain(world_, server_); }

  /// Sends `text` one byte after the other, and reads up to the end.
  static Task<std::string> trickle(Loop& loop, std::string text, Duration pause) {
    auto stream = co_await loop.connect(*Address::parse("10.0.0.1:80"));
    if (!stream) co_return "not connected";
    for (char byte : text) {
      Status written = co_await test::write_text(**stream, std::string(1, byte));
      if (!written) break;
      co_await loop.sleep_for(pause);
    }
    ErrorCode end = ErrorCode::none;
    std::string answer = co_await test::read_all(**stream, end);
    co_return answer;
  }
  std::string trickle(std::string text, Duration pause = std::chrono::milliseconds(1)) {
    return test::run(loop_, trickle(loop_, std::move(text), pause));
  }
  SessionCounters& seen() {
    totals_.push_back(std::make_unique<SessionCounters>());
    server_.listeners().front()->sessions.add_to(*totals_.back());
    return *totals_.back();
  }

  SimWorld world_{1};
  test::SimHost host_;
  Server server_;
  SimLoop& loop_;
  std::vector<std::unique_ptr<SessionCounters>> totals_;
};

const std::string kHead = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n";

TEST_F(AbuseTest, lets_a_person_type_a_request) {
  EXPECT_TRUE(trickle(kHead + "\r\n", std::chrono::milliseconds(60)).ends_with("fine"));
  EXPECT_EQ(seen().abuse.closed.value(), 0u);
}

TEST_F(AbuseTest, cuts_off_a_flood_of_single_bytes_in_a_head) {
  std::string answer = trickle(kHead + "X-Long: " + std::string(1000, 'x') + "\r\n\r\n");
  EXPECT_EQ(answer.find("fine"), std::string::npos);
  EXPECT_GT(seen().abuse.of(Misdeed::continuation).value(), 200u);
  EXPECT_LT(seen().abuse.of(Misdeed::continuation).value(), 400u);
  EXPECT_EQ(seen().abuse.closed.value(), 1u);
}

TEST_F(AbuseTest, counts_what_breaks_the_protocol_and_who_leaves_early) {
  test::SimClient client(world_);
  client.ask("10.0.0.1:80", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n");
  EXPECT_EQ(seen().abuse.of(Misdeed::malformed).value(), 1u);
  client.ask("10.0.0.1:80", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(100'000, 'x'));
  EXPECT_EQ(seen().abuse.of(Misdeed::oversized_head).value(), 1u);
  client.ask("10.0.0.1:80", "GET / HTTP/1.1\r\nHost");
  EXPECT_EQ(seen().abuse.of(Misdeed::stalled).value(), 1u);
  EXPECT_EQ(client.get("10.0.0.1:80", "/").substr(0, 12), "HTTP/1.1 200");
  EXPECT_EQ(seen().abuse.closed.value(), 0u);
}

}  // namespace
}  // namespace weir

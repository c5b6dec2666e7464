#include <gmock/gmock.h>

#include "upstream/testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::answers;
using test::break_off;
using test::Got;
using test::kHello;
using test::listen_on;
using test::pause;
using test::read_bytes;
using test::read_head;
using test::say;
using test::Script;
using ::testing::HasSubstr;

class UpstreamTest : public test::UpstreamFixture {};

// --- picking and leasing -----------------------------------------------------------------------

TEST_F(UpstreamTest, takes_the_endpoints_in_turn) {
  auto& a = origin({answers(kHello, 9)});
  auto& b = origin({answers(kHello, 9)});
  for (int i = 0; i < 6; ++i) EXPECT_EQ(send().body, "hello");
  EXPECT_EQ(a.requests(), 3u);
  EXPECT_EQ(b.requests(), 3u);
  EXPECT_EQ(in_flight(), 0u);
}

TEST_F(UpstreamTest, uses_a_connection_again) {
  auto& a = origin({answers(kHello, 3)});
  EXPECT_FALSE(send().reused);
  EXPECT_TRUE(send().reused);
  EXPECT_TRUE(send().reused);
  EXPECT_EQ(a.connections(), 1u);
  EXPECT_EQ(counted(&PoolCounters::opened), 1u);
  EXPECT_EQ(counted(&PoolCounters::reused), 2u);
}

TEST_F(UpstreamTest, replaces_a_connection_after_its_requests) {
  options_.pool.max_requests = 2;
  auto& a = origin({answers(kHello, 9)});
  for (bool reused : {false, true, false, true}) EXPECT_EQ(send().reused, reused);
  EXPECT_EQ(a.connections(), 2u);
}

TEST_F(UpstreamTest, replaces_a_connection_that_became_old) {
  options_.pool.max_age = 5s;
  auto& a = origin({answers(kHello, 9)});
  send();
  world_->run_for(4s);
  EXPECT_TRUE(send().reused);
  world_->run_for(2s);
  EXPECT_FALSE(send().reused);
  EXPECT_EQ(a.connections(), 2u);
}

TEST_F(UpstreamTest, names_the_endpoint_as_host_if_it_is_to) {
  auto& a = origin({answers(kHello)});
  send({.host_of_endpoint = true});
  EXPECT_THAT(a.received(), HasSubstr("Host: 10.0.1.1:80\r\n"));
}

// --- errors have stable reasons ----------------------------------------------------------------

TEST_F(UpstreamTest, answers_503_when_there_is_no_endpoint) {
  Got got = send();
  EXPECT_EQ(got.error.code, ErrorCode::no_endpoint);
  EXPECT_EQ(got.shown, 503);
  EXPECT_EQ(got.attempts, 0);
}

TEST_F(UpstreamTest, answers_502_when_nobody_can_be_reached) {
  endpoint("10.0.1.1:80");
  endpoint("10.0.1.2:80");
  world_->network().refuse(addresses_[0].address);
  world_->network().unreachable(addresses_[1].address);
  Got got = send();
  EXPECT_TRUE(got.error.code == ErrorCode::refused || got.error.code == ErrorCode::unreachable);
  EXPECT_EQ(got.error.origin, Origin::upstream);
  EXPECT_EQ(got.shown, 502);
  EXPECT_EQ(got.attempts, 2);
  EXPECT_EQ(in_flight(), 0u);
  for (const auto& each : cluster_->endpoints()->endpoints) {
    EXPECT_EQ(each->connect_failures.load(), 1u);
  }
}

TEST_F(UpstreamTest, answers_504_when_connecting_takes_too_long) {
  options_.retries.attempts = 1;
  options_.connect_timeout = 3s;
  endpoint("10.0.1.1:80");
  world_->network().black_hole(addresses_[0].address);
  Got got = send();
  EXPECT_EQ(got.error.code, ErrorCode::connect_timeout);
  EXPECT_EQ(got.shown, 504);
  EXPECT_GE(got.took, 3s);
  EXPECT_LT(got.took, 4s);
}

TEST_F(UpstreamTest, answers_504_when_the_head_takes_too_long) {
  origin({{read_head(), listen_on()}});
  Got got = send({.method = "POST", .body = "b"});
  EXPECT_EQ(got.error.code, ErrorCode::response_timeout);
  EXPECT_EQ(got.shown, 504);
}

TEST_F(UpstreamTest, answers_502_when_the_origin_breaks_off_or_talks_nonsense) {
  for (const auto& [script, code] :
       {std::pair{Script{read_head(), say("HTTP/1.1 2"), pause(1ms), break_off()},
                  ErrorCode::reset},
        {Script{read_head(), say("nonsense\r\n\r\n"), listen_on()}, ErrorCode::parse}}) {
    end();
    addresses_.clear();
    begin(1);
    auto& a = origin({script});
    Got got = send();
    EXPECT_EQ(got.error.code, code);
    EXPECT_EQ(got.error.origin, Origin::upstream);
    EXPECT_EQ(got.shown, 502);
    EXPECT_EQ(a.requests(), 1u) << "the answer had begun: nothing is sent again";
    EXPECT_EQ(in_flight(), 0u);
  }
}

// --- two addresses of one server ---------------------------------------------------------------

TEST_F(UpstreamTest, connects_to_whichever_family_of_an_endpoint_answers) {
  auto& served = origin({answers(kHello)});
  Address refused = *Address::parse("10.0.9.1:80");
  world_->network().refuse(refused);
  cluster_->update("", {{.address = refused, .host = "app.test", .other = served.address()}});
  options_.retries.attempts = 1;
  options_.pool.max_idle = 0;
  for (int i = 0; i < 3; ++i) {
    Got got = send({.method = "POST"});
    EXPECT_EQ(got.body, "hello");
    EXPECT_EQ(got.attempts, 1);
    EXPECT_TRUE(cluster_->endpoints()->endpoints[0]->other_is_better()) << "it goes first";
  }
  EXPECT_EQ(cluster_->endpoints()->endpoints[0]->connect_failures.load(), 0u);
}

TEST_F(UpstreamTest, waits_a_quarter_of_a_second_once_for_a_family_that_does_not_answer) {
  auto& served = origin({answers(kHello)});
  Address hangs = *Address::parse("10.0.9.1:80");
  world_->network().black_hole(hangs);
  cluster_->update("", {{.address = hangs, .host = "app.test", .other = served.address()}});
  options_.pool.max_idle = 0;
  Got first = send();
  EXPECT_EQ(first.body, "hello");
  EXPECT_GE(first.took, 250ms);
  EXPECT_LT(first.took, 300ms);
  EXPECT_LT(send().took, 50ms);
}

// --- trying again ------------------------------------------------------------------------------

TEST_F(UpstreamTest, goes_to_another_endpoint_when_one_cannot_be_reached) {
  origin({answers(kHello, 9)});
  world_->network().refuse(endpoint("10.0.1.2:80"));
  for (std::string method : {"GET", "POST"}) {  // nothing was sent: every method may
    for (int i = 0; i < 4; ++i) {
      Got got = send({.method = method});
      EXPECT_EQ(got.body, "hello");
      EXPECT_EQ(got.endpoint, addresses_[0].address);
    }
  }
}

TEST_F(UpstreamTest, keeps_a_body_for_the_endpoint_that_can_be_reached) {
  auto& a = origin({{read_head(), read_bytes(4), say(std::string(kHello)), listen_on()}});
  world_->network().refuse(endpoint("10.0.1.2:80"));
  options_.pool.max_idle = 0;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(send({.method = "POST", .body = "body"}).status, 200);
  for (std::size_t i = 0; i < a.connections(); ++i) EXPECT_TRUE(a.received(i).ends_with("body"));
}

TEST_F(UpstreamTest, tries_so_many_times_and_no_more) {
  for (std::uint32_t attempts : {1u, 2u, 3u}) {
    end();
    addresses_.clear();
    begin(1);
    options_.retries.attempts = attempts;
    auto& a = origin({{read_head()}});
    auto& b = origin({{read_head()}});
    Got got = send();
    EXPECT_EQ(got.error.code, ErrorCode::reset);
    EXPECT_EQ(a.requests() + b.requests(), attempts);
    EXPECT_EQ(got.attempts, attempts);
    EXPECT_EQ(in_flight(), 0u);
  }
}

TEST_F(UpstreamTest, tries_an_endpoint_again_only_when_there_is_no_other) {
  options_.retries.attempts = 3;
  auto& a = origin({{read_head()}});
  auto& b = origin({{read_head()}});
  auto& c = origin({{read_head()}});
  send();
  for (auto* each : {&a, &b, &c}) EXPECT_EQ(each->requests(), 1u);
}

TEST_F(UpstreamTest, repeats_what_is_idempotent_and_never_what_is_not) {
  for (auto [method, body, tries] : {std::tuple{"GET", "", 2u},
                                     {"HEAD", "", 2u},
                                     {"PUT", "", 2u},
                                     {"DELETE", "", 2u},
                                     {"POST", "", 1u},
                                     {"PATCH", "", 1u},
                                     {"BREW", "", 1u},
                                     {"PUT", "used up", 1u}}) {
    end();
    addresses_.clear();
    begin(1);
    auto& a = origin({{read_head()}});
    auto& b = origin({{read_head()}});
    Got got = send({.method = method, .body = body});
    EXPECT_EQ(got.error.code, ErrorCode::reset) << method;
    EXPECT_EQ(a.requests() + b.requests(), tries) << method << " " << body;
  }
}

TEST_F(UpstreamTest, repeats_nothing_once_an_answer_has_begun) {
  auto& a = origin({{read_head(), say("H"), pause(1ms), break_off()}});
  auto& b = origin({{read_head(), say("H"), pause(1ms), break_off()}});
  EXPECT_EQ(send().error.code, ErrorCode::reset);
  EXPECT_EQ(a.requests() + b.requests(), 1u);
}

TEST_F(UpstreamTest, passes_on_what_an_origin_refuses) {
  auto& a = origin({answers("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")});
  auto& b = origin({answers("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")});
  EXPECT_EQ(send().status, 503);
  EXPECT_EQ(a.requests() + b.requests(), 1u);
}

// --- connections that the origin closed --------------------------------------------------------

TEST_F(UpstreamTest, loses_no_request_to_a_stale_connection) {
  // The first connection is closed as soon as the second request has come.
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    end();
    addresses_.clear();
    begin(seed);
    options_.retries.attempts = 1;
    Script closes = {read_head(), say(std::string(kHello)), read_head()};
    auto& a = origin({closes, answers(kHello)});
    EXPECT_EQ(send().body, "hello");
    Got got = send();
    EXPECT_EQ(got.body, "hello") << "seed " << seed;
    EXPECT_EQ(got.error.code, ErrorCode::none);
    EXPECT_FALSE(got.reused);
    EXPECT_EQ(a.connections(), 2u);
  }
}

TEST_F(UpstreamTest, loses_no_request_to_a_connection_that_closes_as_it_is_taken) {
  // Whatever the moment of the close, a request that may be repeated is answered.
  for (Duration when = 0us; when < 1ms; when += 20us) {
    end();
    addresses_.clear();
    begin(7);
    options_.retries.attempts = 1;
    origin({{read_head(), say(std::string(kHello)), pause(10ms + when)}, answers(kHello)});
    EXPECT_EQ(send().body, "hello");
    world_->run_for(9500us);
    EXPECT_EQ(send().body, "hello") << when.count();
  }
}

TEST_F(UpstreamTest, sends_what_cannot_be_repeated_only_over_a_connection_that_is_open) {
  auto& a = origin({{read_head(), say(std::string(kHello)), pause(10ms)}, answers(kHello)});
  EXPECT_EQ(send().body, "hello");
  world_->run_for(1s);
  Got got = send({.method = "POST"});
  EXPECT_EQ(got.body, "hello");
  EXPECT_FALSE(got.reused);
  EXPECT_EQ(a.requests(), 2u);
}

// ATTACKS: an answer that nobody asked for would become the answer to the next client's request.
TEST_F(UpstreamTest, never_takes_bytes_that_nobody_asked_for_as_the_next_answer) {
  const std::string poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
  for (std::string method : {"GET", "POST"}) {
    for (Duration when : {Duration(0), Duration(50us), Duration(1ms), Duration(1s)}) {
      end();
      addresses_.clear();
      begin(3);
      Script bad = {read_head(), say(std::string(kHello)), pause(when), say(poison), listen_on()};
      auto& a = origin({bad, answers(kHello)});
      EXPECT_EQ(send().body, "hello");
      world_->run_for(2s);
      Got got = send({.method = method});
      EXPECT_EQ(got.body, "hello") << method << " " << when.count();
      EXPECT_FALSE(got.reused);
      EXPECT_EQ(a.connections(), 2u);
    }
  }
}

TEST_F(UpstreamTest, does_not_keep_the_connection_of_an_exchange_that_was_cut_off) {
  auto& a = origin(
      {{read_head(), say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel")}, answers(kHello)});
  EXPECT_EQ(send().error.code, ErrorCode::truncated);
  EXPECT_EQ(in_flight(), 0u);
  EXPECT_FALSE(send().reused);
  EXPECT_EQ(a.connections(), 2u);
}

}  // namespace
}  // namespace weir

// What balancers learn from requests: keys, latencies, what is under way.
#include <set>

#include <gtest/gtest.h>

#include "upstream/balance_testing.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::answers;
using test::break_off;
using test::kHello;
using test::listen_on;
using test::pause;
using test::read_head;
using test::say;
using test::Script;

class UpstreamBalance : public test::UpstreamTest {};

TEST_F(UpstreamBalance, keeps_a_user_on_an_endpoint) {
  balance({.algorithm = Balance::maglev});
  go_by({"header.x-user"});
  for (int i = 0; i < 4; ++i) origin({answers(kHello)});
  std::set<std::string> used;
  for (const char* user : {"ann", "bob", "cyd", "dan", "eve", "fay", "gus", "hal"}) {
    std::string first = send(user);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(send(user), first);
    used.insert(first);
  }
  EXPECT_GT(used.size(), 1u);
}

TEST_F(UpstreamBalance, spreads_requests_that_have_no_key) {
  balance({.algorithm = Balance::ring});
  go_by({"header.x-user"});
  for (int i = 0; i < 3; ++i) origin({answers(kHello)});
  std::set<std::string> used;
  for (int i = 0; i < 40; ++i) used.insert(send());
  EXPECT_EQ(used.size(), 3u);
}

TEST_F(UpstreamBalance, counts_what_is_under_way_in_the_cluster_for_a_bound) {
  balance({.algorithm = Balance::maglev, .max_load = 1.25});
  go_by({"header.x-user"});
  origin({answers(kHello)});
  endpoint("10.9.9.9:80");  // nobody listens
  for (int i = 0; i < 20; ++i) send("user-" + std::to_string(i));
  EXPECT_EQ(cluster_->in_flight.load(), 0u);
  cluster_->in_flight = 5;  // of other workers
  cluster_->endpoints()->endpoints[0]->in_flight = 5;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(send("user-" + std::to_string(i)), "10.9.9.9:80");
  cluster_->endpoints()->endpoints[0]->in_flight = 0;
  EXPECT_EQ(cluster_->in_flight.load(), 5u);
}

TEST_F(UpstreamBalance, learns_the_latency_of_an_endpoint) {
  balance({.algorithm = Balance::peak_ewma});
  origin({{read_head(), pause(200ms), say(std::string(kHello)), listen_on()}});
  send();
  EXPECT_GE(latency(0), 200000u);
  EXPECT_LT(latency(0), 400000u);
}

TEST_F(UpstreamBalance, counts_failures_as_slow) {
  balance({.algorithm = Balance::peak_ewma});
  endpoint("10.9.9.9:80");
  send();
  EXPECT_GE(latency(0), 1000000u);
  addresses_.clear();
  origin({{read_head(), break_off()}});
  send();
  EXPECT_GE(latency(0), 1000000u);
}

TEST_F(UpstreamBalance, takes_the_time_that_a_client_waited_in_vain_as_a_latency) {
  balance({.algorithm = Balance::peak_ewma});
  origin({{read_head(), listen_on()}});
  send("", 3s);
  EXPECT_GE(latency(0), 2900000u);
  EXPECT_LT(latency(0), 3100000u);
}

TEST_F(UpstreamBalance, goes_to_a_lower_level_when_the_others_were_tried) {
  options_.retries.attempts = 2;
  endpoint("10.9.9.9:80");
  origin({answers(kHello)});
  addresses_[1].placement.priority = 1;
  cluster_->update("", addresses_);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(send(), addresses_[1].address.text());
  EXPECT_EQ(cluster_->endpoints()->endpoints[0]->connect_failures.load(), 10u);
}

}  // namespace
}  // namespace weir

#include "cluster/outliers.h"

#include <gtest/gtest.h>

#include <limits>

#include "cluster/cluster.h"
#include "core/log.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using enum AttemptResult;

constexpr std::int64_t kWall = 1'700'000'000'000'000'000;

class OutlierDetectionTest : public ::testing::Test {
 protected:
  OutlierDetectionTest() {
    set_log_sink([this](std::string_view line) { log_ += line; });
  }
  ~OutlierDetectionTest() override { set_log_sink(nullptr); }

  void endpoints(int count) {
    std::vector<WeightedAddress> all;
    for (int i = 1; i <= count; ++i) {
      all.push_back({*Address::parse("10.0.0." + std::to_string(i) + ":80"), 1});
    }
    cluster_.update("", all);
    set_ = cluster_.endpoints();
  }
  Endpoint& at(std::size_t index) { return *set_->endpoints[index]; }
  bool ejected(std::size_t index) { return at(index).is(Away::ejected); }
  std::size_t ejected_count() { return cluster_.outliers().ejections().size(); }

  void tell(std::size_t index, AttemptResult result, int times = 1, Duration took = 1ms) {
    for (int i = 0; i < times; ++i) {
      cluster_.outliers().tell(policy_, at(index), result, took, now_);
    }
  }
  void tend() { cluster_.outliers().tend(policy_, now_, kWall + now_.time_since_epoch().count()); }
  /// Time passes; the control thread looks every second.
  void pass(Duration time) {
    for (Duration passed{0}; passed < time; passed += 1s) {
      now_ += 1s;
      tend();
    }
  }
  /// Endpoints are compared for the first time at the end of this.
  void begin_comparing() {
    tend();
    pass(policy_.interval);
  }

  Cluster cluster_{"api"};
  std::shared_ptr<const EndpointSet> set_;
  OutlierPolicy policy_{.connect_failures = 3, .gateway_errors = 5};
  TimePoint now_{1h};
  std::string log_;
};

// --- rows --------------------------------------------------------------------------------------

TEST_F(OutlierDetectionTest, ejects_at_the_last_failure_of_a_row_and_not_before) {
  endpoints(3);
  tell(0, not_connected, 2);
  EXPECT_FALSE(ejected(0));
  tell(0, not_connected);
  EXPECT_TRUE(ejected(0));
  tell(1, gateway_error, 4);
  EXPECT_FALSE(ejected(1));
}

TEST_F(OutlierDetectionTest, begins_a_row_anew_with_each_success_and_not_with_the_unknown) {
  endpoints(3);
  tell(0, not_connected, 2);
  tell(0, answered);
  tell(0, not_connected, 2);
  EXPECT_FALSE(ejected(0));
  tell(0, unknown, 10);
  tell(0, not_connected);
  EXPECT_TRUE(ejected(0));
}

TEST_F(OutlierDetectionTest, counts_what_is_worse_to_the_rows_of_what_is_better) {
  endpoints(4);
  tell(0, gateway_error, 2);
  tell(0, no_answer);
  tell(0, not_connected, 2);
  EXPECT_TRUE(ejected(0));
  EXPECT_EQ(at(0).outlier.reason, EjectionReason::gateway_errors);
  policy_.errors = 6;
  tell(1, error, 5);
  EXPECT_FALSE(ejected(1));
  tell(1, gateway_error);
  EXPECT_TRUE(ejected(1));
  EXPECT_EQ(at(1).outlier.reason, EjectionReason::errors);
}

TEST_F(OutlierDetectionTest, leaves_alone_what_answers_500_unless_it_is_told_otherwise) {
  endpoints(2);
  tell(0, error, 1000);
  EXPECT_FALSE(ejected(0));
}

TEST_F(OutlierDetectionTest, does_nothing_when_it_is_off) {
  policy_ = {};
  endpoints(3);
  for (AttemptResult each : {error, gateway_error, no_answer, not_connected}) tell(0, each, 1000);
  EXPECT_FALSE(ejected(0));
}

// --- the cap -----------------------------------------------------------------------------------

TEST_F(OutlierDetectionTest, never_ejects_the_only_endpoint) {
  policy_.max_ejected = 100;
  endpoints(1);
  tell(0, not_connected, 100);
  EXPECT_FALSE(ejected(0));
  EXPECT_GT(cluster_.outliers().withheld(), 0u);
}

TEST_F(OutlierDetectionTest, ejects_one_of_two_whatever_the_share_is) {
  policy_.max_ejected = 1;
  endpoints(2);
  tell(0, not_connected, 3);
  tell(1, not_connected, 3);
  EXPECT_TRUE(ejected(0));
  EXPECT_FALSE(ejected(1));
}

TEST_F(OutlierDetectionTest, ejects_up_to_the_share_and_the_next_once_there_is_room) {
  policy_.max_ejected = 40;
  endpoints(5);
  for (std::size_t i = 0; i < 5; ++i) tell(i, not_connected, 3);
  EXPECT_EQ(ejected_count(), 2u);
  EXPECT_FALSE(ejected(2));
  pass(30s);
  EXPECT_EQ(ejected_count(), 0u);
  tell(2, not_connected, 3);
  EXPECT_TRUE(ejected(2));
}

TEST_F(OutlierDetectionTest, gives_no_place_below_the_cap_to_what_is_away_already) {
  endpoints(2);
  cluster_.set_away(at(0), Away::unhealthy, true);
  tell(0, not_connected, 3);
  EXPECT_FALSE(ejected(0));
  tell(1, not_connected, 3);
  EXPECT_TRUE(ejected(1));
}

TEST_F(OutlierDetectionTest, takes_no_notice_of_an_endpoint_that_is_gone) {
  endpoints(3);
  std::shared_ptr<Endpoint> gone = set_->endpoints[2];
  endpoints(2);
  for (int i = 0; i < 3; ++i) {
    cluster_.outliers().tell(policy_, *gone, not_connected, 0ms, now_);
  }
  EXPECT_FALSE(gone->is(Away::ejected));
}

TEST_F(OutlierDetectionTest, keeps_the_cap_and_one_endpoint_whatever_it_is_told) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    int count = 1 + static_cast<int>(random.next() % 9);
    policy_ = {.connect_failures = 2,
               .gateway_errors = 3,
               .errors = 4,
               .success_rate = 1,
               .latency = 1,
               .min_requests = 5,
               .max_ejected = 1 + static_cast<std::uint32_t>(random.next() % 100)};
    Cluster cluster("api");
    std::vector<WeightedAddress> all;
    for (int i = 1; i <= count; ++i) {
      all.push_back({*Address::parse("10.0.0." + std::to_string(i) + ":80"), 1});
    }
    cluster.update("", all);
    auto set = cluster.endpoints();
    std::size_t most =
        std::min(set->endpoints.size() - 1,
                 std::max<std::size_t>(1, set->endpoints.size() * policy_.max_ejected / 100));
    for (int step = 0; step < 2000; ++step) {
      auto result = static_cast<AttemptResult>(random.next() % 6);
      Endpoint& endpoint = *set->endpoints[random.next() % set->endpoints.size()];
      cluster.outliers().tell(policy_, endpoint, result, Duration(random.next() >> 24), now_);
      if (random.next() % 50 == 0) {
        now_ += Duration(random.next() % 20'000'000'000);
        cluster.outliers().tend(policy_, now_, kWall);
      }
      ASSERT_LE(cluster.outliers().ejections().size(), most) << "seed " << seed;
    }
  }
}

// --- in and out --------------------------------------------------------------------------------

TEST_F(OutlierDetectionTest, takes_an_endpoint_back_when_its_time_is_over) {
  endpoints(3);
  tell(0, not_connected, 3);
  pass(29s);
  EXPECT_TRUE(ejected(0));
  pass(1s);
  EXPECT_FALSE(ejected(0));
  EXPECT_TRUE(at(0).available());
}

TEST_F(OutlierDetectionTest, ejects_for_longer_each_time_up_to_a_limit) {
  endpoints(3);
  policy_.max_time = 100s;
  for (Duration expected : {30s, 60s, 90s, 100s, 100s}) {
    tell(0, not_connected, 3);
    ASSERT_TRUE(ejected(0));
    EXPECT_EQ(at(0).outlier.ejected_until() - now_, expected);
    pass(expected);
    ASSERT_FALSE(ejected(0));
  }
}

TEST_F(OutlierDetectionTest, forgets_one_ejection_for_each_base_time_that_is_served) {
  endpoints(3);
  for (Duration time : {30s, 60s, 90s}) {
    tell(0, not_connected, 3);
    pass(time);
  }
  EXPECT_EQ(at(0).outlier.lately, 3u);
  pass(29s);
  EXPECT_EQ(at(0).outlier.lately, 3u);
  pass(1s);
  EXPECT_EQ(at(0).outlier.lately, 2u);
  pass(60s);
  EXPECT_EQ(at(0).outlier.lately, 0u);
  pass(300s);
  EXPECT_EQ(at(0).outlier.lately, 0u);
  tell(0, not_connected, 3);
  EXPECT_EQ(at(0).outlier.ejected_until() - now_, 30s);
}

TEST_F(OutlierDetectionTest, takes_all_back_when_it_is_switched_off) {
  endpoints(3);
  tell(0, not_connected, 3);
  policy_ = {};
  pass(1s);
  EXPECT_FALSE(ejected(0));
}

TEST_F(OutlierDetectionTest, keeps_what_it_knows_over_a_change_of_the_endpoints) {
  endpoints(3);
  tell(0, not_connected, 3);
  tell(1, not_connected, 2);
  endpoints(4);
  EXPECT_TRUE(ejected(0));
  tell(1, not_connected, 1);
  EXPECT_TRUE(ejected(1));
}

TEST_F(OutlierDetectionTest, tells_who_is_ejected_and_why_and_until_when) {
  endpoints(3);
  tend();
  tell(1, not_connected, 3);
  std::vector<Ejection> all = cluster_.outliers().ejections();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].endpoint, "10.0.0.2:80");
  EXPECT_EQ(all[0].reason, EjectionReason::connect_failures);
  EXPECT_EQ(all[0].until, kWall + (now_ + 30s).time_since_epoch().count());
  EXPECT_EQ(all[0].lately, 1u);
}

TEST_F(OutlierDetectionTest, logs_a_line_for_each_change) {
  endpoints(3);
  tell(1, not_connected, 3);
  EXPECT_NE(log_.find("\"endpoint_ejected\""), std::string::npos);
  EXPECT_NE(log_.find("\"reason\":\"connect_failures\",\"detail\":\"3 in a row\",\"for\":\"30s\""),
            std::string::npos)
      << log_;
  log_.clear();
  pass(30s);
  EXPECT_NE(log_.find("\"endpoint_returned\""), std::string::npos);
  log_.clear();
  pass(300s);
  EXPECT_EQ(log_, "");
}

// --- comparing ---------------------------------------------------------------------------------

TEST_F(OutlierDetectionTest, ejects_the_one_of_three_that_fails_more_than_the_others) {
  policy_ = {.success_rate = 2};
  endpoints(3);
  begin_comparing();
  for (std::size_t i = 0; i < 3; ++i) {
    tell(i, error, i == 2 ? 20 : 2);
    tell(i, answered, i == 2 ? 180 : 198);
  }
  pass(policy_.interval);
  EXPECT_FALSE(ejected(0) || ejected(1));
  EXPECT_TRUE(ejected(2));
  EXPECT_EQ(at(2).outlier.reason, EjectionReason::success_rate);
}

TEST_F(OutlierDetectionTest, leaves_alike_endpoints_alone_even_if_all_fail) {
  policy_ = {.success_rate = 2, .latency = 2};
  endpoints(4);
  begin_comparing();
  for (std::size_t i = 0; i < 4; ++i) {
    tell(i, error, 150 + static_cast<int>(i));
    tell(i, answered, 50, 1ms + Duration(i));
  }
  pass(policy_.interval);
  EXPECT_EQ(ejected_count(), 0u);
}

TEST_F(OutlierDetectionTest, compares_only_who_had_enough_requests_and_only_enough_of_them) {
  policy_ = {.success_rate = 1};
  endpoints(4);
  begin_comparing();
  for (std::size_t i = 0; i < 3; ++i) tell(i, answered, 100);
  tell(3, error, 99);
  pass(policy_.interval);
  EXPECT_EQ(ejected_count(), 0u);
  tell(0, answered, 100);
  tell(3, error, 100);
  pass(policy_.interval);
  EXPECT_EQ(ejected_count(), 0u);
}

TEST_F(OutlierDetectionTest, ejects_the_one_that_is_slow) {
  policy_ = {.latency = 3};
  endpoints(4);
  begin_comparing();
  for (std::size_t i = 0; i < 4; ++i) tell(i, answered, 100, i == 1 ? 80ms : 20ms);
  pass(policy_.interval);
  EXPECT_TRUE(ejected(1));
  EXPECT_EQ(ejected_count(), 1u);
}

TEST_F(OutlierDetectionTest, finds_nobody_slow_for_milliseconds) {
  policy_ = {.latency = 3};
  endpoints(4);
  begin_comparing();
  for (std::size_t i = 0; i < 4; ++i) tell(i, answered, 100, i == 1 ? 9ms : 1ms);
  pass(policy_.interval);
  EXPECT_EQ(ejected_count(), 0u);
}

TEST_F(OutlierDetectionTest, ejects_the_worst_first_when_the_cap_leaves_room_for_one) {
  policy_ = {.success_rate = 1, .max_ejected = 10};
  endpoints(8);
  begin_comparing();
  for (std::size_t i = 0; i < 8; ++i) {
    int failed = i == 0 ? 60 : i == 1 ? 90 : 0;
    tell(i, error, failed);
    tell(i, answered, 100 - failed);
  }
  pass(policy_.interval);
  EXPECT_EQ(ejected_count(), 1u);
  EXPECT_TRUE(ejected(1));
}

TEST_F(OutlierDetectionTest, bears_times_that_cannot_be) {
  policy_ = {.latency = 1};
  endpoints(3);
  begin_comparing();
  tell(0, answered, 100, Duration(std::numeric_limits<std::int64_t>::max()));
  tell(1, answered, 100, Duration(std::numeric_limits<std::int64_t>::min()));
  tell(2, answered, 100, Duration(-1));
  pass(policy_.interval);
  EXPECT_TRUE(ejected(0));
  EXPECT_EQ(ejected_count(), 1u);
}

}  // namespace
}  // namespace weir

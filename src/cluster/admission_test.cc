#include "cluster/admission.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "core/log.h"
#include "core/random.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using enum AttemptResult;

class AdmissionTest : public ::testing::Test {
 protected:
  AdmissionTest() {
    set_log_sink([](std::string_view) {});
  }
  ~AdmissionTest() override { set_log_sink(nullptr); }

  Result<Admission> ask(bool retry = false) { return Admission::ask(state_, policy_, retry, now_); }
  /// As many as are let through.
  std::vector<Admission> take_all(int at_most = 100) {
    std::vector<Admission> all;
    for (int i = 0; i < at_most; ++i) {
      auto each = ask();
      if (!each) break;
      all.push_back(std::move(*each));
    }
    return all;
  }
  ErrorCode refusal(bool retry = false) {
    auto each = ask(retry);
    return each ? ErrorCode::none : each.error().code;
  }
  std::uint64_t refused(ErrorCode reason) {
    auto index = std::ranges::find(AdmissionState::kReasons, reason);
    return state_->refused[static_cast<std::size_t>(index - AdmissionState::kReasons.begin())];
  }

  std::shared_ptr<AdmissionState> state_ = std::make_shared<AdmissionState>("api");
  AdmissionPolicy policy_;
  TimePoint now_{1h};
};

TEST_F(AdmissionTest, counts_nothing_without_a_policy) {
  auto all = take_all();
  EXPECT_EQ(all.size(), 100u);
  EXPECT_TRUE(all[0].wait());
  EXPECT_EQ(state_->requests, 0u);
}

TEST_F(AdmissionTest, lets_through_so_many_at_a_time) {
  policy_.breaker.max_requests = 3;
  {
    auto all = take_all();
    EXPECT_EQ(all.size(), 3u);
    EXPECT_EQ(refusal(), ErrorCode::max_requests);
    EXPECT_EQ(refused(ErrorCode::max_requests), 2u);
    all.pop_back();
    EXPECT_EQ(refusal(), ErrorCode::none);
  }
  EXPECT_EQ(state_->requests, 0u);
}

TEST_F(AdmissionTest, counts_retries_apart) {
  policy_.breaker.max_retries = 1;
  auto retry = ask(true);
  EXPECT_TRUE(retry);
  EXPECT_EQ(refusal(true), ErrorCode::max_retries);
  EXPECT_EQ(refusal(), ErrorCode::none);
  retry->end();
  EXPECT_EQ(refusal(true), ErrorCode::none);
  EXPECT_EQ(state_->retries, 0u);
}

TEST_F(AdmissionTest, counts_who_waits_for_a_connection) {
  policy_.breaker.max_pending = 1;
  auto admitted = ask();
  {
    auto waiting = admitted->wait();
    EXPECT_TRUE(waiting);
    auto second = admitted->wait();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::max_pending);
    EXPECT_EQ(state_->pending, 1u);
  }
  EXPECT_EQ(state_->pending, 0u);
  EXPECT_TRUE(admitted->wait());
}

TEST_F(AdmissionTest, keeps_to_the_limit_that_was_found) {
  policy_.adaptive.on = true;
  policy_.adaptive.initial = 5;
  auto all = take_all();
  EXPECT_EQ(all.size(), 5u);
  EXPECT_EQ(refusal(), ErrorCode::concurrency_limit);
}

TEST_F(AdmissionTest, refuses_while_the_breaker_is_open_and_gives_unused_probes_back) {
  policy_.breaker.failure_rate = 50;
  policy_.breaker.probes = 1;
  for (int i = 0; i < 20; ++i) ask()->tell(no_answer, 1ms, now_);
  EXPECT_EQ(refusal(), ErrorCode::breaker_open);
  now_ += policy_.breaker.open_time;
  {
    auto probe = ask();
    EXPECT_TRUE(probe);
    EXPECT_EQ(refusal(), ErrorCode::breaker_open);
  }
  ask()->tell(answered, 1ms, now_);
  EXPECT_EQ(state_->breaker.state(), CircuitBreaker::State::closed);
}

TEST_F(AdmissionTest, refuses_as_weir_and_never_to_be_repeated) {
  policy_.breaker.max_requests = 1;
  auto all = take_all();
  auto refused = ask();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().origin, Origin::weir);
  EXPECT_EQ(refused.error().retry, Retry::never);
}

TEST_F(AdmissionTest, keeps_every_limit_whatever_happens) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random random(seed);
    auto small = [&] { return static_cast<std::uint32_t>(random.next() % 8); };
    state_ = std::make_shared<AdmissionState>("api");
    policy_ = {};
    policy_.breaker.max_requests = small();
    policy_.breaker.max_retries = small();
    policy_.breaker.failure_rate = small() * 10;
    policy_.adaptive.on = random.next() % 2 == 0;
    struct Held {
      Admission admission;
      bool retry;
    };
    std::vector<Held> held;
    for (int step = 0; step < 2000; ++step) {
      now_ += Duration(random.next() % 20'000'000);
      bool retry = random.next() % 3 == 0;
      if (auto each = ask(retry)) held.push_back({std::move(*each), retry});
      std::size_t retries = static_cast<std::size_t>(std::ranges::count_if(held, &Held::retry));
      if (policy_.breaker.max_requests > 0) ASSERT_LE(held.size(), policy_.breaker.max_requests);
      if (policy_.breaker.max_retries > 0) ASSERT_LE(retries, policy_.breaker.max_retries);
      if (held.empty() || random.next() % 3 == 0) continue;
      if (random.next() % 4 != 0) {
        held.back().admission.tell(static_cast<AttemptResult>(random.next() % 6),
                                   Duration(random.next() % 1'000'000'000), now_);
      }
      held.pop_back();
    }
    held.clear();
    ASSERT_EQ(state_->requests, 0u);
    ASSERT_EQ(state_->retries, 0u);
  }
}

}  // namespace
}  // namespace weir

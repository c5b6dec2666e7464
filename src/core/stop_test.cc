#include "core/stop.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace weir {
namespace {

struct Recorder : StopCallback {
  explicit Recorder(std::vector<int>& into, int number)
      : StopCallback([](StopCallback& self, const Error& why) {
          auto& recorder = static_cast<Recorder&>(self);
          recorder.order.push_back(recorder.number);
          recorder.code = why.code;
        }),
        order(into),
        number(number) {}
  std::vector<int>& order;
  int number;
  ErrorCode code = ErrorCode::none;
};

const Error kTimeout(ErrorCode::timeout);
const Error kReset(ErrorCode::reset);

TEST(Stop, runs_callbacks_once_in_the_order_of_linking) {
  StopSource source;
  std::vector<int> order;
  Recorder one(order, 1), two(order, 2), three(order, 3);
  source.token().link(two);
  source.token().link(one);
  source.token().link(three);
  source.request(kTimeout);
  source.request(kTimeout);
  EXPECT_EQ(order, (std::vector{2, 1, 3}));
  EXPECT_EQ(one.code, ErrorCode::timeout);
}

TEST(Stop, keeps_the_first_reason) {
  StopSource source;
  source.request(kTimeout);
  source.request(kReset);
  EXPECT_TRUE(source.stopped());
  EXPECT_EQ(source.reason().code, ErrorCode::timeout);
}

TEST(Stop, forgets_a_callback_that_is_destroyed) {
  StopSource source;
  std::vector<int> order;
  Recorder stays(order, 1);
  {
    Recorder goes(order, 2);
    source.token().link(goes);
    source.token().link(stays);
  }
  source.request(kTimeout);
  EXPECT_EQ(order, std::vector{1});
}

TEST(Stop, lets_a_callback_destroy_one_that_has_not_run_yet) {
  StopSource source;
  std::vector<int> order;
  auto victim = std::make_unique<Recorder>(order, 2);
  struct Killer : StopCallback {
    explicit Killer(std::unique_ptr<Recorder>& prey)
        : StopCallback(
              [](StopCallback& self, const Error&) { static_cast<Killer&>(self).victim.reset(); }),
          victim(prey) {}
    std::unique_ptr<Recorder>& victim;
  } killer(victim);
  source.token().link(killer);
  source.token().link(*victim);
  source.request(kTimeout);
  EXPECT_TRUE(order.empty());
}

TEST(Stop, follows_a_parent_but_does_not_stop_it) {
  StopSource parent;
  StopSource child(parent.token());
  StopSource sibling(parent.token());
  child.request(kReset);
  EXPECT_FALSE(parent.stopped());
  parent.request(kTimeout);
  EXPECT_EQ(child.reason().code, ErrorCode::reset);
  EXPECT_EQ(sibling.reason().code, ErrorCode::timeout);
}

TEST(Stop, follows_a_parent_that_has_stopped_already) {
  StopSource parent;
  parent.request(kTimeout);
  StopSource child(parent.token());
  EXPECT_TRUE(child.stopped());
}

TEST(Stop, never_stops_through_a_null_token) {
  StopToken token;
  std::vector<int> order;
  Recorder recorder(order, 1);
  token.link(recorder);
  EXPECT_FALSE(token.stopped());
  EXPECT_FALSE(recorder.linked());
}

}  // namespace
}  // namespace weir

#include "core/named_states.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

struct Budget {
  int left = 0;
};
struct Table {
  int entries = 0;
};

std::shared_ptr<Budget> ten() { return std::make_shared<Budget>(Budget{10}); }

TEST(NamedStates, TheSameNameIsTheSameObjectAsLongAsItIsHeld) {
  NamedStates states;
  std::shared_ptr<Budget> first = states.get<Budget>("a", ten);
  first->left = 3;
  EXPECT_EQ(states.get<Budget>("a", ten), first);
  EXPECT_EQ(states.get<Budget>("b", ten)->left, 10);
  first.reset();
  EXPECT_EQ(states.get<Budget>("a", ten)->left, 10);
}

TEST(NamedStates, KindsDoNotShareNames) {
  NamedStates states;
  auto budget = states.get<Budget>("a", ten);
  auto table = states.get<Table>("a", [] { return std::make_shared<Table>(Table{7}); });
  EXPECT_EQ(table->entries, 7);
  EXPECT_EQ(budget->left, 10);
}

TEST(NamedStates, AllAreThoseThatLiveByName) {
  NamedStates states;
  auto b = states.get<Budget>("b", ten);
  auto a = states.get<Budget>("a", ten);
  states.get<Budget>("gone", ten);
  auto other = states.get<Table>("t", [] { return std::make_shared<Table>(); });
  auto all = states.all<Budget>();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].first, "a");
  EXPECT_EQ(all[1].second, b);
}

}  // namespace
}  // namespace weir

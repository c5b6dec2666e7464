#include "core/gathered.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "core/counter.h"

namespace weir {
namespace {

struct Sheep {
  Counter counted;
  Counter open;
  void add(const Sheep& other) {
    counted.add(other.counted.value());
    open.add(other.open.value());
  }
};

std::uint64_t counted(const Gathered<Sheep>& herd) {
  Sheep total;
  herd.add_to(total);
  return total.counted.value();
}

TEST(Gathered, adds_up_its_parts) {
  Gathered<Sheep> herd;
  Gathered<Sheep>::Part first(herd), second(herd);
  first->counted.add(2);
  second->counted.add(3);
  EXPECT_EQ(counted(herd), 5u);
}

TEST(Gathered, keeps_what_a_part_that_is_gone_has_counted) {
  Gathered<Sheep> herd;
  auto part = std::make_unique<Gathered<Sheep>::Part>(herd);
  (*part)->counted.add(7);
  part.reset();
  EXPECT_EQ(counted(herd), 7u);
  Gathered<Sheep>::Part next(herd);
  next->counted.add();
  EXPECT_EQ(counted(herd), 8u);
}

TEST(Gathered, is_asked_while_workers_count_come_and_go) {
  Gathered<Sheep> herd;
  auto work = [&] {
    for (int i = 0; i < 200; ++i) {
      Gathered<Sheep>::Part part(herd);
      for (int j = 0; j < 10; ++j) part->counted.add();
    }
  };
  std::thread one(work), two(work);
  std::uint64_t before = 0;
  while (before < 4000) {
    std::uint64_t now = counted(herd);
    ASSERT_GE(now, before);
    before = now;
  }
  one.join();
  two.join();
  EXPECT_EQ(before, 4000u);
}

}  // namespace
}  // namespace weir

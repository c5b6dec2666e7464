#include "core/slots.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

namespace weir {
namespace {

struct Tracked {
  Tracked(std::vector<int>& order, int number) : destroyed(order), number(number) {}
  ~Tracked() { destroyed.push_back(number); }
  std::vector<int>& destroyed;
  int number;
};

auto maker(std::vector<int>& order, int number) {
  return [&order, number] { return std::make_unique<Tracked>(order, number); };
}

TEST(Slots, make_an_object_on_first_use_only) {
  std::vector<int> destroyed;
  SlotKey key;
  Slots slots;
  EXPECT_EQ(slots.find<Tracked>(key), nullptr);
  Tracked& first = slots.get<Tracked>(key, maker(destroyed, 1));
  EXPECT_EQ(&slots.get<Tracked>(key, maker(destroyed, 2)), &first);
  EXPECT_EQ(slots.find<Tracked>(key), &first);
}

TEST(Slots, of_two_workers_are_apart) {
  std::vector<int> destroyed;
  SlotKey key;
  Slots one, two;
  Tracked& a = one.get<Tracked>(key, maker(destroyed, 1));
  Tracked& b = two.get<Tracked>(key, maker(destroyed, 2));
  EXPECT_NE(&a, &b);
}

TEST(Slots, do_not_show_an_object_to_the_next_owner_of_its_number) {
  std::vector<int> destroyed;
  Slots slots;
  std::optional<SlotKey> old;
  old.emplace();
  std::uint32_t number = old->number();
  slots.get<Tracked>(*old, maker(destroyed, 1));
  old.reset();
  SlotKey next;
  ASSERT_EQ(next.number(), number);
  EXPECT_EQ(slots.find<Tracked>(next), nullptr);
  EXPECT_EQ(slots.get<Tracked>(next, maker(destroyed, 2)).number, 2);
  EXPECT_EQ(destroyed, std::vector{1});
}

TEST(Slots, destroy_the_last_created_first) {
  std::vector<int> destroyed;
  SlotKey a, b, c;
  {
    Slots slots;
    slots.get<Tracked>(b, maker(destroyed, 1));
    slots.get<Tracked>(c, maker(destroyed, 2));
    slots.get<Tracked>(a, maker(destroyed, 3));
  }
  EXPECT_EQ(destroyed, (std::vector{3, 2, 1}));
}

TEST(Slots, erase_one) {
  std::vector<int> destroyed;
  SlotKey key, other;
  Slots slots;
  slots.get<Tracked>(key, maker(destroyed, 1));
  slots.erase(other);
  slots.erase(key);
  slots.erase(key);
  EXPECT_EQ(destroyed, std::vector{1});
  EXPECT_EQ(slots.find<Tracked>(key), nullptr);
}

TEST(Slots, let_an_object_make_another_while_it_is_made) {
  std::vector<int> destroyed;
  SlotKey outer, inner;
  Slots slots;
  slots.get<Tracked>(outer, [&] {
    slots.get<Tracked>(inner, maker(destroyed, 1));
    return std::make_unique<Tracked>(destroyed, 2);
  });
  slots.clear();
  EXPECT_EQ(destroyed, (std::vector{2, 1}));
}

}  // namespace
}  // namespace weir

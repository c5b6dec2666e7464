#include "core/list.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir {
namespace {

struct Member : Link {
  explicit Member(int n) : number(n) {}
  int number;
};

std::vector<int> numbers(const Link& head) {
  std::vector<int> found;
  for (Link* each = head.next(); each != &head; each = each->next()) {
    found.push_back(static_cast<Member*>(each)->number);
  }
  return found;
}

TEST(List, keeps_the_order_of_appending) {
  Link head;
  Member a(1), b(2), c(3);
  for (Member* each : {&a, &b, &c}) head.append(*each);
  EXPECT_EQ(numbers(head), (std::vector{1, 2, 3}));
  b.unlink();
  EXPECT_EQ(numbers(head), (std::vector{1, 3}));
}

TEST(List, moves_a_member_that_is_appended_again) {
  Link head, other;
  Member a(1), b(2);
  head.append(a);
  head.append(b);
  head.append(a);
  EXPECT_EQ(numbers(head), (std::vector{2, 1}));
  other.append(b);
  EXPECT_EQ(numbers(head), std::vector{1});
  EXPECT_EQ(numbers(other), std::vector{2});
}

TEST(List, loses_a_member_that_is_destroyed) {
  Link head;
  Member a(1);
  head.append(a);
  {
    Member b(2);
    head.append(b);
  }
  EXPECT_EQ(numbers(head), std::vector{1});
}

TEST(List, moves_all_members_at_once) {
  Link head, to;
  head.move_all(to);
  EXPECT_FALSE(to.linked());
  Member a(1), b(2);
  head.append(a);
  head.append(b);
  head.move_all(to);
  EXPECT_FALSE(head.linked());
  EXPECT_EQ(numbers(to), (std::vector{1, 2}));
}

}  // namespace
}  // namespace weir

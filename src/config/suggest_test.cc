#include "config/suggest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::config {
namespace {

TEST(Suggest, counts_inserted_deleted_and_replaced_letters_and_swapped_neighbours) {
  EXPECT_EQ(edit_distance("listen", "listen", 3), 0u);
  EXPECT_EQ(edit_distance("lisen", "listen", 3), 1u);
  EXPECT_EQ(edit_distance("listten", "listen", 3), 1u);
  EXPECT_EQ(edit_distance("lisden", "listen", 3), 1u);
  EXPECT_EQ(edit_distance("lisetn", "listen", 3), 1u);
  EXPECT_EQ(edit_distance("", "abc", 3), 3u);
}

TEST(Suggest, takes_capital_letters_and_dashes_for_the_same_name) {
  EXPECT_EQ(edit_distance("Access-Log", "access_log", 3), 0u);
}

TEST(Suggest, stops_counting_at_the_limit) { EXPECT_EQ(edit_distance("abcdef", "uvwxyz", 2), 3u); }

TEST(Suggest, refuses_to_compare_very_long_texts) {
  EXPECT_EQ(edit_distance(std::string(65, 'a'), std::string(65, 'a'), 2), 3u);
  EXPECT_EQ(edit_distance(std::string(64, 'a'), std::string(64, 'a'), 2), 0u);
}

TEST(Suggest, names_the_closest_known_name) {
  const std::vector<std::string_view> known{"timeouts", "limits", "listeners"};
  EXPECT_EQ(suggestion("listners", known), "did you mean \"listeners\"?");
  EXPECT_EQ(suggestion("timeout", known), "did you mean \"timeouts\"?");
}

TEST(Suggest, lists_what_is_known_when_nothing_is_close) {
  const std::vector<std::string_view> known{"host", "path"};
  EXPECT_EQ(suggestion("certificate", known), "known here: host, path");
  EXPECT_EQ(suggestion("x", {}), "");
}

TEST(Suggest, does_not_guess_when_every_letter_differs) {
  const std::vector<std::string_view> known{"a", "to"};
  EXPECT_EQ(closest("b", known), "");
}

TEST(Suggest, lists_at_most_twelve_names) {
  std::vector<std::string> names;
  for (int i = 10; i < 23; ++i) names.push_back("name" + std::to_string(i) + "xxxxxxxx");
  const std::vector<std::string_view> known(names.begin(), names.end());
  EXPECT_TRUE(suggestion("other", known).ends_with("name21xxxxxxxx, and 1 more"));
}

}  // namespace
}  // namespace weir::config

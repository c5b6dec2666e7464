#include "server/text_table.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

// Texts of up to 16 bytes lie in their slots, longer ones do not.
TEST(TextTableTest, FindsTextsOfEveryLengthAndNoOthers) {
  TextTable table;
  for (std::uint32_t size = 0; size <= 40; ++size) table.insert(1, std::string(size, 'a'), size);
  for (std::uint32_t size = 0; size <= 40; ++size) {
    std::string text(size, 'a');
    EXPECT_EQ(table.find(1, text), size);
    EXPECT_EQ(table.find(2, text), TextTable::kNone);
    if (size == 0) continue;
    text.back() = 'b';
    EXPECT_EQ(table.find(1, text), TextTable::kNone);
  }
  EXPECT_EQ(table.size(), 41u);
}

TEST(TextTableTest, TheFirstNumberOfAKeyStays) {
  TextTable table;
  EXPECT_EQ(table.insert(1, "seventeen letters", 5), 5u);
  EXPECT_EQ(table.insert(1, "seventeen letters", 6), 5u);
  EXPECT_EQ(table.find(1, "seventeen letters"), 5u);
}

}  // namespace
}  // namespace weir

#include "core/hash.h"

#include <bit>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(StableHash, is_the_same_everywhere) {
  // Instances of the program must agree: what these are today they are for ever.
  EXPECT_EQ(stable_hash(""), 0x48218226ff3cd4bfu);
  EXPECT_EQ(stable_hash("10.0.0.1:80"), 0xbfb29880dc9e85c4u);
  EXPECT_EQ(stable_hash("10.0.0.1:80", 1), 0x888c733346c3be12u);
}

TEST(StableHash, tells_texts_apart_that_differ_in_one_bit_or_in_length) {
  std::set<std::uint64_t> seen;
  std::string text(24, '\0');
  for (std::size_t size = 0; size <= text.size(); ++size)
    seen.insert(stable_hash({text.data(), size}));
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string other = text;
    other[bit / 8] = static_cast<char>(1u << (bit % 8));
    seen.insert(stable_hash(other));
  }
  EXPECT_EQ(seen.size(), text.size() * 9 + 1);
}

TEST(StableHash, changes_half_of_the_bits) {
  int changed = 0;
  for (int i = 0; i < 1000; ++i) {
    std::string text = "user-" + std::to_string(i);
    std::string other = "user-" + std::to_string(i + 1);
    changed += std::popcount(stable_hash(text) ^ stable_hash(other));
  }
  EXPECT_NEAR(changed / 1000.0, 32.0, 1.0);
}

}  // namespace
}  // namespace weir

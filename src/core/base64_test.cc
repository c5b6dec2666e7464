#include "core/base64.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

std::string decoded(std::string_view text, std::size_t step) {
  Base64Decoder decoder;
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); at += step) {
    Result<Slice> piece = decoder.decode(text.substr(at, step));
    if (!piece) return "refused";
    bytes += piece->view();
  }
  return decoder.complete() ? bytes : "incomplete";
}

TEST(Base64, encodes_the_vectors_of_the_rfc) {
  EXPECT_EQ(base64_encode("f").view(), "Zg==");
  EXPECT_EQ(base64_encode("fo").view(), "Zm8=");
  EXPECT_EQ(base64_encode("foo").view(), "Zm9v");
  EXPECT_EQ(base64_encode("foob").view(), "Zm9vYg==");
  EXPECT_EQ(base64_encode(std::string_view("\xff\xfe\x00", 3)).view(), "//4A");
}

TEST(Base64, decodes_texts_in_a_row_wherever_they_are_cut) {
  for (std::size_t step = 1; step < 12; ++step) {
    EXPECT_EQ(decoded("Zg==Zm8=Zm9vZm9vYg==", step), "ffofoofoob") << step;
  }
}

TEST(Base64, refuses_what_is_no_base64) {
  for (std::string_view wrong : {"Zg=a", "=AAA", "Z===", "Zm9 v", "Zm-v", "Zg=\n"}) {
    EXPECT_EQ(decoded(wrong, 3), "refused") << wrong;
  }
  EXPECT_EQ(decoded("Zm9", 1), "incomplete");
}

}  // namespace
}  // namespace weir

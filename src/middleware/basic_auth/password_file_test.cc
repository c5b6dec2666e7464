#include "middleware/basic_auth/password_file.h"

#include <gmock/gmock.h>

namespace weir {
namespace {

using ::testing::HasSubstr;

const std::string kHash = "$2y$04$91aQecJIR/JGjvHUU/zsJu7MgsiJt8zCULJAP1nv0SYNsNxMIxTJa";

std::string refusal(std::string_view text) {
  auto file = PasswordFile::parse(text);
  return file ? "" : file.error();
}

TEST(PasswordFile, has_the_users_of_its_lines) {
  auto file = PasswordFile::parse("# staff\nalice:" + kHash + "\r\n\nbob smith:" + kHash);
  ASSERT_TRUE(file) << file.error();
  EXPECT_EQ(file->size(), 2u);
  ASSERT_NE(file->find("alice"), nullptr);
  EXPECT_EQ(*file->find("bob smith"), kHash);
  EXPECT_EQ(file->find("Alice"), nullptr);
  EXPECT_EQ(file->find("# staff"), nullptr);
  EXPECT_EQ(file->decoy(), kHash);
}

TEST(PasswordFile, says_which_line_is_wrong) {
  EXPECT_THAT(refusal("alice:" + kHash + "\nbob"), HasSubstr("line 2: there is no colon"));
  EXPECT_THAT(refusal(":" + kHash), HasSubstr("line 1: this is no name"));
  EXPECT_THAT(refusal("a\tb:" + kHash), HasSubstr("no name"));
  EXPECT_THAT(refusal("bob:secret"), HasSubstr("the user \"bob\": its password is hashed"));
  EXPECT_THAT(refusal("a:" + kHash + "\na:" + kHash), HasSubstr("stands here twice"));
  EXPECT_THAT(refusal("# nobody\n"), HasSubstr("no users"));
  EXPECT_EQ(refusal(std::string(255, 'a') + ":" + kHash), "");
  EXPECT_THAT(refusal(std::string(256, 'a') + ":" + kHash), HasSubstr("no name"));
}

}  // namespace
}  // namespace weir

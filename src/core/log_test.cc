#include "core/log.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace weir {
namespace {

class LogTest : public testing::Test {
 protected:
  LogTest() {
    set_log_sink([this](std::string_view line) { lines_.emplace_back(line); });
  }
  ~LogTest() override {
    set_log_sink(nullptr);
    set_log_text(false);
  }
  std::vector<std::string> lines_;
};

TEST_F(LogTest, writes_one_json_object_per_line) {
  log_error("bind_failed", "address", ":80", "reason", "say \"no\"\n");
  ASSERT_EQ(lines_.size(), 1u);
  const std::string& line = lines_[0];
  EXPECT_TRUE(line.starts_with("{\"time\":\""));
  EXPECT_NE(line.find("\"level\":\"error\",\"code\":\"bind_failed\",\"address\":\":80\""),
            std::string::npos);
  EXPECT_TRUE(line.ends_with("\"reason\":\"say \\\"no\\\"\\u000a\"}\n")) << line;
}

TEST_F(LogTest, writes_text_for_terminals) {
  set_log_text(true);
  log_info("ready_for_people", {{"workers", "2"}});
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_TRUE(lines_[0].ends_with(" info ready_for_people workers=2\n")) << lines_[0];
}

TEST_F(LogTest, does_not_repeat_itself_without_end) {
  for (int i = 0; i < 1000; ++i) log_info("chatter", {});
  EXPECT_GE(lines_.size(), 10u);
  EXPECT_LE(lines_.size(), 40u) << "ten in each second that this loop may touch";
  log_info("other", {});
  EXPECT_NE(lines_.back().find("other"), std::string::npos);
}

}  // namespace
}  // namespace weir

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
  log("accept_failed", {{"address", ":80"}, {"reason", "say \"no\"\n"}});
  ASSERT_EQ(lines_.size(), 1u);
  const std::string& line = lines_[0];
  EXPECT_TRUE(line.starts_with("{\"time\":\""));
  EXPECT_NE(line.find("\"level\":\"error\",\"code\":\"accept_failed\",\"address\":\":80\""),
            std::string::npos);
  EXPECT_TRUE(line.ends_with("\"reason\":\"say \\\"no\\\"\\u000a\"}\n")) << line;
}

TEST_F(LogTest, writes_text_for_terminals) {
  set_log_text(true);
  log("ready", {{"workers", "2"}});
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_TRUE(lines_[0].ends_with(" info ready workers=2\n")) << lines_[0];
}

TEST_F(LogTest, does_not_repeat_itself_without_end) {
  for (int i = 0; i < 1000; ++i) log("draining", {});
  EXPECT_GE(lines_.size(), 10u);
  EXPECT_LE(lines_.size(), 40u) << "ten in each second that this loop may touch";
  log("ended", {});
  EXPECT_NE(lines_.back().find("ended"), std::string::npos);
}

TEST_F(LogTest, tells_how_many_repeats_were_left_out) {
  for (int i = 0; i < 1000; ++i) log("draining", {});
  std::size_t written = 0, left_out = 0;
  auto count = [&] {
    written = left_out = 0;
    for (const std::string& line : lines_) {
      std::size_t at = line.find("\"of\":\"draining\",\"count\":\"");
      if (at == std::string::npos) {
        ++written;
      } else {
        left_out += std::stoul(line.substr(line.rfind("count") + 8));
      }
    }
  };
  do {
    log_repeats();  // until the second is over
    count();
  } while (left_out + written < 1000);
  EXPECT_EQ(left_out + written, 1000u);
  std::size_t lines = lines_.size();
  log_repeats();
  EXPECT_EQ(lines_.size(), lines) << "once";
}

TEST_F(LogTest, leaves_out_what_is_below_its_level) {
  set_log_level(LogLevel::warning);
  log("ready", {});
  log("overload_began", {});
  log("accept_failed", {});
  set_log_level(LogLevel::info);
  EXPECT_EQ(lines_.size(), 2u);
}

TEST(LogMessages, are_each_there_once_with_cause_and_remedy) {
  for (const LogMessage& each : kLogMessages) {
    EXPECT_EQ(find_log_message(each.code), &each) << each.code;
    EXPECT_TRUE(each.cause.ends_with('.')) << each.code;
    if (each.level != LogLevel::info) EXPECT_TRUE(each.remedy.ends_with('.')) << each.code;
  }
  EXPECT_NE(log_messages_markdown().find("| `ready` | info |"), std::string::npos);
}

}  // namespace
}  // namespace weir

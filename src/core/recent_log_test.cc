#include "core/recent_log.h"

#include <thread>

#include <gmock/gmock.h>

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(RecentLog, gives_lines_in_their_order) {
  RecentLog log;
  log.add(LogLevel::info, "a");
  log.add(LogLevel::error, "b");
  LogExcerpt found = log.find({});
  EXPECT_THAT(found.lines, ElementsAre("a", "b"));
  EXPECT_EQ(found.last, 2u);
  EXPECT_EQ(found.forgotten, 0u);
}

TEST(RecentLog, finds_by_level_text_and_number) {
  RecentLog log;
  log.add(LogLevel::info, "Bind one");
  log.add(LogLevel::warning, "bind two");
  log.add(LogLevel::error, "read three");
  EXPECT_THAT(log.find({.least = LogLevel::warning}).lines, ElementsAre("bind two", "read three"));
  EXPECT_THAT(log.find({.text = "BIND"}).lines, ElementsAre("Bind one", "bind two"));
  EXPECT_THAT(log.find({.least = LogLevel::error, .text = "bind"}).lines, IsEmpty());
  EXPECT_THAT(log.find({.after = 2}).lines, ElementsAre("read three"));
  EXPECT_THAT(log.find({.after = 3}).lines, IsEmpty());
  EXPECT_THAT(log.find({.most = 2}).lines, ElementsAre("bind two", "read three"));
}

TEST(RecentLog, keeps_its_limit_of_lines) {
  for (std::size_t beyond : {0u, 1u}) {
    RecentLog log;
    std::size_t count = RecentLog::kMostLines + beyond;
    for (std::size_t i = 1; i <= count; ++i) log.add(LogLevel::info, std::to_string(i));
    LogExcerpt found = log.find({.most = 10'000});
    EXPECT_EQ(found.lines.size(), RecentLog::kMostLines);
    EXPECT_EQ(found.lines.front(), std::to_string(1 + beyond));
    EXPECT_EQ(found.forgotten, beyond);
  }
}

TEST(RecentLog, keeps_its_limit_of_bytes) {
  RecentLog log;
  log.add(LogLevel::info, "first");
  log.add(LogLevel::info, std::string(RecentLog::kMostBytes - 5, 'x'));
  EXPECT_EQ(log.find({}).lines.size(), 2u);
  log.add(LogLevel::info, "y");
  EXPECT_EQ(log.find({}).lines.front().front(), 'x') << "the first one went";
  log.add(LogLevel::info, std::string(RecentLog::kMostBytes + 1, 'z'));
  EXPECT_EQ(log.find({}).lines.back(), "y") << "larger than the ring";
  EXPECT_EQ(log.find({}).forgotten, 2u);
}

TEST(RecentLog, holds_what_the_program_logs_as_json_whatever_is_written) {
  set_log_sink([](std::string_view) {});
  set_log_text(true);
  log("listen_failed", {{"what", "a\"b"}});
  set_log_text(false);
  set_log_sink(nullptr);
  LogExcerpt found = recent_log().find({.text = "listen_failed"});
  ASSERT_EQ(found.lines.size(), 1u);
  EXPECT_THAT(found.lines[0], HasSubstr("\"level\":\"error\",\"code\":\"listen_failed\","));
  EXPECT_TRUE(found.lines[0].ends_with("\"what\":\"a\\\"b\"}")) << found.lines[0];
}

TEST(RecentLog, is_written_and_read_by_many_threads) {
  RecentLog log;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log] {
      for (int i = 0; i < 500; ++i) {
        log.add(LogLevel::info, "line");
        (void)log.find({.text = "ine", .most = 3});
      }
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(log.find({}).last, 2000u);
}

}  // namespace
}  // namespace weir

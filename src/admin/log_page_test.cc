#include "admin/log_page.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace weir {
namespace {

TEST(LogPage, reads_what_is_asked_for) {
  auto query = parse_log_query("level=warning&text=a%20b%2Bc+%3c%&after=7&limit=1000");
  ASSERT_TRUE(query.has_value());
  EXPECT_EQ(query->least, LogLevel::warning);
  EXPECT_EQ(query->text, "a b+c <%");
  EXPECT_EQ(query->after, 7u);
  EXPECT_EQ(query->most, 1000u);
  EXPECT_EQ(parse_log_query("")->most, 200u);
}

TEST(LogPage, refuses_what_makes_no_sense) {
  for (std::string text :
       {"level=loud", "level=", "after=-1", "after=x", "limit=0", "limit=1001", "txt=a", "text"}) {
    EXPECT_EQ(parse_log_query(text).has_value(), text == "text") << text;
  }
  EXPECT_TRUE(parse_log_query("text=" + std::string(256, 'a')).has_value());
  EXPECT_FALSE(parse_log_query("text=" + std::string(257, 'a')).has_value());
}

TEST(LogPage, is_one_json_document) {
  RecentLog log;
  EXPECT_EQ(nlohmann::json::parse(log_json(log, {}))["lines"].size(), 0u);
  log.add(LogLevel::info, R"({"code":"a"})");
  log.add(LogLevel::error, R"({"code":"b"})");
  auto page = nlohmann::json::parse(log_json(log, {}));
  ASSERT_EQ(page["lines"].size(), 2u);
  EXPECT_EQ(page["lines"][1]["code"], "b");
  EXPECT_EQ(page["last"], 2);
  EXPECT_EQ(page["forgotten"], 0);
  LogQuery worse;
  worse.least = LogLevel::warning;
  EXPECT_EQ(nlohmann::json::parse(log_json(log, worse))["lines"].size(), 1u);
}

}  // namespace
}  // namespace weir

#include "store/redis.h"

#include <gmock/gmock.h>

#include "io/sim/loop.h"
#include "io/sim/network.h"
#include "io/testing.h"
#include "store/scripted_redis.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using Words = test::ScriptedRedis::Words;

const Address kAddress = *Address::parse("10.0.0.9:6379");

class RedisTest : public ::testing::Test {
 protected:
  RedisTest() {
    settings_.name = "main";
    settings_.address = kAddress;
    settings_.timeout = 100ms;
  }

  /// What a healthy server says, but for what `odd` says instead.
  void start(test::ScriptedRedis::Script odd = {}) {
    auto script = [this, odd = std::move(odd)](const Words& command) -> std::string {
      if (odd) {
        std::string answer = odd(command);
        if (answer != "default") return answer;
      }
      if (command[0] == "PING") return "+PONG\r\n";
      if (command[0] == "AUTH" || command[0] == "SELECT") return "+OK\r\n";
      return ":" + std::to_string(++answered_) + "\r\n";
    };
    server_ = std::make_unique<test::ScriptedRedis>(there_, world_.network(), kAddress,
                                                    std::move(script));
    world_.spawn(there_, server_->serve(serving_.token()));
  }
  void stop() {
    serving_.request(Error(ErrorCode::cancelled));
    world_.run_for(1ms);
  }

  const RedisStore& store() {
    if (!store_) store_ = std::make_unique<RedisStore>(settings_);
    return *store_;
  }

  Task<Result<RedisReply>> ask(StopToken stop = {}) {
    std::string_view arguments[] = {"a", "b"};
    co_return co_await store().run(here_, script_, "key", arguments, stop);
  }
  std::string said(const Result<RedisReply>& reply) {
    if (!reply) return std::string(name(reply.error().code));
    return reply->integer() ? std::to_string(*reply->integer()) : "?";
  }
  std::string run() { return said(test::run(here_, ask())); }

  static Task<void> into(RedisTest& test, std::vector<std::string>& answers) {
    Result<RedisReply> reply = co_await test.ask();
    answers.push_back(test.said(reply));
  }
  Task<void> ask_at_once(int count, std::vector<std::string>& answers) {
    Scope scope;
    for (int i = 0; i < count; ++i) scope.spawn(into(*this, answers));
    co_await scope.join();
  }
  void wait(Duration time) { test::run(here_, sleep(here_, time)); }
  static Task<void> sleep(Loop& loop, Duration time) { (void)co_await loop.sleep_for(time); }

  void TearDown() override {
    test::run(here_, RedisScope::finish(here_));
    here_.slots().clear();
    if (server_) stop();
    world_.run();
    server_.reset();
    EXPECT_EQ(world_.check_clean(), "");
  }

  SimWorld world_{1};
  SimLoop& here_ = world_.add_loop("10.0.0.1");
  SimLoop& there_ = world_.add_loop("10.0.0.9");
  StopSource serving_;
  RedisScript script_{"return 1"};
  RedisSettings settings_;
  std::unique_ptr<RedisStore> store_;
  std::unique_ptr<test::ScriptedRedis> server_;
  int answered_ = 0;
};

TEST_F(RedisTest, runs_a_script_by_its_digest) {
  start();
  EXPECT_EQ(run(), "1");
  EXPECT_EQ(run(), "2");
  ASSERT_EQ(server_->commands.size(), 3u);
  EXPECT_THAT(server_->commands[0], ElementsAre("PING"));
  EXPECT_THAT(
      server_->commands[1],
      ElementsAre("EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "1", "key", "a", "b"));
  EXPECT_EQ(server_->connections, 1);
  EXPECT_EQ(store().counters().connections.load(), 1u);
  EXPECT_EQ(store().counters().answered.load(), 2u);
}

TEST_F(RedisTest, sends_the_script_to_a_server_that_does_not_know_it) {
  start([](const Words& command) -> std::string {
    return command[0] == "EVALSHA" ? "-NOSCRIPT No matching script.\r\n" : "default";
  });
  EXPECT_EQ(run(), "1");
  EXPECT_THAT(server_->commands.back(), ElementsAre("EVAL", "return 1", "1", "key", "a", "b"));
}

TEST_F(RedisTest, says_who_it_is_before_anything_else) {
  settings_.user = "weir";
  settings_.password = "secret";
  settings_.database = 3;
  start();
  EXPECT_EQ(run(), "1");
  EXPECT_THAT(server_->commands[0], ElementsAre("AUTH", "weir", "secret"));
  EXPECT_THAT(server_->commands[1], ElementsAre("SELECT", "3"));
  EXPECT_THAT(server_->commands[2], ElementsAre("PING"));
}

TEST_F(RedisTest, sends_what_is_asked_at_once_in_one_write_and_keeps_the_order) {
  start();
  EXPECT_EQ(run(), "1");
  int before = server_->reads;
  std::vector<std::string> answers;
  test::run(here_, ask_at_once(5, answers));
  EXPECT_THAT(answers, ElementsAre("2", "3", "4", "5", "6"));
  EXPECT_EQ(server_->connections, 1);
  EXPECT_LE(server_->reads - before, 2);
}

TEST_F(RedisTest, fails_at_once_while_the_server_is_away_and_comes_back) {
  start();
  EXPECT_EQ(run(), "1");
  world_.network().refuse(kAddress);
  world_.network().reset(world_.network().accepted_at(kAddress).at(0));
  EXPECT_EQ(run(), "unreachable");
  TimePoint began = here_.now();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(run(), "unreachable");
  EXPECT_LE(here_.now() - began, 1ms);
  world_.network().heal(kAddress);
  wait(2s);
  EXPECT_EQ(run(), "2");
  EXPECT_EQ(store().counters().connections.load(), 1u);
}

TEST_F(RedisTest, waits_no_longer_than_its_timeout_for_a_server_that_is_silent) {
  bool silent = false;
  start([&](const Words&) -> std::string { return silent ? "" : "default"; });
  EXPECT_EQ(run(), "1");
  silent = true;
  TimePoint began = here_.now();
  std::vector<std::string> answers;
  test::run(here_, ask_at_once(3, answers));
  EXPECT_THAT(answers, ElementsAre("unreachable", "unreachable", "unreachable"));
  EXPECT_GE(here_.now() - began, 100ms);
  EXPECT_LE(here_.now() - began, 110ms);
  silent = false;
  wait(3s);
  EXPECT_EQ(run(), "2");
  EXPECT_EQ(server_->connections > 1, true);
}

TEST_F(RedisTest, waits_no_longer_than_its_timeout_for_a_server_that_cannot_be_reached) {
  world_.network().black_hole(kAddress);
  TimePoint began = here_.now();
  EXPECT_EQ(run(), "unreachable");
  EXPECT_GE(here_.now() - began, 100ms);
  EXPECT_LE(here_.now() - began, 110ms);
  EXPECT_EQ(run(), "unreachable");
  EXPECT_LE(here_.now() - began, 110ms);  // at once
}

TEST_F(RedisTest, fails_when_the_server_refuses_the_password) {
  settings_.password = "wrong";
  start([](const Words& command) -> std::string {
    return command[0] == "AUTH" ? "-WRONGPASS invalid\r\n" : "default";
  });
  EXPECT_EQ(run(), "unreachable");
}

TEST_F(RedisTest, fails_when_the_script_fails) {
  start([](const Words& command) -> std::string {
    return command[0] == "EVALSHA" ? "-ERR out of memory\r\n" : "default";
  });
  EXPECT_EQ(run(), "unreachable");
  EXPECT_EQ(server_->connections, 1);
}

TEST_F(RedisTest, leaves_a_server_that_does_not_speak_redis) {
  start([](const Words& command) -> std::string {
    return command[0] == "EVALSHA" ? "HTTP/1.1 400 Bad Request\r\n\r\n" : "default";
  });
  EXPECT_EQ(run(), "unreachable");
}

TEST_F(RedisTest, leaves_a_server_whose_answer_has_no_end) {
  start([](const Words& command) -> std::string {
    if (command[0] != "EVALSHA") return "default";
    return "$100000000\r\n" + std::string(RedisParser::kMostBytes, 'x');
  });
  settings_.timeout = 10s;
  EXPECT_EQ(run(), "unreachable");
}

Task<Result<RedisReply>> ask_until(RedisClient& client, StopToken stop) {
  std::string_view words[] = {"GET", "x"};
  co_return co_await client.call(words, stop);
}

Task<void> stop_after(Loop& loop, StopSource& source, Duration time) {
  (void)co_await loop.sleep_for(time);
  source.request(Error(ErrorCode::client_gone, Origin::client));
}

Task<Result<RedisReply>> ask_and_leave(Loop& loop, RedisClient& client) {
  StopSource source;
  Scope scope;
  scope.spawn(stop_after(loop, source, 20ms));
  Result<RedisReply> reply = co_await ask_until(client, source.token());
  co_await scope.join();
  co_return reply;
}

// The answer that comes for somebody who has left is not taken for the next one's.
TEST_F(RedisTest, keeps_answers_apart_when_a_caller_leaves) {
  start([&](const Words& command) -> std::string {
    if (command[0] == "GET") return "";                      // late
    if (command[0] == "EVALSHA") return ":111\r\n:222\r\n";  // of both
    return "default";
  });
  auto shared = std::make_shared<RedisShared>(settings_);
  auto client = std::make_shared<RedisClient>(here_, shared);
  Result<RedisReply> left = test::run(here_, ask_and_leave(here_, *client));
  ASSERT_FALSE(left);
  EXPECT_EQ(left.error().code, ErrorCode::client_gone);
  auto second = [](RedisClient& client) -> Task<Result<RedisReply>> {
    std::string_view words[] = {"EVALSHA", "x"};
    co_return co_await client.call(words);
  };
  EXPECT_EQ(said(test::run(here_, second(*client))), "222");
}

TEST_F(RedisTest, takes_as_many_calls_as_it_may_and_no_more) {
  bool silent = false;
  start([&](const Words&) -> std::string { return silent ? "" : "default"; });
  EXPECT_EQ(run(), "1");
  silent = true;
  std::vector<std::string> answers;
  TimePoint began = here_.now();
  Scope scope;
  here_.post([&] {
    for (std::size_t i = 0; i < RedisClient::kMostCalls; ++i) scope.spawn(into(*this, answers));
    EXPECT_TRUE(answers.empty());
    scope.spawn(into(*this, answers));
    EXPECT_EQ(answers.size(), 1u);
  });
  world_.run_for(200ms);
  EXPECT_EQ(answers.size(), RedisClient::kMostCalls + 1);
  EXPECT_GE(here_.now() - began, 100ms);
}

TEST_F(RedisTest, closes_a_connection_that_nobody_needs_and_opens_another) {
  start();
  EXPECT_EQ(run(), "1");
  wait(2min);
  EXPECT_EQ(store().counters().connections.load(), 0u);
  EXPECT_EQ(run(), "2");
  EXPECT_EQ(server_->connections, 2);
}

}  // namespace
}  // namespace weir

#include "app/control_server.h"

#include <gtest/gtest.h>

#include "app/control_client.h"
#include "app/control_stream.h"
#include "io/sim/loop.h"
#include "io/testing.h"

namespace weir {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class ControlServerTest : public testing::Test, ControlHandler {
 protected:
  ControlServerTest() {
    socket_ = world_.network().bind(address_, {}).value();
    EXPECT_TRUE(server_.listen(socket_));
  }
  ~ControlServerTest() override {
    world_.spawn(loop_, server_.finish());
    EXPECT_EQ(world_.run(), SimWorld::End::reached);
    world_.network().close(socket_);
    EXPECT_EQ(world_.check_clean(), "");
  }

  Task<ControlAnswer> answer(ControlRequest request) override {
    ++asked_;
    if (request.verb == "slow") (void)co_await loop_.sleep_for(seconds(8));
    co_return ControlAnswer{request.verb != "no", "you said " + request.verb, {}};
  }

  Result<ControlAnswer> say(std::string verb) {
    return test::run(client_, ask(client_, address_, {std::move(verb), {}}, seconds(20)));
  }

  /// The answer to these bytes, sent in pieces; empty if the connection was closed without one.
  Task<std::string> talk(std::vector<std::string> pieces) {
    auto stream = co_await client_.connect(address_);
    EXPECT_TRUE(stream);
    for (const std::string& piece : pieces) {
      (void)co_await client_.sleep_for(milliseconds(5));
      (void)co_await test::write_text(**stream, piece);
    }
    ErrorCode end = ErrorCode::none;
    co_return co_await test::read_all(**stream, end);
  }
  std::string send(std::vector<std::string> pieces) {
    return test::run(client_, talk(std::move(pieces)));
  }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop();
  SimLoop& client_ = world_.add_loop();
  Address address_ = Address::unix_socket("/run/weir.sock");
  ControlServer server_{loop_, *this};
  int socket_ = -1;
  int asked_ = 0;
};

TEST_F(ControlServerTest, answers_what_it_is_asked) {
  auto answer = say("hello");
  ASSERT_TRUE(answer) << name(answer.error().code);
  EXPECT_TRUE(answer->ok);
  EXPECT_EQ(answer->text, "you said hello");
  EXPECT_FALSE(say("no")->ok);
}

TEST_F(ControlServerTest, waits_for_the_end_of_the_line) {
  std::string answer = send({R"({"version":1,)", R"("verb":"hello"})", "\nand more"});
  EXPECT_NE(answer.find("you said hello"), std::string::npos) << answer;
  EXPECT_EQ(asked_, 1);
}

TEST_F(ControlServerTest, says_what_is_wrong_with_a_request) {
  EXPECT_NE(send({"reload\n"}).find("not a JSON object"), std::string::npos);
  EXPECT_EQ(asked_, 0);
}

TEST_F(ControlServerTest, refuses_a_line_of_the_limit_and_takes_one_below) {
  std::string start = R"({"version":1,"verb":")";
  std::string end = "\"}";
  std::string verb(kMaxControlRequest - 1 - start.size() - end.size(), 'a');
  EXPECT_NE(send({start + verb + end + "\n"}).find("\"ok\":true"), std::string::npos);
  EXPECT_NE(send({start + verb + "a" + end + "\n"}).find("too long"), std::string::npos);
  EXPECT_NE(send({std::string(kMaxControlRequest, 'a')}).find("too long"), std::string::npos);
}

TEST_F(ControlServerTest, closes_on_a_client_that_says_nothing) {
  TimePoint began = world_.now();
  EXPECT_EQ(send({"{"}), "");
  EXPECT_GE(world_.now() - began, ControlServer::kPatience);
  EXPECT_LE(world_.now() - began, ControlServer::kPatience + seconds(1));
}

TEST_F(ControlServerTest, waits_for_an_answer_that_takes_longer_than_a_request_may) {
  auto answer = say("slow");
  ASSERT_TRUE(answer) << name(answer.error().code);
  EXPECT_EQ(answer->text, "you said slow");
}

TEST_F(ControlServerTest, gives_an_answer_that_is_under_way_when_it_ends) {
  std::optional<Result<ControlAnswer>> answer;
  Scope scope;
  scope.spawn([](SimLoop& loop, Address address, auto& into) -> Task<void> {
    into = co_await ask(loop, address, {"slow", {}}, seconds(20));
  }(client_, address_, answer));
  world_.run_for(seconds(1));
  EXPECT_EQ(asked_, 1);
  world_.spawn(loop_, server_.finish());
  world_.run_until([&] { return answer.has_value(); });
  EXPECT_EQ((**answer).text, "you said slow");
}

TEST_F(ControlServerTest, closes_connections_above_its_limit) {
  std::vector<std::unique_ptr<Stream>> open;
  auto connect = [](SimLoop& loop, Address address, auto& into) -> Task<void> {
    auto stream = co_await loop.connect(address);
    into.push_back(std::move(*stream));
  };
  for (std::uint32_t i = 0; i < ControlServer::kMaxConnections; ++i) {
    test::run(client_, connect(client_, address_, open));
  }
  world_.run_for(milliseconds(100));
  EXPECT_FALSE(say("hello"));
  open.clear();
  world_.run_for(milliseconds(100));
  EXPECT_TRUE(say("hello"));
}

TEST_F(ControlServerTest, client_reports_that_nobody_listens) {
  Address nobody = Address::unix_socket("/run/nobody.sock");
  auto answer = test::run(client_, ask(client_, nobody, {"hello", {}}, seconds(1)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::refused);
}

}  // namespace
}  // namespace weir

#include "http/h1/server_session.h"

#include <functional>

#include "http/h1/server_exchange.h"
#include "io/epoll_loop.h"
#include "io/sockets.h"
#include "io/testing.h"

namespace weir::h1 {
namespace {

/// Answers by the target: what it read of the body, a fixed text, or an error.
class Answers final : public Handler {
 public:
  Task<Result<Response>> handle(Exchange& exchange) const override {
    const Request& request = exchange.request();
    Response response(exchange.arena());
    std::string_view path = request.target.path;
    if (path == "/error") co_return fail(ErrorCode::refused, Origin::upstream, "test");
    if (path == "/early") {  // answers without looking at the body
      response.status = 403;
      response.body = exchange.own<MemoryBody>(Slice::unowned("no"));
      co_return response;
    }
    std::string_view content = path;
    while (request.body != nullptr) {
      Result<Slice> piece = co_await request.body->read();
      if (!piece) co_return fail(piece.error());
      if (piece->empty()) break;
      content = exchange.arena().concat({content, piece->view()});
    }
    response.body = exchange.own<MemoryBody>(Slice::unowned(content));
    co_return response;
  }
};

class TestService final : public Service {
 public:
  const SessionLimits& limits() const override { return limits_; }
  const Handler& attach(Exchange& exchange) override {
    exchange.at_end([this](Exchange& ended) {
      ++ended_;
      last_ = ended.outcome();
    });
    return answers_;
  }
  void detach(Exchange&) override {}
  void closed(const Peer&) override { ++closed_; }
  SessionCounters& counters() override { return counters_; }
  bool draining() const override { return draining_; }

  SessionLimits limits_;
  SessionCounters counters_;
  Answers answers_;
  Outcome last_;
  int ended_ = 0;
  int closed_ = 0;
  bool draining_ = false;
};

class ServerSessionTest : public testing::Test {
 public:
  ServerSessionTest() : loop_(std::move(make_epoll_loop(0, 1).value())) {}

  /// Sends `request` and reads up to the end of the connection.
  std::string talk(std::string_view request) {
    return test::run(*loop_, converse(std::string(request)));
  }
  Task<std::string> converse(std::string request) {
    test::Service listening(*loop_, network_);
    test::Pair pair = co_await test::connect_pair(*loop_, listening);
    Scope scope;
    ServerSession::serve(
        scope, std::make_unique<ServerSession>(std::move(pair.server),
                                               ConnectionFacts{{}, "test", false}, service_));
    (void)co_await test::write_text(*pair.client, request);
    ErrorCode end;
    std::string answer = co_await test::read_all(*pair.client, end);
    pair.client.reset();
    co_await scope.join();
    co_return answer;
  }

  KernelNetwork network_;
  std::unique_ptr<Loop> loop_;
  TestService service_;
};

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(ServerSessionTest, answers_and_closes_when_asked_to) {
  std::string answer = talk("GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(has(answer, "Content-Length: 2\r\n"));
  EXPECT_TRUE(has(answer, "Connection: close\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n/a"));
  EXPECT_EQ(service_.ended_, 1);
  EXPECT_EQ(service_.closed_, 1);
}

TEST_F(ServerSessionTest, answers_pipelined_requests_in_order) {
  std::string answer = talk(
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: "
      "3\r\n\r\nabc"
      "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::size_t first = answer.find("\r\n\r\n/1HTTP/1.1 200");
  std::size_t second = answer.find("\r\n\r\n/2abcHTTP/1.1 200");
  EXPECT_NE(first, std::string::npos);
  EXPECT_GT(second, first);
  EXPECT_TRUE(answer.ends_with("/3"));
  EXPECT_EQ(service_.ended_, 3);
}

TEST_F(ServerSessionTest, reads_a_chunked_body) {
  std::string answer = talk(
      "POST /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_TRUE(answer.ends_with("/cabcde"));
}

TEST_F(ServerSessionTest, sends_100_when_the_handler_wants_the_body) {
  auto dialogue = [](ServerSessionTest* self) -> Task<std::string> {
    test::Service listening(*self->loop_, self->network_);
    test::Pair pair = co_await test::connect_pair(*self->loop_, listening);
    Scope scope;
    ServerSession::serve(
        scope, std::make_unique<ServerSession>(std::move(pair.server),
                                               ConnectionFacts{{}, "test", false}, self->service_));
    (void)co_await test::write_text(*pair.client,
                                    "PUT /p HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                                    "Connection: close\r\nContent-Length: 2\r\n\r\n");
    std::string interim = co_await test::read_exactly(*pair.client, 25);
    (void)co_await test::write_text(*pair.client, "ok");
    ErrorCode end;
    std::string answer = co_await test::read_all(*pair.client, end);
    pair.client.reset();
    co_await scope.join();
    co_return interim + answer;
  };
  std::string all = test::run(*loop_, dialogue(this));
  EXPECT_TRUE(all.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(all.ends_with("/pok"));
}

TEST_F(ServerSessionTest, closes_after_an_answer_that_left_a_large_body_unread) {
  std::string answer =
      talk("POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nsome");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 "));
  EXPECT_TRUE(has(answer, "Connection: close\r\n"));
  EXPECT_EQ(service_.ended_, 1);
}

TEST_F(ServerSessionTest, announces_the_end_when_the_client_was_not_told_to_send_its_body) {
  std::string answer =
      talk("POST /early HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 "));
  EXPECT_TRUE(has(answer, "Connection: close\r\n"));
}

TEST_F(ServerSessionTest, waits_for_the_rest_of_a_small_body_that_nobody_read) {
  auto dialogue = [](ServerSessionTest* self) -> Task<std::string> {
    test::Service listening(*self->loop_, self->network_);
    test::Pair pair = co_await test::connect_pair(*self->loop_, listening);
    Scope scope;
    ServerSession::serve(
        scope, std::make_unique<ServerSession>(std::move(pair.server),
                                               ConnectionFacts{{}, "test", false}, self->service_));
    (void)co_await test::write_text(
        *pair.client, "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nso");
    std::string early = co_await test::read_exactly(*pair.client, 20);
    (void)co_await test::write_text(*pair.client,
                                    "meGET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    ErrorCode end;
    std::string answers = early + co_await test::read_all(*pair.client, end);
    pair.client.reset();
    co_await scope.join();
    co_return answers;
  };
  std::string all = test::run(*loop_, dialogue(this));
  EXPECT_TRUE(all.starts_with("HTTP/1.1 403 "));
  EXPECT_TRUE(all.ends_with("/next"));
}

TEST_F(ServerSessionTest, keeps_the_connection_when_the_unread_body_was_already_there) {
  std::string answer = talk(
      "POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nsome"
      "GET /next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(has(answer, "HTTP/1.1 403 "));
  EXPECT_TRUE(answer.ends_with("/next"));
}

TEST_F(ServerSessionTest, answers_what_breaks_the_protocol_once_and_closes) {
  std::string answer = talk(
      "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n"
      "\r\naGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 "));
  EXPECT_FALSE(has(answer, "smuggled"));
  EXPECT_EQ(service_.last_.error.code, ErrorCode::bad_framing);
}

TEST_F(ServerSessionTest, refuses_a_body_above_the_limit) {
  service_.limits_.max_body_bytes = 4;
  std::string announced = talk("POST /l HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde");
  EXPECT_TRUE(announced.starts_with("HTTP/1.1 413 "));
  std::string chunked = talk(
      "POST /l HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nabcde\r\n0\r\n\r\n");
  EXPECT_TRUE(chunked.starts_with("HTTP/1.1 413 "));
}

TEST_F(ServerSessionTest, tells_a_client_whose_head_takes_too_long) {
  service_.limits_.header_timeout = std::chrono::milliseconds(5);
  std::string answer = talk("GET /slow HTTP/1.1\r\nHost");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
}

TEST_F(ServerSessionTest, closes_an_idle_connection_without_a_word) {
  service_.limits_.idle_timeout = std::chrono::milliseconds(5);
  EXPECT_EQ(talk(""), "");
  EXPECT_EQ(service_.ended_, 0);
}

TEST_F(ServerSessionTest, shows_errors_as_pages_with_a_reason) {
  std::string answer = talk("GET /error HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 502 "));
  EXPECT_TRUE(has(answer, "\"code\": \"connect_refused\""));
  std::string page =
      talk("GET /error HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(has(page, "Content-Type: text/html"));
}

TEST_F(ServerSessionTest, closes_a_silent_connection_while_draining) {
  service_.draining_ = true;
  EXPECT_EQ(talk(""), "");
}

TEST_F(ServerSessionTest, keeps_an_http_1_0_connection_only_when_asked) {
  std::string closed = talk("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(has(closed, "Connection: close\r\n"));
  std::string kept =
      talk("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /b HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(has(kept, "Connection: keep-alive\r\n"));
  EXPECT_TRUE(kept.ends_with("/b"));
}

// What an idle connection holds, part by part. The frame of `serve` is measured by the recycler.
TEST(IdleConnection, is_small) {
  RecordProperty("session", static_cast<int>(sizeof(ServerSession)));
  EXPECT_LE(sizeof(ServerSession), 248u);
  EXPECT_LE(sizeof(OperationAwaiter<StreamRead>), 120u);
}

}  // namespace
}  // namespace weir::h1

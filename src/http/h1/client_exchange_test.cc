#include "http/h1/client_exchange.h"

#include <gmock/gmock.h>

#include "http/h1/scripted_origin.h"

namespace weir::h1 {
namespace {

using namespace std::chrono_literals;
using test::break_off;
using test::listen_on;
using test::pause;
using test::read_bytes;
using test::read_head;
using test::say;
using test::Script;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// A body that comes piece by piece, each after a pause.
class SlowBody final : public Body {
 public:
  SlowBody(Loop& loop, std::vector<std::string> pieces, Duration each, StopToken stop)
      : loop_(loop), pieces_(std::move(pieces)), pause_(each), stop_(stop) {}

  Task<Result<Slice>> read() override {
    Status waited = co_await loop_.sleep_for(pause_, stop_);
    if (!waited) co_return fail(waited.error());
    if (next_ < pieces_.size()) co_return copy_slice(pieces_[next_++]);
    if (failure.code != ErrorCode::none) co_return fail(failure);
    co_return Slice();
  }
  std::optional<Slice> try_read() override { return std::nullopt; }
  std::optional<std::uint64_t> length() const override { return announced; }
  const Headers* trailers() const override { return fields; }

  std::optional<std::uint64_t> announced;
  const Headers* fields = nullptr;
  Error failure;  // in place of the end

 private:
  Loop& loop_;
  std::vector<std::string> pieces_;
  std::size_t next_ = 0;
  Duration pause_;
  StopToken stop_;
};

/// What is sent.
struct Sent {
  std::string method = "GET";
  std::string target = "/";
  std::string upgrade;
  bool te_trailers = false;
  std::vector<std::string> body;  // in pieces; empty: none
  bool whole = false;             // the body is there at once, its length known
  Duration between{0};            // pieces of a body that is not
  std::optional<std::uint64_t> announced;
  std::string trailer;
  Error body_failure;
  Duration before_read{0};  // how long the client takes no byte of the answer's body
};

/// What came back.
struct Got {
  Error error;  // of the head, else of the body
  bool head = false;
  std::uint16_t status = 0;
  std::string fields;  // of the head: "name: value\n"
  std::string body;
  std::string trailers;
  std::optional<std::uint64_t> length;
  std::optional<std::uint64_t> announced;
  std::vector<std::uint16_t> interim;
  bool tunnel = false;
  std::string tunnel_unread;
  int kept = 0;            // how often the connection came back
  std::uint32_t uses = 0;  // as it came back
  Duration took{0};
};

std::string text_of(const Headers& headers) {
  std::string text;
  for (const Header& each : headers) {
    text += std::string(each.name()) + ": " + std::string(each.value()) + "\n";
  }
  return text;
}

class Home final : public ConnectionHome {
 public:
  void give_back(ClientConnection connection) override {
    ++kept;
    last = std::move(connection);
  }
  int kept = 0;
  ClientConnection last;
};

class Interims final : public InterimSink {
 public:
  Task<Status> send_interim(const Response& response) override {
    seen.push_back(response.status);
    co_return Status();
  }
  std::vector<std::uint16_t> seen;
};

class ClientExchangeTest : public ::testing::Test {
 protected:
  ClientExchangeTest() { begin(1); }
  ~ClientExchangeTest() override { end(); }

  void begin(std::uint64_t seed, const SimFaults& faults = {}) {
    world_ = std::make_unique<SimWorld>(seed, faults);
    loop_ = &world_->add_loop("10.0.0.1");
    limits_ = {{}, {}, 10s, 10s};
  }
  void end() {
    world_->stop_tasks();
    world_->run();
    origin_.reset();
    EXPECT_EQ(world_->check_clean(), "");
    world_.reset();
  }

  /// One exchange with an origin that follows `script`.
  Got ask(const Script& script, Sent sent = {}) {
    origin_ =
        std::make_unique<test::ScriptedOrigin>(*world_, "10.0.0.2:80", std::vector<Script>{script});
    return test::run(*loop_, talk(*loop_, origin_->address(), std::move(sent), limits_));
  }
  Got ask(std::string_view answer, Sent sent = {}) {
    return ask(test::answers(answer), std::move(sent));
  }
  const std::string& received() const { return origin_->received(); }

  static Task<Got> talk(Loop& loop, Address address, Sent sent, const ClientLimits& limits) {
    Got got;
    auto stream = co_await loop.connect(std::move(address));
    EXPECT_TRUE(stream);
    if (!stream) co_return got;
    ConnectionFacts facts;
    Interims interims;
    Home home;
    StopSource client;
    auto exchange = std::make_unique<Exchange>(loop, facts, client.token());
    exchange->interim_sink = &interims;
    TimePoint started = loop.now();
    co_await one(*exchange, {std::move(*stream), started, 0}, sent, limits, home, got);
    got.took = loop.now() - started;
    got.interim = interims.seen;
    co_await exchange->finish();
    exchange.reset();
    got.kept = home.kept;
    got.uses = home.last.uses;
    co_return got;
  }

  static Task<void> one(Exchange& exchange, ClientConnection connection, const Sent& sent,
                        const ClientLimits& limits, Home& home, Got& got) {
    Headers headers(exchange.arena());
    headers.add("Host", "a.test");
    Headers trailers(exchange.arena());
    trailers.add("X-Sum", sent.trailer);
    Body* body = nullptr;
    if (sent.whole) {
      body = exchange.own<MemoryBody>(Slice::unowned(sent.body.front()));
    } else if (!sent.body.empty()) {
      auto* slow =
          exchange.own<SlowBody>(exchange.loop(), sent.body, sent.between, exchange.stop());
      slow->announced = sent.announced;
      slow->failure = sent.body_failure;
      if (!sent.trailer.empty()) slow->fields = &trailers;
      body = slow;
    }
    if (sent.upgrade == "websocket") headers.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    auto* client = exchange.own<ClientExchange>(exchange, std::move(connection), home, limits,
                                                exchange.stop());
    Result<Response> response =
        co_await client->run({parse_method(sent.method), sent.method, sent.target, &headers, body,
                              sent.upgrade, sent.te_trailers});
    if (!response) {
      got.error = response.error();
      co_return;
    }
    got.head = true;
    got.status = response->status;
    got.fields = text_of(response->headers);
    got.announced = response->announced_length;
    if (response->tunnel) {
      got.tunnel = true;
      got.tunnel_unread = response->tunnel->unread.view();
    }
    if (response->body == nullptr) co_return;
    got.length = response->body->length();
    if (sent.before_read > Duration(0)) (void)co_await exchange.loop().sleep_for(sent.before_read);
    co_await take(*response->body, got);
  }

  static Task<void> take(Body& body, Got& got) {
    while (true) {
      Result<Slice> piece = co_await body.read();
      if (!piece) {
        got.error = piece.error();
        co_return;
      }
      if (piece->empty()) break;
      got.body += piece->view();
    }
    if (body.trailers() != nullptr) got.trailers = text_of(*body.trailers());
  }

  std::unique_ptr<SimWorld> world_;
  SimLoop* loop_ = nullptr;
  ClientLimits limits_;
  std::unique_ptr<test::ScriptedOrigin> origin_;
};

// --- the request -------------------------------------------------------------------------------

TEST_F(ClientExchangeTest, sends_a_request_without_a_body_and_no_framing_for_it) {
  Got got = ask(kHello, {.target = "/a?b=1"});
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(received(), "GET /a?b=1 HTTP/1.1\r\nHost: a.test\r\n\r\n");
}

TEST_F(ClientExchangeTest, says_that_a_post_without_a_body_has_none) {
  for (std::string method : {"POST", "PUT", "PATCH"}) {
    end();
    begin(1);
    ask(kHello, {.method = method});
    EXPECT_THAT(received(), HasSubstr("Content-Length: 0\r\n")) << method;
  }
}

TEST_F(ClientExchangeTest, announces_the_length_of_a_body_that_is_known) {
  Got got = ask({read_head(), read_bytes(7), say(std::string(kHello)), listen_on()},
                {.method = "POST", .body = {"content"}, .whole = true});
  EXPECT_EQ(got.status, 200);
  EXPECT_THAT(received(), HasSubstr("Content-Length: 7\r\n"));
  EXPECT_TRUE(received().ends_with("\r\n\r\ncontent"));
  EXPECT_EQ(got.kept, 1);
}

TEST_F(ClientExchangeTest, sends_a_body_of_unknown_length_in_chunks_and_its_trailers_at_the_end) {
  std::string chunks = "3\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n";
  Got got = ask({read_head(), read_bytes(chunks.size()), say(std::string(kHello)), listen_on()},
                {.method = "POST", .body = {"abc", "de"}, .between = 1ms, .trailer = "5"});
  EXPECT_EQ(got.status, 200);
  EXPECT_THAT(received(), HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_TRUE(received().ends_with("\r\n\r\n" + chunks)) << received();
  EXPECT_EQ(got.kept, 1);
}

TEST_F(ClientExchangeTest, names_what_concerns_this_connection_only) {
  ask(kHello, {.te_trailers = true});
  EXPECT_THAT(received(), HasSubstr("Connection: te\r\nTE: trailers\r\n"));
}

TEST_F(ClientExchangeTest, never_ends_a_chunked_body_that_the_client_did_not_end) {
  Got got = ask({read_head(), listen_on()},
                {.method = "POST",
                 .body = {"abc"},
                 .between = 1ms,
                 .body_failure = Error(ErrorCode::truncated, Origin::client)});
  EXPECT_EQ(got.error.code, ErrorCode::truncated);
  EXPECT_EQ(got.error.origin, Origin::client);
  EXPECT_EQ(got.error.retry, Retry::never);
  EXPECT_TRUE(received().ends_with("3\r\nabc\r\n")) << received();
  EXPECT_EQ(got.kept, 0);
}

TEST_F(ClientExchangeTest, sends_nothing_that_would_break_the_head) {
  Got got = ask(kHello, {.target = "/a b"});
  EXPECT_FALSE(got.head);
  EXPECT_EQ(received(), "");
}

// --- the response ------------------------------------------------------------------------------

TEST_F(ClientExchangeTest, gives_fields_body_and_length) {
  Got got = ask("HTTP/1.1 404 Gone fishing\r\nX-A: 1\r\nContent-Length: 5\r\nX-B: 2\r\n\r\nhello");
  EXPECT_EQ(got.status, 404);
  EXPECT_EQ(got.fields, "X-A: 1\nX-B: 2\n");
  EXPECT_EQ(got.length, 5u);
  EXPECT_EQ(got.body, "hello");
}

TEST_F(ClientExchangeTest, gives_a_chunked_body_with_its_trailers) {
  Got got =
      ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Sum: 5\r\nContent-Length: 9\r\n\r\n");
  EXPECT_EQ(got.body, "abcde");
  EXPECT_EQ(got.length, std::nullopt);
  EXPECT_EQ(got.trailers, "X-Sum: 5\n");
  EXPECT_EQ(got.fields, "");
  EXPECT_EQ(got.kept, 1);
}

TEST_F(ClientExchangeTest, removes_what_concerned_that_connection_only) {
  Got got = ask(
      "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
      "X-End: 2\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(got.fields, "X-End: 2\n");
}

TEST_F(ClientExchangeTest, knows_answers_that_have_no_body_whatever_they_announce) {
  for (auto [method, answer] :
       {std::pair{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"},
        {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n"}}) {
    end();
    begin(1);
    Got got = ask(answer, {.method = method});
    EXPECT_TRUE(got.head) << method;
    EXPECT_EQ(got.announced, 1234u) << method;
    EXPECT_EQ(got.body, "");
    EXPECT_EQ(got.kept, 1) << method;
  }
  end();
  begin(1);
  EXPECT_EQ(ask("HTTP/1.1 204 No Content\r\n\r\n").kept, 1);
}

TEST_F(ClientExchangeTest, reads_a_body_that_ends_with_the_connection) {
  Got got = ask({read_head(), say("HTTP/1.1 200 OK\r\n\r\nhel"), pause(1s), say("lo")});
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.error.code, ErrorCode::none);
  EXPECT_EQ(got.kept, 0);
}

TEST_F(ClientExchangeTest, takes_a_reset_for_no_end_of_a_body) {
  Got got = ask({read_head(), say("HTTP/1.1 200 OK\r\n\r\nhel"), pause(1s), break_off()});
  EXPECT_EQ(got.error.code, ErrorCode::reset);
  EXPECT_EQ(got.kept, 0);
}

TEST_F(ClientExchangeTest, takes_an_early_end_for_no_end_of_a_body_that_has_one) {
  for (std::string framing :
       {"Content-Length: 5\r\n\r\nhell", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    end();
    begin(1);
    Got got = ask({read_head(), say("HTTP/1.1 200 OK\r\n" + framing)});
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.error.code, ErrorCode::truncated) << framing;
    EXPECT_EQ(got.error.origin, Origin::upstream);
    EXPECT_EQ(got.kept, 0);
  }
}

TEST_F(ClientExchangeTest, reads_a_head_however_it_is_cut) {
  Script drip = {read_head()};
  for (char each : kHello) {
    drip.push_back(say(std::string(1, each)));
    drip.push_back(pause(1ms));
  }
  drip.push_back(listen_on());
  Got got = ask(drip);
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.kept, 1);
}

TEST_F(ClientExchangeTest, refuses_what_is_no_response) {
  for (auto [answer, code] :
       {std::pair{"SSH-2.0-OpenSSH_9.2\r\n\r\n", ErrorCode::parse},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
         ErrorCode::bad_framing},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         ErrorCode::bad_framing}}) {
    end();
    begin(1);
    Got got = ask(answer);
    EXPECT_FALSE(got.head) << answer;
    EXPECT_EQ(got.error.code, code) << answer;
    EXPECT_EQ(got.error.origin, Origin::upstream);
    EXPECT_EQ(got.error.retry, Retry::never);
    EXPECT_EQ(got.kept, 0);
  }
}

TEST_F(ClientExchangeTest, bounds_the_head) {
  const std::string head =
      "HTTP/1.1 200 OK\r\nX: " + std::string(50, 'x') + "\r\nContent-Length: 0\r\n\r\n";
  for (int extra : {-1, 0, 1}) {
    end();
    begin(1);
    limits_.head.head_bytes = static_cast<std::uint32_t>(static_cast<int>(head.size()) + extra);
    Got got = ask(head);
    EXPECT_EQ(got.head, extra >= 0) << extra;
    if (extra < 0) EXPECT_EQ(got.error.code, ErrorCode::head_too_large);
  }
}

// --- interim responses -------------------------------------------------------------------------

TEST_F(ClientExchangeTest, passes_interim_responses_on_but_for_100) {
  Got got =
      ask("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
          "HTTP/1.1 102 Processing\r\n\r\n" +
          std::string(kHello));
  EXPECT_EQ(got.interim, (std::vector<std::uint16_t>{103, 102}));
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.kept, 1);
}

TEST_F(ClientExchangeTest, takes_32_interim_responses_and_no_more) {
  for (int count : {31, 32, 33}) {
    end();
    begin(1);
    std::string answer;
    for (int i = 0; i < count; ++i) answer += "HTTP/1.1 102 Processing\r\n\r\n";
    Got got = ask(answer + std::string(kHello));
    EXPECT_EQ(got.head, count <= 32) << count;
    if (count > 32) EXPECT_EQ(got.error.code, ErrorCode::bad_gateway);
  }
}

TEST_F(ClientExchangeTest, gives_each_interim_response_the_whole_time_for_the_next_head) {
  Got got = ask({read_head(), pause(9s), say("HTTP/1.1 102 Processing\r\n\r\n"), pause(9s),
                 say(std::string(kHello)), listen_on()});
  EXPECT_EQ(got.status, 200);
}

// --- whether the connection lives on -----------------------------------------------------------

TEST_F(ClientExchangeTest, keeps_a_connection_only_if_both_sides_are_done_with_it) {
  for (auto [answer, kept] :
       {std::pair{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", 0},
        {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", 0},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", 1},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", 1},
        // Bytes that nobody asked for: they must not become the next answer.
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc", 0},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 0},
        {"HTTP/1.1 204 No Content\r\n\r\nx", 0},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", 0},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx", 0}}) {
    end();
    begin(1);
    Got got = ask(answer);
    EXPECT_TRUE(got.head) << answer;
    EXPECT_EQ(got.error.code, ErrorCode::none) << answer;
    EXPECT_EQ(got.kept, kept) << answer;
  }
}

TEST_F(ClientExchangeTest, counts_the_uses_of_a_connection) { EXPECT_EQ(ask(kHello).uses, 1u); }

TEST_F(ClientExchangeTest, closes_a_connection_whose_answer_came_before_the_upload_was_done) {
  Got got = ask({read_head(), say(std::string(kHello)), listen_on()},
                {.method = "POST", .body = {"a", "b", "c"}, .between = 1s});
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "hello");
  EXPECT_LT(got.took, 1s) << "the answer does not wait for the upload";
  EXPECT_EQ(got.kept, 0);
}

// --- 101 ---------------------------------------------------------------------------------------

TEST_F(ClientExchangeTest, gives_a_tunnel_with_what_came_behind_the_head) {
  Got got =
      ask("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nfirst",
          {.upgrade = "echo"});
  EXPECT_EQ(got.status, 101);
  EXPECT_TRUE(got.tunnel);
  EXPECT_THAT("first", StartsWith(got.tunnel_unread));
  EXPECT_THAT(received(), HasSubstr("Connection: upgrade\r\nUpgrade: echo\r\n"));
  EXPECT_EQ(got.kept, 0);
}

TEST_F(ClientExchangeTest, refuses_a_101_that_nobody_asked_for) {
  for (std::string asked : {"", "echo"}) {
    end();
    begin(1);
    Got got =
        ask("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n",
            {.upgrade = asked});
    EXPECT_FALSE(got.head);
    EXPECT_EQ(got.error.code, ErrorCode::bad_gateway);
    EXPECT_FALSE(got.tunnel);
  }
}

TEST_F(ClientExchangeTest, refuses_a_websocket_whose_accept_is_not_that_of_its_key) {
  for (auto [accept, good] : {std::pair{"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", true},
                              {"AAAAAAAAAAAAAAAAAAAAAAAAAAA=", false},
                              {"", false}}) {
    end();
    begin(1);
    Got got =
        ask("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Accept: " +
                std::string(accept) + "\r\n\r\n",
            {.upgrade = "websocket"});
    EXPECT_EQ(got.tunnel, good) << accept;
    EXPECT_EQ(got.error.code, good ? ErrorCode::none : ErrorCode::bad_gateway);
  }
}

// --- origins that go away ----------------------------------------------------------------------

TEST_F(ClientExchangeTest, says_what_may_be_repeated) {
  for (const auto& [script, retry] :
       {std::pair{Script{read_head()}, Retry::if_unsent},
        {Script{read_head(), break_off()}, Retry::if_unsent},
        {Script{read_head(), say("H"), pause(1s)}, Retry::never},
        {Script{read_head(), say("HTTP/1.1 200 OK\r\n"), pause(1s), break_off()}, Retry::never},
        {Script{read_head(), say("HTTP/1.1 103 Early Hints\r\n\r\n"), pause(1s)}, Retry::never}}) {
    end();
    begin(1);
    Got got = ask(script);
    EXPECT_EQ(got.error.code, ErrorCode::reset);
    EXPECT_EQ(got.error.origin, Origin::upstream);
    EXPECT_EQ(got.error.retry, retry) << script.size();
    EXPECT_EQ(got.kept, 0);
  }
}

// RFC 9112, 9.6: an origin that has seen enough answers and closes; its answer wins over the
// failed write.
TEST_F(ClientExchangeTest, reads_the_answer_of_an_origin_that_stopped_taking_the_upload) {
  const std::string refusal =
      "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nmuch";
  int answered = 0;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    end();
    begin(seed);
    std::vector<std::string> body(64, std::string(64 * 1024, 'u'));
    Script reset = {read_head(), read_bytes(1000), say(refusal), pause(5ms), break_off()};
    Got got = ask(reset, {.method = "POST", .body = body, .between = 100us});
    EXPECT_EQ(got.kept, 0);
    if (got.head && got.error.code == ErrorCode::none) {
      EXPECT_EQ(got.status, 413);
      EXPECT_EQ(got.body, "much");
      ++answered;
    } else {  // the network lost it together with the connection
      EXPECT_EQ(got.error.code, ErrorCode::reset) << seed;
    }
  }
  EXPECT_GT(answered, 15);
}

TEST_F(ClientExchangeTest, reports_a_reset_during_the_upload) {
  std::vector<std::string> body(64, std::string(64 * 1024, 'u'));
  Got got = ask({read_head(), read_bytes(1000), break_off()},
                {.method = "POST", .body = body, .between = 100us});
  EXPECT_FALSE(got.head);
  EXPECT_EQ(got.error.code, ErrorCode::reset);
  EXPECT_EQ(got.error.origin, Origin::upstream);
}

TEST_F(ClientExchangeTest, goes_on_with_the_upload_while_it_reads_the_answer) {
  std::string echoed = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n";
  Got got = ask({read_head(), read_bytes(6), say(echoed), read_bytes(6 + 5),
                 say("1\r\nb\r\n0\r\n\r\n"), listen_on()},
                {.method = "POST", .body = {"a", "b"}, .between = 100ms});
  EXPECT_EQ(got.body, "ab");
  EXPECT_EQ(got.kept, 1);
}

// --- time --------------------------------------------------------------------------------------

TEST_F(ClientExchangeTest, waits_for_the_head_so_long_and_no_longer) {
  EXPECT_EQ(ask({read_head(), pause(9900ms), say(std::string(kHello)), listen_on()}).status, 200);
  end();
  begin(1);
  Got got = ask({read_head(), pause(11s), say(std::string(kHello)), listen_on()});
  EXPECT_EQ(got.error.code, ErrorCode::response_timeout);
  EXPECT_EQ(got.error.origin, Origin::upstream);
  EXPECT_EQ(got.error.retry, Retry::if_unsent);
  EXPECT_GE(got.took, 10s);
  EXPECT_LT(got.took, 11s);
}

TEST_F(ClientExchangeTest, waits_for_a_client_that_sends_slowly) {
  Got got = ask({read_head(), read_bytes(7), say(std::string(kHello)), listen_on()},
                {.method = "POST",
                 .body = {"c", "o", "n", "t", "e", "n", "t"},
                 .between = 5s,
                 .announced = 7});
  EXPECT_EQ(got.status, 200);
  EXPECT_GE(got.took, 35s);
}

TEST_F(ClientExchangeTest, gives_up_a_body_that_stands_still) {
  Got got = ask({read_head(), say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"), listen_on()});
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.error.code, ErrorCode::idle_timeout);
  EXPECT_EQ(got.error.origin, Origin::upstream);
  EXPECT_GE(got.took, 10s);
  EXPECT_LE(got.took, 21s);
}

TEST_F(ClientExchangeTest, lets_a_body_take_any_time_as_long_as_it_moves) {
  Script drip = {read_head(), say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")};
  for (char each : std::string_view("hello")) {
    drip.push_back(pause(9s));
    drip.push_back(say(std::string(1, each)));
  }
  drip.push_back(listen_on());
  Got got = ask(drip);
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.kept, 1);
}

TEST_F(ClientExchangeTest, does_not_blame_the_origin_for_a_client_that_takes_nothing) {
  Got got = ask({read_head(), say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"), pause(1s),
                 say("llo"), listen_on()},
                {.before_read = 60s});
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.error.code, ErrorCode::none);
}

TEST_F(ClientExchangeTest, gives_up_an_origin_that_takes_nothing_of_the_upload) {
  std::vector<std::string> body(40, std::string(64 * 1024, 'u'));
  Got got = ask({read_head(), pause(120s)}, {.method = "POST", .body = body, .between = 1ms});
  EXPECT_FALSE(got.head);
  EXPECT_EQ(got.error.code, ErrorCode::response_timeout);
  EXPECT_LT(got.took, 30s);
}

TEST_F(ClientExchangeTest, lets_an_upload_take_any_time_as_long_as_the_origin_takes_it) {
  constexpr std::size_t kPiece = 64 * 1024;
  Script slow = {read_head()};
  for (int i = 0; i < 40; ++i) {
    slow.push_back(read_bytes(kPiece));
    slow.push_back(pause(1s));
  }
  slow.push_back(say(std::string(kHello)));
  slow.push_back(listen_on());
  Got got = ask(slow, {.method = "POST",
                       .body = std::vector<std::string>(40, std::string(kPiece, 'u')),
                       .between = 1ms,
                       .announced = 40 * kPiece});
  EXPECT_EQ(got.status, 200) << name(got.error.code);
  EXPECT_EQ(got.kept, 1);
}

TEST_F(ClientExchangeTest, counts_the_time_for_the_head_from_the_end_of_the_request) {
  Got got = ask({read_head(), read_bytes(8), pause(9s), say(std::string(kHello)), listen_on()},
                {.method = "POST", .body = {"some", "body"}, .between = 4s, .announced = 8});
  EXPECT_EQ(got.status, 200) << name(got.error.code);
  end();
  begin(1);
  got = ask({read_head(), listen_on()},
            {.method = "POST", .body = {"some", "body"}, .between = 4s, .announced = 8});
  EXPECT_EQ(got.error.code, ErrorCode::response_timeout);
  EXPECT_GE(got.took, 18s);
  EXPECT_LE(got.took, 19s);
}

}  // namespace
}  // namespace weir::h1

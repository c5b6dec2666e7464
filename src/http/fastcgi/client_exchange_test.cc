#include "http/fastcgi/client_exchange.h"

#include <gmock/gmock.h>

#include "core/log.h"
#include "http/fastcgi/testing.h"
#include "http/h1/scripted_origin.h"

namespace weir::fastcgi {
namespace {

using namespace std::chrono_literals;
using test::break_off;
using test::end_of_input;
using test::end_request;
using test::error_output;
using test::listen_on;
using test::output;
using test::pause;
using test::read_until;
using test::record;
using test::say;
using test::Script;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kHead = "Content-Type: text/plain\r\n\r\n";

/// A body of which each piece comes after a pause; the first at once if there is none.
class PacedBody final : public Body {
 public:
  PacedBody(Loop& loop, std::vector<std::string> pieces, Duration each, StopToken stop)
      : loop_(loop), pieces_(std::move(pieces)), pause_(each), stop_(stop) {
    for (const std::string& piece : pieces_) announced += piece.size();
  }
  Task<Result<Slice>> read() override {
    Status waited = co_await loop_.sleep_for(pause_, stop_);
    if (!waited) co_return fail(waited.error());
    if (next_ < pieces_.size()) co_return copy_slice(pieces_[next_++]);
    if (failure.code != ErrorCode::none) co_return fail(failure);
    co_return Slice();
  }
  std::optional<Slice> try_read() override {
    if (pause_ > Duration::zero() || next_ == pieces_.size()) return std::nullopt;
    return copy_slice(pieces_[next_++]);
  }
  std::optional<std::uint64_t> length() const override { return announced; }

  std::uint64_t announced = 0;
  Error failure;  // in place of the end

 private:
  Loop& loop_;
  std::vector<std::string> pieces_;
  std::size_t next_ = 0;
  Duration pause_;
  StopToken stop_;
};

struct Sent {
  Method method = Method::get;
  std::vector<std::string> body;  // in pieces; empty: none
  Duration between{0};
  std::uint64_t more_announced = 0;  // than there is
  Error body_failure;
  bool keep = false;
  Duration leaves{0};       // the client goes after so long; zero: it stays
  Duration before_read{0};  // how long the client takes no byte of the answer's body
};

struct Got {
  Error error;  // of the head, else of the body
  bool head = false;
  std::uint16_t status = 0;
  std::string reason;
  std::string fields;  // of the head: "name: value\n"
  std::string body;
  bool has_body = false;
  std::optional<std::uint64_t> length;
  std::optional<std::uint64_t> announced;
  int kept = 0;  // how often the connection came back
  Duration took{0};
};

class Home final : public h1::ConnectionHome {
 public:
  void give_back(h1::ClientConnection connection) override {
    ++kept;
    last = std::move(connection);
  }
  int kept = 0;
  h1::ClientConnection last;
};

struct Leave : Timer {
  explicit Leave(StopSource& of)
      : Timer([](Timer& self) {
          static_cast<Leave&>(self).client.request(
              Error(ErrorCode::client_gone, Origin::client, "test"));
        }),
        client(of) {}
  StopSource& client;
};

class FastCgiExchangeTest : public ::testing::Test {
 protected:
  FastCgiExchangeTest() {
    begin();
    set_log_sink([this](std::string_view line) { log_ += line; });
  }
  ~FastCgiExchangeTest() override {
    end();
    set_log_sink(nullptr);
  }
  void begin() {
    world_ = std::make_unique<SimWorld>(++seed_, faults_);
    loop_ = &world_->add_loop("10.0.0.1");
    limits_ = {{}, {}, 10s, 10s};
  }
  void end() {
    world_->stop_tasks();
    world_->run();
    application_.reset();
    EXPECT_EQ(world_->check_clean(), "");
    world_.reset();
  }

  /// One exchange with an application that follows `script`, in a world of its own.
  Got ask(const Script& script, Sent sent = {}) {
    end();
    begin();
    application_ = std::make_unique<test::ScriptedOrigin>(*world_, "10.0.0.2:9000",
                                                          std::vector<Script>{script});
    return test::run(*loop_, talk(*loop_, application_->address(), std::move(sent), limits_));
  }
  /// One that reads the whole request and then says `answer`.
  Got ask(std::string answer, Sent sent = {}) {
    return ask(Script{read_until(end_of_input()), say(std::move(answer))}, std::move(sent));
  }
  test::SentToApplication received() const {
    return test::sent_to_application(application_->received());
  }

  static Task<Got> talk(Loop& loop, Address address, Sent sent, const h1::ClientLimits& limits) {
    Got got;
    auto stream = co_await loop.connect(std::move(address));
    EXPECT_TRUE(stream);
    if (!stream) co_return got;
    ConnectionFacts facts;
    Home home;
    StopSource client;
    Leave leave(client);
    if (sent.leaves > Duration::zero()) loop.timers().arm(leave, loop.now() + sent.leaves);
    auto exchange = std::make_unique<Exchange>(loop, facts, client.token());
    TimePoint started = loop.now();
    auto* asked = exchange->own<ClientExchange>(*exchange, h1::ClientConnection{std::move(*stream)},
                                                home, limits, exchange->stop());
    co_await one(*exchange, *asked, sent, got);
    got.took = loop.now() - started;
    co_await exchange->finish();
    got.kept = home.kept;
    co_return got;
  }

  static Task<void> one(Exchange& exchange, ClientExchange& asked, const Sent& sent, Got& got) {
    Headers headers(exchange.arena());
    headers.add("Host", "a.test");
    Params params(exchange.arena());
    params.add("SCRIPT_NAME", "/a.php");
    PacedBody* body = nullptr;
    if (!sent.body.empty()) {
      body = exchange.own<PacedBody>(exchange.loop(), sent.body, sent.between, exchange.stop());
      body->failure = sent.body_failure;
      body->announced += sent.more_announced;
    }
    h1::ClientRequest request{sent.method, "X", "/", &headers, body, {}, false};
    Result<Response> response = co_await asked.run(request, Call{&params, sent.keep});
    if (!response) {
      got.error = response.error();
      co_return;
    }
    got.head = true;
    got.status = response->status;
    got.reason = response->reason;
    for (const Header& each : response->headers) {
      got.fields += std::string(each.name()) + ": " + std::string(each.value()) + "\n";
    }
    got.announced = response->announced_length;
    got.has_body = response->body != nullptr;
    if (response->body == nullptr) co_return;
    got.length = response->body->length();
    if (sent.before_read > Duration::zero()) {
      (void)co_await exchange.loop().sleep_for(sent.before_read, exchange.stop());
    }
    // As a session does: what is known to be the last byte is not followed by another read.
    while (!got.length || got.body.size() < *got.length) {
      Result<Slice> piece = co_await response->body->read();
      if (!piece) got.error = piece.error();
      if (!piece || piece->empty()) break;
      got.body += piece->view();
    }
  }

  std::uint64_t seed_ = 0;
  SimFaults faults_;
  std::unique_ptr<SimWorld> world_;
  SimLoop* loop_ = nullptr;
  h1::ClientLimits limits_;
  std::unique_ptr<test::ScriptedOrigin> application_;
  std::string log_;
};

std::string whole(std::string_view text) { return output(text) + output("") + end_request(); }

// --- the request -------------------------------------------------------------------------------

TEST_F(FastCgiExchangeTest, sends_a_request_and_gives_the_answer) {
  Got got = ask(whole("Status: 404 Gone Away\r\nContent-Type: text/plain\r\nX-A: b\r\n\r\nhello"));
  EXPECT_EQ(got.error.code, ErrorCode::none);
  EXPECT_EQ(got.status, 404);
  EXPECT_EQ(got.reason, "Gone Away");
  EXPECT_EQ(got.fields, "Content-Type: text/plain\nX-A: b\n");
  EXPECT_EQ(got.body, "hello");
  EXPECT_FALSE(got.length);
  EXPECT_EQ(got.kept, 0);
  test::SentToApplication sent = received();
  EXPECT_FALSE(sent.keep);
  EXPECT_EQ(sent.params["SCRIPT_NAME"], "/a.php");
  EXPECT_EQ(sent.params["HTTP_HOST"], "a.test");
  EXPECT_TRUE(sent.body_ended);
  EXPECT_EQ(sent.body, "");
}

TEST_F(FastCgiExchangeTest, sends_a_body_of_any_size_whole) {
  for (std::size_t size : {1u, 65535u, 65536u, 65535u * 8, 65535u * 8 + 1, 3'000'000u}) {
    std::string body = test::pattern(size, size);
    Got got = ask(whole(kHead), {.body = {body}});
    EXPECT_EQ(got.error.code, ErrorCode::none) << size;
    EXPECT_EQ(received().body, body) << size;
    EXPECT_TRUE(received().body_ended) << size;
  }
}

TEST_F(FastCgiExchangeTest, sends_a_body_as_it_comes) {
  std::vector<std::string> pieces;
  std::string all;
  for (int i = 0; i < 30; ++i) all += pieces.emplace_back(test::pattern(50000, i));
  Got got = ask(whole(kHead), {.body = pieces, .between = 1s});
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(received().body, all);
  EXPECT_GT(got.took, 29s);  // longer than every timeout: it moves
}

TEST_F(FastCgiExchangeTest, arrives_whole_in_any_weather) {
  std::string body = test::pattern(200'000, 1);
  std::string answer = std::string(kHead) + test::pattern(60'000, 2);
  faults_.partial = 300;
  faults_.wait = 300;
  for (int seed = 1; seed <= 50; ++seed) {
    Got got = ask(output(answer, 7) + error_output("e") + output("end") + end_request(),
                  {.body = {body.substr(0, 100'000), body.substr(100'000)}, .keep = true});
    EXPECT_EQ(got.body, answer.substr(kHead.size()) + "end") << seed;
    EXPECT_EQ(received().body, body) << seed;
    EXPECT_EQ(got.kept, 1) << seed;
  }
}

TEST_F(FastCgiExchangeTest, gives_an_answer_that_comes_before_the_end_of_the_upload) {
  Got got = ask(Script{test::read_bytes(50), say(whole("Status: 413\n\n")), listen_on()},
                {.body = {std::string(10, 'x'), std::string(10, 'y')}, .between = 5s});
  EXPECT_EQ(got.status, 413);
  EXPECT_LT(got.took, 1s);
}

TEST_F(FastCgiExchangeTest, ends_the_request_when_the_client_fails_it) {
  Sent sent{.body = {"half"}, .between = 1s, .more_announced = 4};
  sent.body_failure = Error(ErrorCode::truncated, Origin::client, "test");
  Got got = ask(Script{listen_on()}, sent);
  EXPECT_EQ(got.error.code, ErrorCode::truncated);
  EXPECT_EQ(got.error.origin, Origin::client);
  EXPECT_EQ(got.error.retry, Retry::never);
  EXPECT_FALSE(received().body_ended);
}

TEST_F(FastCgiExchangeTest, never_tells_the_application_that_a_short_body_is_whole) {
  Got got = ask(Script{listen_on()}, {.body = {"half"}, .between = 1s, .more_announced = 1});
  EXPECT_EQ(got.error.code, ErrorCode::truncated);
  EXPECT_FALSE(received().body_ended);
}

// --- the answer --------------------------------------------------------------------------------

TEST_F(FastCgiExchangeTest, streams_an_answer_as_it_comes) {
  Script script{read_until(end_of_input()), say(output("Content-"))};
  for (int i = 0; i < 5; ++i) {
    script.push_back(pause(8s));
    script.push_back(say(output(i == 0 ? "Type: a/b\n\n" : "x")));
  }
  script.push_back(say(end_request()));
  Got got = ask(script);
  EXPECT_EQ(got.body, "xxxx");
  EXPECT_EQ(got.error.code, ErrorCode::none);
  EXPECT_GT(got.took, 39s);
}

TEST_F(FastCgiExchangeTest, knows_the_length_that_the_application_says) {
  Got got = ask(whole("Content-Length: 5\r\n\r\nhello"));
  EXPECT_EQ(got.length, 5u);
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.fields, "");
  got = ask(whole("Content-Length: 0\r\n\r\n"));
  EXPECT_FALSE(got.has_body);
  EXPECT_EQ(got.announced, 0u);
}

TEST_F(FastCgiExchangeTest, breaks_off_an_answer_that_is_shorter_or_longer_than_it_says) {
  Got got = ask(whole("Content-Length: 6\r\n\r\nhello"));
  EXPECT_EQ(got.error.code, ErrorCode::truncated);
  got = ask(output("Content-Length: 4\r\n\r\nhell") + output("o") + end_request());
  EXPECT_EQ(got.error.code, ErrorCode::bad_framing);
  got = ask(output("Content-Length: 4\r\n\r\n") + output("hel") + output("lo") + end_request());
  EXPECT_EQ(got.error.code, ErrorCode::bad_framing);
  for (std::string_view bad : {"Content-Length: +5", "Content-Length: 5\nContent-Length: 5",
                               "Content-Length: 0x5", "Content-Length: 5,5"}) {
    got = ask(whole(std::string(bad) + "\n\nhello"));
    EXPECT_EQ(got.error.code, ErrorCode::bad_framing) << bad;
    EXPECT_FALSE(got.head);
  }
}

TEST_F(FastCgiExchangeTest, takes_an_answer_without_its_end_for_broken_off) {
  Got got = ask(output(std::string(kHead) + "hel"));
  EXPECT_EQ(got.error.code, ErrorCode::truncated);
  EXPECT_EQ(got.body, "hel");
  got = ask(output(std::string(kHead) + "hel") + output(""));
  EXPECT_EQ(got.error.code, ErrorCode::truncated);
  got = ask(Script{read_until(end_of_input()), say(output(std::string(kHead) + "hel")), pause(1s),
                   break_off()});
  EXPECT_EQ(got.error.code, ErrorCode::reset);
  got = ask(output("Content-Length: 6\r\n\r\nhel"));
  EXPECT_EQ(got.error.code, ErrorCode::truncated);
}

TEST_F(FastCgiExchangeTest, drops_what_is_said_about_the_connection) {
  Got got =
      ask(whole("Connection: close, X-B\nKeep-Alive: 1\nTransfer-Encoding: chunked\n"
                "X-A: 1\nX-B: 2\n\nhello"));
  EXPECT_EQ(got.fields, "X-A: 1\n");
  EXPECT_EQ(got.body, "hello");
}

TEST_F(FastCgiExchangeTest, has_no_body_where_http_has_none) {
  Got got = ask(whole("Content-Length: 5\r\n\r\n"), {.method = Method::head});
  EXPECT_EQ(got.status, 200);
  EXPECT_FALSE(got.has_body);
  EXPECT_EQ(got.announced, 5u);
  for (std::string_view status : {"Status: 204\n\n", "Status: 304\n\n"}) {
    got = ask(whole(std::string(status) + "no"), {.keep = true});
    EXPECT_FALSE(got.has_body);
    EXPECT_EQ(got.kept, 1);
    EXPECT_EQ(got.error.code, ErrorCode::none);
  }
}

TEST_F(FastCgiExchangeTest, refuses_an_answer_that_is_none) {
  EXPECT_EQ(ask(whole("no head at all\n\n")).error.code, ErrorCode::parse);
  EXPECT_EQ(ask(end_request()).error.code, ErrorCode::bad_gateway);
  EXPECT_EQ(ask(whole("A: b\n")).error.code, ErrorCode::bad_gateway);
  EXPECT_EQ(ask(record(11, std::string(8, '\0'))).error.code, ErrorCode::bad_framing);
  EXPECT_EQ(ask("HTTP/1.1 200 OK\r\n\r\n").error.code, ErrorCode::bad_framing);
  Got got = ask(output("A: " + std::string(40'000, 'x')));
  EXPECT_EQ(got.error.code, ErrorCode::head_too_large);
  EXPECT_EQ(got.error.origin, Origin::upstream);
}

TEST_F(FastCgiExchangeTest, lets_another_be_asked_when_the_application_did_not_look) {
  Got got = ask(end_request(2));
  EXPECT_EQ(got.error.code, ErrorCode::overloaded);
  EXPECT_EQ(got.error.retry, Retry::always);
  EXPECT_EQ(ask(end_request(1)).error.retry, Retry::always);
  EXPECT_EQ(ask(end_request(3)).error.retry, Retry::never);
  got = ask(Script{read_until(end_of_input())});
  EXPECT_EQ(got.error.code, ErrorCode::reset);
  EXPECT_EQ(got.error.retry, Retry::if_unsent);
  got = ask(output("A"));
  EXPECT_EQ(got.error.retry, Retry::never);
}

// --- time --------------------------------------------------------------------------------------

TEST_F(FastCgiExchangeTest, waits_only_so_long_for_a_head_and_for_a_body_that_stands_still) {
  Got got = ask(Script{listen_on()});
  EXPECT_EQ(got.error.code, ErrorCode::response_timeout);
  EXPECT_GE(got.took, 10s);
  EXPECT_LT(got.took, 11s);
  got = ask(Script{read_until(end_of_input()), say(output(kHead)), listen_on()});
  EXPECT_EQ(got.error.code, ErrorCode::idle_timeout);
  EXPECT_EQ(got.error.origin, Origin::upstream);
}

TEST_F(FastCgiExchangeTest, does_not_blame_the_application_for_a_client_that_does_not_read) {
  Got got = ask(whole(std::string(kHead) + std::string(60'000, 'x')), {.before_read = 5min});
  EXPECT_EQ(got.error.code, ErrorCode::none);
  EXPECT_EQ(got.body.size(), 60'000u);
}

TEST_F(FastCgiExchangeTest, closes_the_connection_when_the_client_leaves) {
  Got got = ask(Script{listen_on()}, {.leaves = 2s});
  EXPECT_EQ(got.error.code, ErrorCode::client_gone);
  EXPECT_LT(got.took, 3s);
}

// --- connections -------------------------------------------------------------------------------

TEST_F(FastCgiExchangeTest, keeps_a_connection_only_if_asked_to_and_all_is_read) {
  EXPECT_EQ(ask(whole(kHead), {.keep = true}).kept, 1);
  EXPECT_TRUE(received().keep);
  EXPECT_EQ(ask(whole("Content-Length: 2\n\nhi"), {.keep = true}).kept, 1);
  EXPECT_EQ(ask(whole(kHead)).kept, 0);
  EXPECT_EQ(ask(whole(kHead) + "x", {.keep = true}).kept, 0);
  EXPECT_EQ(ask(output(kHead), {.keep = true}).kept, 0);
}

// --- error output ------------------------------------------------------------------------------

TEST_F(FastCgiExchangeTest, logs_error_output_once_and_in_one_line) {
  Got got = ask(error_output("PHP Warning:\n\x1b[1m") + output(kHead) + error_output("\xc3\xa9") +
                output("hello") + end_request());
  EXPECT_EQ(got.body, "hello");
  EXPECT_THAT(log_, HasSubstr("\"code\":\"fastcgi_stderr\""));
  EXPECT_THAT(log_, HasSubstr("\"text\":\"PHP Warning:  [1m\\\\xc3\\\\xa9\""));
}

TEST_F(FastCgiExchangeTest, logs_only_so_much_of_error_output) {
  ask(error_output(std::string(OutputBody::kMostErrorText - 1, 'a')) + error_output("bcd") +
      error_output(std::string(50'000, 'e')) + whole(kHead));
  EXPECT_THAT(log_, HasSubstr("ab ... (50002 bytes more)"));
  EXPECT_LT(log_.size(), 6000u);
}

}  // namespace
}  // namespace weir::fastcgi

#include "upstream/mirror.h"

#include <gmock/gmock.h>

#include "http/h1/scripted_origin.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::answers;
using test::listen_on;
using test::read_bytes;
using test::read_head;
using test::say;
using test::Script;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
constexpr std::string_view kShadow = "HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nbad";

/// A body that comes in pieces, of a length that is not known before; slowly, or cut short.
class PiecesBody final : public Body {
 public:
  PiecesBody(Loop& loop, std::vector<std::string> pieces, Duration pause)
      : loop_(loop), pieces_(std::move(pieces)), pause_(pause) {}
  Task<Result<Slice>> read() override {
    if (pause_ > Duration::zero()) co_await loop_.sleep_for(pause_);
    if (next_ == pieces_.size()) co_return Slice();
    const std::string& piece = pieces_[next_++];
    if (piece == "!") co_return fail(ErrorCode::truncated, Origin::client, "cut");
    co_return Slice::unowned(piece);
  }
  std::optional<Slice> try_read() override { return std::nullopt; }
  std::optional<std::uint64_t> length() const override { return std::nullopt; }

 private:
  Loop& loop_;
  std::vector<std::string> pieces_;
  Duration pause_;
  std::size_t next_ = 0;
};

struct Sent {
  std::string method = "GET";
  std::string body = {};                 // empty: none
  std::vector<std::string> pieces = {};  // in place of it
  Duration pause{0};                     // before each of them
  std::vector<std::pair<std::string, std::string>> fields = {};
  std::string upgrade = {};
};

struct Got {
  std::uint16_t status = 0;
  std::string body;
  Error error;
  Duration took{0};
};

class MirrorTest : public ::testing::Test {
 protected:
  MirrorTest() {
    origin_ = start("10.0.1.1:80", *api_, {answers(kHello)});
    options_.exchange = {{}, {}, 10s, 10s};
    options_.pool.max_idle = 0;
    config_.timeout = 5s;
  }
  ~MirrorTest() override {
    test::run(loop_, end());
    world_.stop_tasks();
    world_.run();
    origin_.reset();
    other_.reset();
    shadow_.reset();
    EXPECT_EQ(world_.check_clean(), "");
  }
  Task<void> end() {
    co_await MirrorScope::finish(loop_);
    loop_.slots().erase(api_->worker_key());
    loop_.slots().erase(shadow_cluster_->worker_key());
  }

  std::unique_ptr<test::ScriptedOrigin> start(std::string_view address, Cluster& of,
                                              std::vector<Script> scripts) {
    of.update("", {{*Address::parse(address), 1}});
    return std::make_unique<test::ScriptedOrigin>(world_, address, std::move(scripts));
  }
  void shadow(Script script) {
    shadow_ = start("10.0.2.1:80", *shadow_cluster_, {std::move(script)});
  }

  /// One request to the origin, with a copy as configured.
  Got send(Sent sent = {}) {
    if (!mirror_) make();
    return test::run(loop_, talk(std::move(sent)));
  }
  void make() {
    config::Diagnostics diagnostics;
    mirror_ = std::make_unique<Mirror>(
        config_, std::make_shared<Upstream>(shadow_cluster_, options_), diagnostics);
    EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
  }
  void settle() { world_.run_for(10s); }
  const MirrorCounters& counters() const { return shadow_cluster_->mirrors; }

  Task<Got> talk(Sent sent) {
    Got got;
    ConnectionFacts facts{*Address::parse("192.0.2.7:4711"), "front", false};
    auto exchange = std::make_unique<Exchange>(loop_, facts, StopToken());
    TimePoint began = loop_.now();
    co_await ask(*exchange, sent, got);
    got.took = loop_.now() - began;
    co_await exchange->finish();
    co_return got;
  }

  Task<void> ask(Exchange& exchange, const Sent& sent, Got& got) {
    Request& own = exchange.request();
    own.method = parse_method(sent.method);
    own.method_text = sent.method;
    own.upgrade = sent.upgrade;
    own.headers.add("Host", "shop.example");
    for (const auto& [name, value] : sent.fields) own.headers.add(name, value);
    if (!sent.body.empty()) own.body = exchange.own<MemoryBody>(Slice::unowned(sent.body));
    if (!sent.pieces.empty()) {
      own.body = exchange.own<PiecesBody>(loop_, sent.pieces, sent.pause);
    }
    UpstreamRequest request{
        {own.method, own.method_text, "/path?q", &own.headers, own.body, own.upgrade, false},
        &own.headers,
        false};
    mirror_->copy(exchange, request);
    Upstream upstream(api_, options_);
    Result<Response> response = co_await upstream.send(exchange, request, options_);
    if (!response) {
      got.error = response.error();
      co_return;
    }
    got.status = response->status;
    while (response->body != nullptr) {
      Result<Slice> piece = co_await response->body->read();
      if (!piece || piece->empty()) break;
      got.body += piece->view();
    }
  }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop("10.0.0.1");
  std::shared_ptr<Cluster> api_ = std::make_shared<Cluster>("api");
  std::shared_ptr<Cluster> shadow_cluster_ = std::make_shared<Cluster>("shadow");
  std::unique_ptr<test::ScriptedOrigin> origin_;
  std::unique_ptr<test::ScriptedOrigin> other_;  // in place of the origin
  std::unique_ptr<test::ScriptedOrigin> shadow_;
  UpstreamOptions options_;
  MirrorConfig config_;
  std::unique_ptr<Mirror> mirror_;
};

TEST_F(MirrorTest, sends_the_same_request_with_a_mark) {
  shadow(answers(kShadow));
  Got got = send({.fields = {{"X-Forwarded-For", "192.0.2.7"}, {"Accept", "a/b"}}});
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "hello");
  settle();
  std::string head = shadow_->received();
  EXPECT_THAT(head, HasSubstr("GET /path?q HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr("Host: shop.example\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Forwarded-For: 192.0.2.7\r\nAccept: a/b\r\n"));
  EXPECT_THAT(head, HasSubstr("X-Weir-Mirror: 1\r\n"));
  EXPECT_THAT(origin_->received(), Not(HasSubstr("X-Weir-Mirror")));
  EXPECT_EQ(counters().answered, 1u);
}

TEST_F(MirrorTest, outlives_the_request_and_delays_it_by_nothing) {
  shadow({read_head(), listen_on()});
  EXPECT_LT(send().took, 5ms);  // the network alone
  EXPECT_EQ(counters().failed, 0u);
  settle();
  EXPECT_EQ(counters().failed, 1u);  // its own deadline
  EXPECT_EQ(shadow_->requests(), 1u);
}

TEST_F(MirrorTest, does_not_mind_a_target_that_is_dead) {
  shadow_cluster_->update("", {{*Address::parse("10.0.2.9:80"), 1}});
  EXPECT_EQ(send().status, 200);
  settle();
  EXPECT_EQ(counters().failed, 1u);
}

TEST_F(MirrorTest, goes_out_when_the_request_itself_fails) {
  api_->update("", {{*Address::parse("10.0.1.9:80"), 1}});
  shadow(answers(kHello));
  EXPECT_NE(send().error.code, ErrorCode::none);
  settle();
  EXPECT_EQ(counters().answered, 1u);
}

TEST_F(MirrorTest, copies_a_body) {
  shadow({read_head(), read_bytes(9), say(std::string(kShadow)), listen_on()});
  EXPECT_EQ(send({.method = "POST", .body = "some body"}).status, 200);
  settle();
  EXPECT_THAT(shadow_->received(), HasSubstr("Content-Length: 9\r\n"));
  EXPECT_THAT(shadow_->received(), HasSubstr("\r\n\r\nsome body"));
  EXPECT_EQ(counters().answered, 1u);
}

TEST_F(MirrorTest, copies_a_body_whose_length_is_not_known) {
  other_ = start("10.0.1.2:80", *api_,
                 {{read_head(), read_bytes(29), say(std::string(kHello)), listen_on()}});
  shadow({read_head(), read_bytes(29), say(std::string(kShadow)), listen_on()});
  EXPECT_EQ(send({.method = "POST", .pieces = {"some ", "more body"}, .pause = 10ms}).status, 200);
  settle();
  EXPECT_THAT(shadow_->received(), HasSubstr("5\r\nsome \r\n9\r\nmore body\r\n0\r\n\r\n"));
  EXPECT_THAT(other_->received(), HasSubstr("5\r\nsome \r\n9\r\nmore body\r\n0\r\n\r\n"));
  EXPECT_EQ(counters().answered, 1u);
}

TEST_F(MirrorTest, makes_no_copy_of_a_body_above_the_limit) {
  config_.max_body = {8};
  shadow(answers(kShadow));
  EXPECT_EQ(send({.method = "POST", .body = "12345678"}).status, 200);
  settle();
  EXPECT_EQ(shadow_->requests(), 1u);
  EXPECT_EQ(send({.method = "POST", .body = "123456789"}).status, 200);
  settle();
  EXPECT_EQ(shadow_->requests(), 1u);
  EXPECT_EQ(counters().too_large, 1u);
}

TEST_F(MirrorTest, gives_up_a_copy_whose_body_turns_out_too_large) {
  config_.max_body = {8};
  other_ = start("10.0.1.2:80", *api_,
                 {{read_head(), read_bytes(29), say(std::string(kHello)), listen_on()}});
  shadow({read_head(), listen_on()});
  EXPECT_EQ(send({.method = "POST", .pieces = {"some ", "more body"}, .pause = 10ms}).status, 200);
  EXPECT_THAT(other_->received(), HasSubstr("5\r\nsome \r\n9\r\nmore body\r\n0\r\n\r\n"));
  settle();
  EXPECT_THAT(shadow_->received(), Not(HasSubstr("0\r\n\r\n")));
  EXPECT_EQ(counters().too_large, 1u);
}

TEST_F(MirrorTest, sends_no_half_body_as_a_whole_one) {
  shadow({read_head(), listen_on()});
  send({.method = "POST", .pieces = {"some ", "!"}, .pause = 10ms});
  settle();
  EXPECT_THAT(shadow_->received(), Not(HasSubstr("0\r\n\r\n")));
  EXPECT_EQ(counters().failed, 1u);
}

TEST_F(MirrorTest, makes_no_copy_of_a_copy_or_an_upgrade) {
  shadow(answers(kShadow));
  EXPECT_EQ(send({.fields = {{"x-weir-mirror", "1"}}}).status, 200);
  EXPECT_EQ(send({.upgrade = "echo"}).status, 200);
  settle();
  EXPECT_EQ(shadow_->requests(), 0u);
}

TEST_F(MirrorTest, copies_only_requests_for_which_the_condition_is_true) {
  shadow(answers(kShadow));
  config_.when.value = R"(method == "GET")";
  send({.method = "DELETE"});
  settle();
  EXPECT_EQ(shadow_->requests(), 0u);
  send();
  settle();
  EXPECT_EQ(shadow_->requests(), 1u);
}

TEST_F(MirrorTest, copies_as_many_requests_as_the_percentage_says) {
  shadow(answers(kShadow));
  config_.percent = 30;
  for (int i = 0; i < 300; ++i) send();
  settle();
  EXPECT_NEAR(static_cast<double>(shadow_->requests()), 90, 32);  // 4 standard deviations
}

TEST_F(MirrorTest, has_no_more_copies_under_way_than_its_limit) {
  shadow({read_head(), listen_on()});
  for (std::uint32_t i = 0; i < MirrorScope::kMost + 1; ++i) EXPECT_EQ(send().status, 200);
  EXPECT_EQ(counters().dropped, 1u);
  settle();
  send();
  EXPECT_EQ(counters().dropped, 1u) << "places are free again";
}

TEST(MirrorScope, gives_places_up_to_its_limit_of_bytes) {
  MirrorScope scope;
  EXPECT_TRUE(scope.enter(MirrorScope::kMostBytes - 1));
  EXPECT_FALSE(scope.enter(2));
  EXPECT_TRUE(scope.enter(1));
  EXPECT_FALSE(scope.enter(1));
  scope.leave(1);
  EXPECT_TRUE(scope.enter(1));
}

TEST_F(MirrorTest, ends_with_its_worker) {
  config_.timeout = 1h;
  options_.exchange.response_timeout = 1h;
  shadow({read_head(), listen_on()});
  send();
  TimePoint began = loop_.now();
  test::run(loop_, MirrorScope::finish(loop_));
  EXPECT_LT(loop_.now() - began, 1s);
  EXPECT_EQ(counters().failed, 1u);
}

TEST_F(MirrorTest, throws_a_large_answer_away_without_end) {
  std::string large =
      "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + std::string(3'000'000, 'x');
  shadow(answers(large));
  EXPECT_LT(send().took, 5ms);  // the network alone
  settle();
  EXPECT_EQ(counters().answered, 1u);
}

}  // namespace
}  // namespace weir

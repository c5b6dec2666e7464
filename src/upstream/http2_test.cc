// HTTP/2 towards origins, as requests see it: shared sessions, and what happens when they end.
#include <gmock/gmock.h>

#include <numeric>

#include "http/error_response.h"
#include "http/h1/scripted_origin.h"
#include "http/h2/test_origin.h"
#include "io/tls/testing.h"
#include "upstream/session_scope.h"
#include "upstream/upstream.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using h2::testing::Fields;
using h2::testing::RecordingStream;
using h2::testing::TestOrigin;
using On = TestOrigin::Connection;

/// One request, and what came back for it.
struct Sent {
  std::string method = "GET";
  std::string body = {};
  std::string upgrade = {};
  Duration leaves{0};  // after so long, whatever it has got; 0: stays

  Error error = {};
  std::uint16_t status = 0;
  std::string got = {};
  bool reused = false;
  std::uint16_t attempts = 0;
  Version version = Version::http_1_1;
  bool tunnel = false;
  bool done = false;
};

class UpstreamHttp2 : public ::testing::Test {
 protected:
  UpstreamHttp2() { begin(1); }
  ~UpstreamHttp2() override { end(); }

  void begin(std::uint64_t seed) {
    world_ = std::make_unique<SimWorld>(seed);
    loop_ = &world_->add_loop("10.0.0.1");
    cluster_ = std::make_shared<Cluster>("api");
    options_ = {};
    options_.protocol = UpstreamProtocol::http2;
    options_.exchange = {{}, {}, 10s, 10s};
  }
  void end() {
    test::run(*loop_, forget(*loop_, *cluster_));
    world_->stop_tasks();
    world_->run();
    origins_.clear();
    scripted_.reset();
    EXPECT_EQ(world_->check_clean(), "");
    world_.reset();
    addresses_.clear();
  }
  // As a worker does that ends.
  static Task<void> forget(Loop& loop, Cluster& cluster) {
    co_await SessionScope::finish(loop);
    loop.slots().erase(cluster.worker_key());
  }

  TestOrigin& origin(TestOrigin::Answer answer, const h2::Limits& limits = {}) {
    std::string address = next_address();
    origins_.push_back(
        std::make_unique<TestOrigin>(*world_, address, std::move(answer), limits, server_tls_));
    endpoint(address);
    return *origins_.back();
  }
  TestOrigin& origin() {
    return origin([](On& on, RecordingStream& stream) { return TestOrigin::ok(on, stream); });
  }
  /// Answers each request after `time`.
  TestOrigin& slow_origin(Duration time, const h2::Limits& limits = {}) {
    auto since = std::make_shared<std::map<RecordingStream*, TimePoint>>();
    return origin(
        [this, since, time](On& on, RecordingStream& stream) {
          auto [first, fresh] = since->try_emplace(&stream, world_->now());
          return world_->now() - first->second >= time && TestOrigin::ok(on, stream);
        },
        limits);
  }
  std::string next_address() const {
    return "10.0.1." + std::to_string(addresses_.size() + 1) + ":80";
  }
  void endpoint(std::string_view address) {
    addresses_.push_back({*Address::parse(address), 1, "site.example"});
    cluster_->update("", addresses_);
  }

  /// All at the same time.
  void send(std::vector<Sent>& all) { test::run(*loop_, talk(all)); }
  Sent send(Sent one = {}) {
    std::vector<Sent> all{std::move(one)};
    send(all);
    return all[0];
  }
  /// `count` requests at the same time; each must get its answer.
  std::vector<Sent> get(std::size_t count) {
    std::vector<Sent> all(count);
    send(all);
    for (const Sent& each : all) {
      EXPECT_EQ(each.got, "hello") << name(each.error.code) << " " << each.error.detail;
    }
    return all;
  }
  Task<void> talk(std::vector<Sent>& all) {
    Scope scope;
    Upstream upstream(cluster_, options_);
    for (Sent& each : all) scope.spawn(one(upstream, each));
    co_await scope.join();
  }
  Task<void> one(const Upstream& upstream, Sent& sent) {
    ConnectionFacts facts;
    StopSource client;
    struct Leave : Timer {
      explicit Leave(StopSource& who)
          : Timer([](Timer& self) {
              static_cast<Leave&>(self).client.request(
                  Error(ErrorCode::client_gone, Origin::client, "test"));
            }),
            client(who) {}
      StopSource& client;
    } leave(client);
    if (sent.leaves > 0s) loop_->timers().arm(leave, loop_->now() + sent.leaves);
    auto exchange = std::make_unique<Exchange>(*loop_, facts, client.token());
    co_await ask(*exchange, upstream, sent);
    sent.attempts = exchange->upstream().attempts;
    sent.reused = exchange->upstream().reused;
    sent.version = exchange->upstream().version;
    co_await exchange->finish();
    sent.done = true;
  }
  static Task<void> ask(Exchange& exchange, const Upstream& upstream, Sent& sent) {
    Headers headers(exchange.arena());
    headers.add("Host", "a.test");
    if (!sent.upgrade.empty()) {
      headers.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
      headers.add("Sec-WebSocket-Version", "13");
    }
    Body* body = nullptr;
    if (!sent.body.empty()) body = exchange.own<MemoryBody>(Slice::unowned(sent.body));
    UpstreamRequest request{
        {parse_method(sent.method), sent.method, "/", &headers, body, sent.upgrade, false},
        &headers,
        false};
    Result<Response> response = co_await upstream.send(exchange, request, upstream.options());
    if (!response) {
      sent.error = response.error();
      co_return;
    }
    sent.status = response->status;
    sent.tunnel = response->tunnel != nullptr;
    while (response->body != nullptr) {
      Result<Slice> piece = co_await response->body->read();
      if (!piece) sent.error = piece.error();
      if (!piece || piece->empty()) break;
      sent.got += piece->view();
    }
  }

  std::uint64_t counted(Counter PoolCounters::* which) {
    PoolCounters sum;
    cluster_->pools().add_to(sum);
    return (sum.*which).value();
  }
  std::uint32_t in_flight() {
    std::uint32_t sum = 0;
    for (const auto& each : cluster_->endpoints()->endpoints) sum += each->in_flight.load();
    return sum;
  }
  /// TLS on both sides; the origins offer `alpn`.
  void with_tls(std::vector<std::string> alpn,
                std::vector<std::string> offer = {"h2", "http/1.1"}) {
    site_.server.alpn = std::move(alpn);
    server_tls_ = test::server_profile(site_.server);
    site_.client.alpn = std::move(offer);
    options_.tls = test::client_profile(site_.client);
    options_.pool.tls = options_.tls.get();
    options_.protocol = UpstreamProtocol::automatic;
  }

  test::TestSite site_;
  std::unique_ptr<SimWorld> world_;
  SimLoop* loop_ = nullptr;
  std::shared_ptr<Cluster> cluster_;
  std::vector<WeightedAddress> addresses_;
  std::shared_ptr<const TlsServerProfile> server_tls_;
  std::vector<std::unique_ptr<TestOrigin>> origins_;
  std::unique_ptr<test::ScriptedOrigin> scripted_;
  UpstreamOptions options_;
};

// --- sharing -----------------------------------------------------------------------------------

TEST_F(UpstreamHttp2, a_session_that_is_idle_makes_way_for_that_of_another_worker) {
  options_.limits.max_connections = 1;
  options_.pool.counted = true;
  origin();
  get(10);
  SimLoop* first = std::exchange(loop_, &world_->add_loop("10.0.0.2"));
  get(10);
  EXPECT_EQ(cluster_->endpoints()->endpoints[0]->places->open(), 1u);
  test::run(*loop_, forget(*loop_, *cluster_));
  loop_ = first;
}

TEST_F(UpstreamHttp2, requests_wait_for_a_stream_where_there_may_be_no_more_sessions) {
  options_.limits = {.queue_timeout = 10s, .max_connections = 1};
  options_.pool.counted = true;
  slow_origin(100ms, {.streams = 2});
  get(6);
  EXPECT_EQ(cluster_->endpoints()->endpoints[0]->places->open(), 1u);
}

TEST_F(UpstreamHttp2, sends_requests_that_come_together_over_one_connection) {
  TestOrigin& a = slow_origin(5ms);
  for (const Sent& each : get(50)) EXPECT_EQ(each.version, Version::http_2);
  EXPECT_EQ(a.connections(), 1u) << "those that come while it is opened wait for it";
  EXPECT_EQ(counted(&PoolCounters::opened), 1u);
  EXPECT_EQ(counted(&PoolCounters::reused), 49u);
  EXPECT_TRUE(send().reused);
  EXPECT_EQ(a.connections(), 1u);
  EXPECT_EQ(in_flight(), 0u);
}

TEST_F(UpstreamHttp2, opens_another_session_when_all_are_full) {
  options_.session.http2.streams = 2;
  TestOrigin& a = slow_origin(20ms);
  get(7);
  EXPECT_EQ(a.connections(), 4u);
  get(8);
  EXPECT_EQ(a.connections(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_GE(a.connection(i).peer.streams.size(), 3u) << "the least busy one is taken";
  }
}

TEST_F(UpstreamHttp2, keeps_to_what_the_origin_allows) {
  h2::Limits few;
  few.streams = 3;
  TestOrigin& a = slow_origin(20ms, few);
  get(1);
  get(9);
  EXPECT_EQ(a.connections(), 3u);
  for (std::size_t i = 0; i < a.connections(); ++i) {
    EXPECT_EQ(a.connection(i).peer.misdeeds[Misdeed::refused], 0);
  }
}

TEST_F(UpstreamHttp2, does_not_fill_the_first_session_before_it_knows_its_limit) {
  h2::Limits few;
  few.streams = 3;
  TestOrigin& a = slow_origin(20ms, few);
  get(5);
  EXPECT_EQ(a.connections(), 2u);
  for (std::size_t i = 0; i < a.connections(); ++i) {
    EXPECT_EQ(a.connection(i).peer.misdeeds[Misdeed::refused], 0);
  }
}

TEST_F(UpstreamHttp2, waits_no_longer_for_the_settings_than_for_a_connection) {
  scripted_ = std::make_unique<test::ScriptedOrigin>(
      *world_, "10.0.1.1:80", std::vector<test::Script>{{test::listen_on()}});
  endpoint("10.0.1.1:80");
  options_.retries.attempts = 1;
  options_.connect_timeout = 2s;
  std::vector<Sent> all(3);
  send(all);
  EXPECT_EQ(all[0].error.code, ErrorCode::response_timeout);
  EXPECT_EQ(all[1].error.code, ErrorCode::connect_timeout);
  EXPECT_EQ(all[2].error.code, ErrorCode::connect_timeout);
  EXPECT_EQ(in_flight(), 0u);
}

// --- refused, lost, gone -----------------------------------------------------------------------

TEST_F(UpstreamHttp2, sends_a_refused_request_to_another_endpoint_whatever_its_method) {
  TestOrigin& a = origin();
  TestOrigin& b = origin();
  a.refuse_all = true;
  for (std::string method : {"GET", "POST"}) {
    for (int i = 0; i < 3; ++i) {
      Sent sent = send({.method = method});
      EXPECT_EQ(sent.got, "hello") << method;
    }
  }
  EXPECT_GE(b.requests(), 6u);
  EXPECT_EQ(in_flight(), 0u);
}

TEST_F(UpstreamHttp2, gives_up_an_origin_that_refuses_everything) {
  TestOrigin& a = origin();
  a.refuse_all = true;
  Sent sent = send();
  EXPECT_EQ(sent.error.code, ErrorCode::reset);
  EXPECT_EQ(status_of(sent.error), 502);
  EXPECT_LE(sent.attempts, options_.retries.attempts + 1);
}

TEST_F(UpstreamHttp2, opens_another_session_after_goaway_and_finishes_the_old_one) {
  std::size_t gone = 0;
  TestOrigin& a = origin([&](On& on, RecordingStream& stream) {
    if (on.index == 0 && gone++ == 0) on.peer.engine.goaway();
    return TestOrigin::ok(on, stream);
  });
  get(3);
  get(3);
  EXPECT_EQ(a.connections(), 2u);
  world_->run_for(100ms);
  EXPECT_EQ(a.open(), 1u);
}

TEST_F(UpstreamHttp2, repeats_what_was_lost_with_its_session_if_it_may) {
  TestOrigin& a = origin([](On& on, RecordingStream& stream) {
    if (on.index == 0 && on.peer.streams.size() > 1) {
      on.close = true;
      return true;
    }
    return TestOrigin::ok(on, stream);
  });
  options_.retries.attempts = 1;
  get(1);
  std::vector<Sent> all(3);
  all[2].method = "POST";
  send(all);
  EXPECT_EQ(all[0].got, "hello");
  EXPECT_EQ(all[1].got, "hello");
  EXPECT_EQ(all[2].error.code, ErrorCode::reset);
  EXPECT_EQ(a.connections(), 2u);
}

TEST_F(UpstreamHttp2, cancels_the_stream_of_a_client_that_leaves_and_no_other) {
  TestOrigin& a = slow_origin(50ms);
  std::vector<Sent> all(3);
  all[1].leaves = 20ms;
  send(all);
  EXPECT_EQ(all[0].got, "hello");
  EXPECT_EQ(all[1].error.code, ErrorCode::client_gone);
  EXPECT_EQ(all[2].got, "hello");
  EXPECT_EQ(a.connections(), 1u);
  auto& streams = a.connection(0).peer.streams;
  EXPECT_EQ(streams.at(3)->closed_as.reason, h2::Reason::cancel);
  EXPECT_TRUE(streams.at(3)->closed_as.by_peer);
  get(1);
  EXPECT_EQ(a.connections(), 1u);
}

TEST_F(UpstreamHttp2, a_reset_in_a_body_ends_its_exchange_and_no_other) {
  TestOrigin& a = origin([](On& on, RecordingStream& stream) {
    if (stream.id() == 1) {
      if (stream.sending.empty() && stream.heads.size() == 1 && !stream.end_sent &&
          !on.answered.contains(0)) {
        (void)on.peer.respond(stream, {{":status", "200"}}, "half", false);
        on.answered.insert(0);
        return false;
      }
      on.peer.engine.reset(stream, h2::Reason::internal_error);
      return true;
    }
    return TestOrigin::ok(on, stream);
  });
  std::vector<Sent> all(2);
  send(all);
  EXPECT_EQ(all[0].status, 200);
  EXPECT_EQ(all[0].error.code, ErrorCode::reset);
  EXPECT_EQ(all[1].got, "hello");
  EXPECT_EQ(a.connections(), 1u);
}

// --- connecting --------------------------------------------------------------------------------

TEST_F(UpstreamHttp2, goes_to_another_endpoint_when_one_cannot_be_reached) {
  origin();
  endpoint("10.0.1.2:80");
  world_->network().refuse(addresses_[1].address);
  for (const Sent& each : get(20)) EXPECT_LE(each.attempts, 2);
}

TEST_F(UpstreamHttp2, all_who_wait_learn_that_connecting_took_too_long) {
  options_.retries.attempts = 1;
  options_.connect_timeout = 3s;
  endpoint("10.0.1.1:80");
  world_->network().black_hole(addresses_[0].address);
  std::vector<Sent> all(5);
  send(all);
  for (const Sent& each : all) EXPECT_EQ(each.error.code, ErrorCode::connect_timeout);
  EXPECT_EQ(in_flight(), 0u);
}

TEST_F(UpstreamHttp2, a_client_that_leaves_takes_no_connection_away_from_others) {
  world_->faults().delay_min = world_->faults().delay_max = 5ms;
  TestOrigin& a = origin();
  std::vector<Sent> all(3);
  all[0].leaves = 2ms;  // it is the one that has the connection opened
  send(all);
  EXPECT_EQ(all[0].error.code, ErrorCode::client_gone);
  EXPECT_EQ(all[1].got, "hello");
  EXPECT_EQ(all[2].got, "hello");
  EXPECT_EQ(a.connections(), 1u);
}

TEST_F(UpstreamHttp2, gives_up_an_origin_that_closes_what_it_accepts) {
  scripted_ =
      std::make_unique<test::ScriptedOrigin>(*world_, "10.0.1.1:80", std::vector<test::Script>{{}});
  endpoint("10.0.1.1:80");
  options_.connect_timeout = 2s;
  for (int round = 0; round < 3; ++round) {
    std::vector<Sent> all(3);
    send(all);
    for (const Sent& each : all) EXPECT_EQ(each.error.code, ErrorCode::reset);
  }
  EXPECT_LT(scripted_->connections(), 40u);
  EXPECT_EQ(in_flight(), 0u);
}

TEST_F(UpstreamHttp2, takes_no_session_for_as_wide_as_the_one_before) {
  world_->faults().delay_min = world_->faults().delay_max = 1ms;  // the settings come late
  TestOrigin& a = origin();
  get(1);
  a.connection(0).close = true;
  a.limits.streams = 1;
  world_->run_for(100ms);
  std::vector<Sent> all(5);
  for (Sent& each : all) each.method = "PUT", each.body = "cannot be sent twice";
  send(all);
  for (const Sent& each : all) EXPECT_EQ(each.got, "hello");
}

TEST_F(UpstreamHttp2, gives_up_an_origin_that_allows_no_streams) {
  h2::Limits none;
  none.streams = 0;
  TestOrigin& a = origin([](On& on, RecordingStream& s) { return TestOrigin::ok(on, s); }, none);
  options_.retries.attempts = 3;
  Sent sent = send();
  EXPECT_NE(sent.error.code, ErrorCode::none);
  EXPECT_LT(a.connections(), 40u);
  EXPECT_EQ(in_flight(), 0u);
}

TEST_F(UpstreamHttp2, explains_an_origin_that_speaks_http_1) {
  scripted_ = std::make_unique<test::ScriptedOrigin>(
      *world_, "10.0.1.1:80",
      std::vector<test::Script>{{test::read_head(), test::say("HTTP/1.1 400 No\r\n\r\n")}});
  endpoint("10.0.1.1:80");
  Sent sent = send();
  EXPECT_EQ(status_of(sent.error), 502);
  EXPECT_EQ(sent.error.origin, Origin::upstream);
}

// --- how long sessions live --------------------------------------------------------------------

TEST_F(UpstreamHttp2, closes_sessions_that_nobody_needs) {
  options_.pool.idle_timeout = 10s;
  TestOrigin& a = origin();
  get(2);
  world_->run_for(9900ms);
  EXPECT_EQ(a.open(), 1u);
  world_->run_for(500ms);
  EXPECT_EQ(a.open(), 0u);
  EXPECT_TRUE(a.connection(0).peer.goaway);
  get(1);
  EXPECT_EQ(a.connections(), 2u);
}

TEST_F(UpstreamHttp2, keeps_no_idle_session_if_none_are_wanted) {
  options_.pool.max_idle = 0;
  TestOrigin& a = origin();
  get(2);
  world_->run_for(5ms);
  EXPECT_EQ(a.open(), 0u);
}

TEST_F(UpstreamHttp2, replaces_a_session_after_its_requests) {
  options_.pool.max_requests = 3;
  TestOrigin& a = origin();
  for (std::size_t i = 0; i < 7; ++i) {
    get(1);
    EXPECT_EQ(a.connections(), i / 3 + 1);
  }
}

TEST_F(UpstreamHttp2, replaces_a_session_that_became_old_and_lets_its_streams_end) {
  options_.pool.max_age = 5s;
  TestOrigin& a = slow_origin(6s);
  std::vector<Sent> all(2);
  send(all);
  EXPECT_EQ(all[0].got, "hello");
  world_->run_for(1s);
  EXPECT_EQ(a.open(), 0u);
  get(1);
  EXPECT_EQ(a.connections(), 2u);
}

TEST_F(UpstreamHttp2, drains_the_sessions_of_an_endpoint_that_is_gone) {
  TestOrigin& a = slow_origin(2s);
  world_->after(1s, [this] { cluster_->update("", {{*Address::parse("10.0.9.9:80"), 1}}); });
  get(3);
  world_->run_for(1s);
  EXPECT_EQ(a.open(), 0u);
  EXPECT_TRUE(a.connection(0).peer.goaway);
}

TEST_F(UpstreamHttp2, a_worker_that_ends_leaves_nothing_behind_while_it_connects) {
  endpoint("10.0.1.1:80");
  world_->network().black_hole(addresses_[0].address);
  Sent sent = send({.leaves = 1ms});
  EXPECT_EQ(sent.error.code, ErrorCode::client_gone);
  EXPECT_EQ(in_flight(), 0u);
}

// --- what is agreed on with TLS ----------------------------------------------------------------

TEST_F(UpstreamHttp2, uses_http_2_where_the_endpoint_agrees_by_alpn) {
  with_tls({"h2", "http/1.1"});
  TestOrigin& a = origin();
  for (const Sent& each : get(20)) EXPECT_EQ(each.version, Version::http_2);
  EXPECT_EQ(a.connections(), 1u);
}

TEST_F(UpstreamHttp2, wants_agreement_if_it_must_be_http_2) {
  with_tls({"http/1.1"}, {"h2"});
  options_.protocol = UpstreamProtocol::http2;
  origin();
  Sent sent = send();
  EXPECT_EQ(status_of(sent.error), 502);
  EXPECT_EQ(sent.error.origin, Origin::upstream);
  with_tls({}, {"h2"});  // it ignores the offer
  options_.protocol = UpstreamProtocol::http2;
  origin();
  options_.retries.attempts = 5;
  sent = send();
  EXPECT_EQ(status_of(sent.error), 502);
}

TEST_F(UpstreamHttp2, in_clear_it_is_http_1_unless_it_is_said) {
  options_.protocol = UpstreamProtocol::automatic;
  scripted_ = std::make_unique<test::ScriptedOrigin>(
      *world_, "10.0.1.1:80",
      std::vector<test::Script>{
          test::answers("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 3)});
  endpoint("10.0.1.1:80");
  EXPECT_EQ(send().got, "hello");
  EXPECT_EQ(send().version, Version::http_1_1);
}

// --- WebSocket ---------------------------------------------------------------------------------

TEST_F(UpstreamHttp2, opens_a_websocket_as_a_stream_of_the_session) {
  TestOrigin& a = origin([](On& on, RecordingStream& stream) {
    if (stream.heads[0].method != "CONNECT") return TestOrigin::ok(on, stream);
    EXPECT_EQ(stream.heads[0].get("Sec-WebSocket-Key"), "");
    (void)on.peer.respond(stream, {{":status", "200"}}, "", false);
    return true;
  });
  Sent sent = send({.upgrade = "websocket"});
  EXPECT_EQ(sent.status, 101);
  EXPECT_TRUE(sent.tunnel);
  EXPECT_EQ(sent.version, Version::http_2);
  get(1);
  EXPECT_EQ(a.connections(), 1u);
}

}  // namespace
}  // namespace weir

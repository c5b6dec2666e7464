#include "http/h2/client_session.h"

#include <gtest/gtest.h>

#include "http/h2/client_exchange.h"
#include "http/h2/session_testing.h"
#include "http/websocket_handshake.h"

namespace weir::h2 {
namespace {

using testing::Client;
using testing::Fields;
using testing::RecordingStream;
using testing::TestService;

class Home final : public ClientSessionHome {
 public:
  void stream_ended(ClientSession&) override { ++ended; }
  void settings_came(ClientSession&) override { ++settings; }
  void session_closed(ClientSession&) override { ++closed; }
  AbuseCounters& abuse() override { return counters; }
  int ended = 0;
  int settings = 0;
  int closed = 0;
  AbuseCounters counters;
};

/// A request of a downstream client that this test plays, and its answer.
struct Asked final : InterimSink {
  Asked(Loop& loop, ClientSession& session, std::string path, Body* body = nullptr)
      : exchange(loop, facts, stop.token()), headers(exchange.arena()), path_(std::move(path)) {
    exchange.interim_sink = this;
    headers.add(HeaderId::host, "origin.example");
    headers.add("X-Test", "1");
    sent = exchange.own<ClientExchange>(exchange, session, limits, exchange.stop());
    request = {.method = body != nullptr ? Method::post : Method::get,
               .method_text = body != nullptr ? "POST" : "GET",
               .target = path_,
               .headers = &headers,
               .body = body,
               .upgrade = {},
               .te_trailers = false};
  }
  /// Runs to the end of the response.
  Task<void> run() {
    response.emplace(co_await sent->run(request));
    if (!*response) co_return co_await finish();
    status = (*response)->status;
    while ((*response)->body != nullptr) {
      Result<Slice> piece = co_await (*response)->body->read();
      if (!piece) {
        error = piece.error();
        break;
      }
      if (piece->empty()) {
        ended = true;
        if (const Headers* fields = (*response)->body->trailers()) {
          for (const Header& header : *fields) trailers += std::string(header.name()) + ";";
        }
        break;
      }
      body += piece->view();
    }
    co_await finish();
  }
  Task<void> finish() {
    co_await exchange.finish();
    done = true;
  }
  Task<Status> send_interim(const Response& interim) override {
    interims += std::to_string(interim.status) + ";";
    co_return Status();
  }
  Error failure() const { return *response ? error : response->error(); }

  h1::ClientLimits limits{.head = {},
                          .chunk = {},
                          .response_timeout = std::chrono::seconds(5),
                          .idle_timeout = std::chrono::seconds(5)};
  ConnectionFacts facts;
  StopSource stop;
  Exchange exchange;
  Headers headers;
  std::string path_;
  ClientExchange* sent;
  h1::ClientRequest request{};
  std::optional<Result<Response>> response;
  std::uint16_t status = 0;
  std::string body;
  std::string trailers;
  std::string interims;
  Error error;
  bool ended = false;
  bool done = false;
};

/// A session to an origin: our own server session, or an engine that a test plays.
class Upstream {
 public:
  explicit Upstream(std::uint64_t seed = 1) : world(seed), loop(world.add_loop()) {}

  void with_server(std::function<Task<void>(ClientSession&)> dialogue) {
    test::run(loop, run(std::move(dialogue), nullptr));
  }
  void with_origin(std::function<Task<void>(ClientSession&, Client&)> dialogue) {
    test::run(loop, run(nullptr, std::move(dialogue)));
  }

  SimWorld world;
  Loop& loop;
  TestService service;
  Home home;
  ClientSessionLimits limits;

 private:
  Task<void> run(std::function<Task<void>(ClientSession&)> server,
                 std::function<Task<void>(ClientSession&, Client&)> origin) {
    test::Service listening(loop, world.network());
    test::Pair pair = co_await test::connect_pair(loop, listening);
    Scope scope;
    ClientSession::Reference session =
        ClientSession::open(scope, std::move(pair.client), limits, home);
    if (server) {
      ServerSession::serve(
          scope, std::make_unique<ServerSession>(std::move(pair.server),
                                                 ConnectionFacts{{}, "test", false}, service));
      co_await server(*session);
    } else {
      Client client(std::move(pair.server), {}, Side::server);
      co_await origin(*session, client);
      session->stop(Error(ErrorCode::shutting_down, Origin::weir, "test"));
      co_await scope.join();
      co_return;
    }
    session->close();
    co_await scope.join();
  }
};

TEST(H2ClientSession, carries_an_exchange) {
  Upstream upstream;
  upstream.with_server([&](ClientSession& session) -> Task<void> {
    Asked asked(upstream.loop, session, "/hello");
    co_await asked.run();
    EXPECT_EQ(asked.status, 200);
    EXPECT_EQ(asked.body, "/hello");
    EXPECT_TRUE(asked.ended);
    EXPECT_EQ(session.streams(), 0u);
  });
  EXPECT_EQ(upstream.service.ended_, 1);
  EXPECT_EQ(upstream.home.closed, 1);
  EXPECT_EQ(upstream.home.ended, 1);
  EXPECT_EQ(upstream.world.check_clean(), "");
}

TEST(H2ClientSession, carries_many_exchanges_side_by_side) {
  Upstream upstream;
  upstream.with_server([&](ClientSession& session) -> Task<void> {
    std::vector<std::unique_ptr<Asked>> all;
    Scope scope;
    for (int i = 0; i < 50; ++i) {
      all.push_back(
          std::make_unique<Asked>(upstream.loop, session, i % 2 == 0 ? "/slow" : "/large"));
      scope.spawn(all.back()->run());
    }
    EXPECT_EQ(session.streams(), 50u);
    co_await scope.join();
    for (auto& asked : all) EXPECT_EQ(asked->body.size(), 300'000u);
  });
}

TEST(H2ClientSession, sends_a_body_and_gets_it_back) {
  Upstream upstream;
  std::string content = test::pattern(500'000, 9);
  upstream.with_server([&](ClientSession& session) -> Task<void> {
    MemoryBody body(copy_slice(content));
    Asked asked(upstream.loop, session, "/echo", &body);
    co_await asked.run();
    EXPECT_TRUE(asked.body == content);
  });
}

TEST(H2ClientSession, passes_interim_responses_and_trailers) {
  Upstream upstream;
  upstream.with_server([&](ClientSession& session) -> Task<void> {
    Asked interim(upstream.loop, session, "/interim");
    co_await interim.run();
    EXPECT_EQ(interim.interims, "103;");
    EXPECT_EQ(interim.status, 200);
    Asked trailers(upstream.loop, session, "/trailers");
    co_await trailers.run();
    EXPECT_EQ(trailers.trailers, "x-sum;");
  });
}

TEST(H2ClientSession, takes_an_early_response_while_the_upload_runs) {
  Upstream upstream;
  upstream.with_server([&](ClientSession& session) -> Task<void> {
    MemoryBody body(copy_slice(std::string(400'000, 'x')));
    Asked asked(upstream.loop, session, "/early", &body);
    co_await asked.run();
    EXPECT_EQ(asked.status, 403);
    EXPECT_EQ(asked.body, "no");
    EXPECT_TRUE(asked.ended);
    Asked next(upstream.loop, session, "/next");
    co_await next.run();
    EXPECT_EQ(next.body, "/next");
  });
}

TEST(H2ClientSession, cancels_only_the_stream_of_a_client_that_goes) {
  Upstream upstream;
  upstream.with_server([&](ClientSession& session) -> Task<void> {
    Asked gone(upstream.loop, session, "/hang");
    Asked stays(upstream.loop, session, "/slow");
    Scope scope;
    scope.spawn(gone.run());
    scope.spawn(stays.run());
    co_await upstream.loop.sleep_for(std::chrono::milliseconds(50));
    gone.stop.request(Error(ErrorCode::client_gone, Origin::client, "test"));
    co_await scope.join();
    EXPECT_EQ(gone.failure().code, ErrorCode::client_gone);
    EXPECT_EQ(stays.body.size(), 300'000u);
    co_await upstream.loop.sleep_for(std::chrono::milliseconds(50));
    EXPECT_EQ(upstream.service.answers_.stopped, 1);
  });
}

TEST(H2ClientSession, knows_how_many_streams_are_free) {
  Upstream upstream;
  upstream.service.limits_.http2.streams = 3;
  upstream.with_server([&](ClientSession& session) -> Task<void> {
    co_await upstream.loop.sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(session.free_streams(), 3u);
    std::vector<std::unique_ptr<Asked>> all;
    Scope scope;
    for (int i = 0; i < 3; ++i) {
      all.push_back(std::make_unique<Asked>(upstream.loop, session, "/slow"));
      scope.spawn(all.back()->run());
    }
    EXPECT_EQ(session.free_streams(), 0u);
    Asked more(upstream.loop, session, "/more");
    co_await more.run();
    EXPECT_EQ(more.failure().code, ErrorCode::overloaded);
    EXPECT_EQ(more.failure().retry, Retry::always);
    co_await scope.join();
    EXPECT_EQ(session.free_streams(), 3u);
  });
}

TEST(H2ClientSession, says_what_was_refused_may_be_sent_elsewhere) {
  Upstream upstream;
  upstream.with_origin([&](ClientSession& session, Client& origin) -> Task<void> {
    origin.peer.refuse = true;
    Asked asked(upstream.loop, session, "/x");
    Scope scope;
    scope.spawn(asked.run());
    co_await origin.until([&] { return asked.done; }, std::chrono::seconds(1));
    co_await scope.join();
    EXPECT_EQ(asked.failure().code, ErrorCode::reset);
    EXPECT_EQ(asked.failure().retry, Retry::always);
    EXPECT_EQ(session.free_streams(), 100u);
  });
}

TEST(H2ClientSession, does_not_say_so_of_a_body_that_was_begun) {
  Upstream upstream;
  upstream.with_origin([&](ClientSession& session, Client& origin) -> Task<void> {
    origin.peer.refuse = true;
    MemoryBody body(copy_slice("once"));
    Asked asked(upstream.loop, session, "/x", &body);
    Scope scope;
    scope.spawn(asked.run());
    co_await origin.until([&] { return asked.done; }, std::chrono::seconds(1));
    co_await scope.join();
    EXPECT_EQ(asked.failure().retry, Retry::never);
  });
}

TEST(H2ClientSession, after_goaway_finishes_old_streams_and_gives_the_rest_back) {
  Upstream upstream;
  upstream.with_origin([&](ClientSession& session, Client& origin) -> Task<void> {
    Asked first(upstream.loop, session, "/first");
    Asked second(upstream.loop, session, "/second");
    Scope scope;
    scope.spawn(first.run());
    co_await origin.until([&] { return origin.peer.streams.size() == 1; });
    origin.peer.engine.goaway();  // stream 1 is the last one that it looks at
    scope.spawn(second.run());
    co_await origin.until([&] { return second.done; }, std::chrono::seconds(1));
    EXPECT_EQ(second.failure().retry, Retry::always);
    EXPECT_EQ(session.free_streams(), 0u);
    EXPECT_EQ(upstream.home.closed, 1);
    EXPECT_FALSE(first.done);
    (void)origin.peer.respond(origin.peer.stream(1), {{":status", "200"}}, "still");
    co_await origin.until([&] { return first.done; }, std::chrono::seconds(1));
    co_await scope.join();
    EXPECT_EQ(first.body, "still");
  });
}

TEST(H2ClientSession, says_goodbye_behind_the_requests_that_it_was_given) {
  Upstream upstream;
  upstream.with_origin([&](ClientSession& session, Client& origin) -> Task<void> {
    Asked asked(upstream.loop, session, "/a");
    Scope scope;
    scope.spawn(asked.run());
    session.close();  // before anything has left
    co_await origin.until([&] { return origin.peer.streams.size() == 1; });
    EXPECT_FALSE(origin.peer.goaway);
    (void)origin.peer.respond(origin.peer.stream(1), {{":status", "200"}}, "answer");
    co_await origin.until([&] { return asked.done; }, std::chrono::seconds(1));
    co_await scope.join();
    EXPECT_EQ(asked.body, "answer");
    co_await origin.until([&] { return origin.peer.goaway; }, std::chrono::seconds(1));
    EXPECT_TRUE(origin.peer.goaway);
  });
}

TEST(H2ClientSession, tells_a_lost_connection_from_an_answer) {
  Upstream upstream;
  upstream.with_origin([&](ClientSession& session, Client& origin) -> Task<void> {
    Asked unanswered(upstream.loop, session, "/a");
    Asked begun(upstream.loop, session, "/b");
    Scope scope;
    scope.spawn(unanswered.run());
    scope.spawn(begun.run());
    co_await origin.until([&] { return origin.peer.streams.size() == 2; });
    (void)origin.peer.respond(origin.peer.stream(3), {{":status", "200"}}, "half", false);
    co_await origin.say();
    co_await upstream.loop.sleep_for(std::chrono::milliseconds(5));
    origin.close();
    co_await scope.join();
    EXPECT_EQ(unanswered.failure().code, ErrorCode::reset);
    EXPECT_EQ(unanswered.failure().retry, Retry::if_unsent);
    EXPECT_EQ(begun.status, 200);
    EXPECT_EQ(begun.body, "half");
    EXPECT_FALSE(begun.ended);
    EXPECT_EQ(begun.error.code, ErrorCode::reset);
    EXPECT_EQ(begun.error.origin, Origin::upstream);
    EXPECT_EQ(upstream.home.closed, 1);
  });
}

TEST(H2ClientSession, gives_up_an_origin_that_does_not_answer) {
  Upstream upstream;
  upstream.with_origin([&](ClientSession& session, Client& origin) -> Task<void> {
    Asked asked(upstream.loop, session, "/a");
    Scope scope;
    scope.spawn(asked.run());
    co_await origin.until([&] { return asked.done; }, std::chrono::seconds(20));
    co_await scope.join();
    EXPECT_EQ(asked.failure().code, ErrorCode::response_timeout);
    co_await origin.until([&] { return origin.peer.stream(1).closed; }, std::chrono::seconds(1));
    EXPECT_EQ(origin.peer.stream(1).closed_as.reason, Reason::cancel);
    EXPECT_FALSE(origin.peer.goaway);
  });
}

TEST(H2ClientSession, lets_an_upload_take_any_time_as_long_as_the_origin_takes_it) {
  Upstream upstream;
  upstream.with_origin([&](ClientSession& session, Client& origin) -> Task<void> {
    origin.consumes = false;
    MemoryBody body(copy_slice(std::string(400'000, 'u')));
    Asked asked(upstream.loop, session, "/a", &body);
    Scope scope;
    scope.spawn(asked.run());
    std::size_t consumed = 0;
    int seconds = 0;
    while (seconds < 60 && (seconds == 0 || !origin.peer.stream(1).ended)) {
      co_await origin.until([] { return false; }, std::chrono::seconds(1));
      ++seconds;
      RecordingStream& stream = origin.peer.stream(1);
      std::size_t some = std::min<std::size_t>(stream.body.size() - consumed, 20'000);
      origin.peer.engine.consume(stream, some);
      consumed += some;
    }
    EXPECT_GT(seconds, 10) << "two response timeouts";
    EXPECT_TRUE(origin.peer.stream(1).ended);
    (void)origin.peer.respond(origin.peer.stream(1), {{":status", "200"}});
    co_await origin.until([&] { return asked.done; }, std::chrono::seconds(1));
    co_await scope.join();
    EXPECT_EQ(asked.status, 200);
  });
}

TEST(H2ClientSession, gives_up_an_origin_that_stops_taking_an_upload) {
  Upstream upstream;
  upstream.with_origin([&](ClientSession& session, Client& origin) -> Task<void> {
    MemoryBody body(copy_slice(std::string(400'000, 'u')));
    Asked asked(upstream.loop, session, "/a", &body);
    Scope scope;
    scope.spawn(asked.run());
    co_await origin.until([&] { return asked.done; }, std::chrono::seconds(20));
    co_await scope.join();
    EXPECT_EQ(asked.failure().code, ErrorCode::response_timeout);
    EXPECT_EQ(asked.failure().retry, Retry::never);
  });
}

TEST(H2ClientSession, refuses_malformed_responses) {
  const std::vector<Fields> cases = {{{":status", "200"}, {"connection", "close"}},
                                     {{":status", "101"}},
                                     {{"x", "y"}},
                                     {{":status", "200"}, {"content-length", "3"}},  // and no body
                                     {{":status", "200"}, {"X", "upper"}}};
  for (const Fields& fields : cases) {
    Upstream upstream;
    upstream.with_origin([&](ClientSession& session, Client& origin) -> Task<void> {
      Asked asked(upstream.loop, session, "/a");
      Scope scope;
      scope.spawn(asked.run());
      co_await origin.until([&] { return origin.peer.streams.size() == 1; });
      (void)origin.peer.respond(origin.peer.stream(1), fields);
      co_await origin.until([&] { return asked.done; }, std::chrono::seconds(1));
      co_await scope.join();
      EXPECT_EQ(asked.failure().code, ErrorCode::bad_framing);
      EXPECT_EQ(asked.failure().origin, Origin::upstream);
    });
  }
}

TEST(H2ClientSession, refuses_a_body_that_is_not_as_long_as_announced) {
  Upstream upstream;
  upstream.with_origin([&](ClientSession& session, Client& origin) -> Task<void> {
    Asked asked(upstream.loop, session, "/a");
    Scope scope;
    scope.spawn(asked.run());
    co_await origin.until([&] { return origin.peer.streams.size() == 1; });
    (void)origin.peer.respond(origin.peer.stream(1), {{":status", "200"}, {"content-length", "9"}},
                              "short");
    co_await origin.until([&] { return asked.done; }, std::chrono::seconds(1));
    co_await scope.join();
    EXPECT_FALSE(asked.ended);
    EXPECT_EQ(asked.failure().code, ErrorCode::bad_framing);
  });
}

TEST(H2ClientSession, holds_back_only_the_stream_that_nobody_reads) {
  Upstream upstream;
  upstream.service.answers_.large = 1'000'000;
  upstream.with_server([&](ClientSession& session) -> Task<void> {
    Asked stalled(upstream.loop, session, "/large");
    Asked read(upstream.loop, session, "/large");
    stalled.response.emplace(co_await stalled.sent->run(stalled.request));
    co_await read.run();
    EXPECT_EQ(read.body.size(), 1'000'000u);
    EXPECT_LE(stalled.sent->received(), 128u * 1024);
    co_await stalled.finish();
  });
}

TEST(H2ClientSession, opens_a_websocket_as_http_1_would) {
  Upstream upstream;
  test::Pair far;
  upstream.with_server([&](ClientSession& session) -> Task<void> {
    test::Service listening(upstream.loop, upstream.world.network());
    far = co_await test::connect_pair(upstream.loop, listening);
    std::string key_seen;
    upstream.service.answers_.make_tunnel = [&](Exchange& exchange) {
      Response response(exchange.arena());
      response.status = 101;
      key_seen = exchange.request().headers.get(HeaderId::sec_websocket_key);
      add_websocket_accept(response.headers, key_seen);
      response.tunnel = std::make_unique<Tunnel>(std::move(far.server), Slice());
      return response;
    };
    Asked asked(upstream.loop, session, "/chat");
    asked.headers.add(HeaderId::sec_websocket_key, "dGhlIHNhbXBsZSBub25jZQ==");
    asked.request.upgrade = "websocket";
    Result<Response> response = co_await asked.sent->run(asked.request);
    EXPECT_TRUE(response.has_value());
    if (!response) co_return;
    EXPECT_EQ(response->status, 101);
    EXPECT_EQ(response->headers.get(HeaderId::sec_websocket_accept),
              "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    EXPECT_NE(key_seen, "dGhlIHNhbXBsZSBub25jZQ==");
    Stream& tunnel = *response->tunnel->stream;
    (void)co_await test::write_text(tunnel, "up");
    EXPECT_EQ(co_await test::read_exactly(*far.client, 2), "up");
    (void)co_await test::write_text(*far.client, "down");
    far.client->shutdown_write();
    ErrorCode end;
    EXPECT_EQ(co_await test::read_all(tunnel, end), "down");
    EXPECT_EQ(end, ErrorCode::end_of_stream);
    tunnel.shutdown_write();
    response->tunnel.reset();
    co_await asked.finish();  // the end is still said
    EXPECT_EQ(co_await test::read_all(*far.client, end), "");
    EXPECT_EQ(end, ErrorCode::end_of_stream);
  });
  EXPECT_EQ(upstream.service.last().error.code, ErrorCode::none);
}

TEST(H2ClientSession, asks_for_no_upgrade_that_the_origin_does_not_allow) {
  Upstream upstream;
  upstream.with_origin([&](ClientSession& session, Client& origin) -> Task<void> {
    Asked asked(upstream.loop, session, "/chat");
    asked.request.upgrade = "websocket";
    Scope scope;
    scope.spawn(asked.run());
    // Its settings say that it allows it; those of a server that does not are played by hand.
    origin.close();
    co_await scope.join();
    EXPECT_FALSE(asked.response->has_value());
    EXPECT_EQ(asked.failure().retry, Retry::if_unsent);
  });
}

TEST(H2ClientSession, finds_an_origin_that_is_gone_without_a_word) {
  Upstream upstream;
  upstream.with_origin([&](ClientSession& session, Client& origin) -> Task<void> {
    Asked asked(upstream.loop, session, "/a");
    asked.limits.response_timeout = std::chrono::hours(1);
    Scope scope;
    scope.spawn(asked.run());
    co_await origin.until([&] { return origin.peer.streams.size() == 1; });
    co_await upstream.loop.sleep_for(std::chrono::minutes(5));  // it answers no ping
    co_await scope.join();
    EXPECT_EQ(asked.failure().code, ErrorCode::timeout);
    EXPECT_EQ(upstream.home.closed, 1);
  });
}

}  // namespace
}  // namespace weir::h2

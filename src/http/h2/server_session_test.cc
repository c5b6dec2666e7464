#include "http/h2/server_session.h"

#include <gtest/gtest.h>

#include "http/h2/session_testing.h"

namespace weir::h2 {
namespace {

using testing::Client;
using testing::Connected;
using testing::Fields;
using testing::get;
using testing::post;
using testing::RecordingStream;

auto closed(RecordingStream& stream) {
  return [&stream] { return stream.closed; };
}

TEST(H2ServerSession, answers_a_request) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& request = client.peer.request(get("/a"));
    EXPECT_TRUE(co_await client.until(closed(request)));
    EXPECT_EQ(request.heads.at(0).status, 200);
    EXPECT_EQ(request.heads.at(0).get("content-length"), "");  // taken out by the field block
    EXPECT_EQ(request.heads.at(0).get("date").size(), 29u);
    EXPECT_EQ(request.body, "/a");
    EXPECT_EQ(request.closed_as.reason, Reason::no_error);
  });
  EXPECT_EQ(connected.service.ended_, 1);
  EXPECT_EQ(connected.service.closed_, 1);
  EXPECT_EQ(connected.service.last().status, 200);
  EXPECT_EQ(connected.service.last().bytes_sent, 2u);
  EXPECT_EQ(connected.service.counters_.open.value(), 0u);
  EXPECT_EQ(connected.service.counters_.idle.value(), 0u);
  EXPECT_EQ(connected.world.check_clean(), "");
}

TEST(H2ServerSession, answers_many_requests_side_by_side) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    for (int i = 0; i < 100; ++i) client.peer.request(post("/r" + std::to_string(i)), "body");
    EXPECT_TRUE(co_await client.until([&] {
      return std::ranges::all_of(client.peer.requests, [](auto& r) { return r->closed; });
    }));
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(client.peer.requests[i]->body, "/r" + std::to_string(i) + "body");
    }
  });
  EXPECT_EQ(connected.service.ended_, 100);
}

TEST(H2ServerSession, carries_a_large_body_up_and_down_as_it_comes) {
  Connected connected;
  std::string body = test::pattern(1'000'000, 3);
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& request = client.peer.request(post("/echo"), body);
    EXPECT_TRUE(co_await client.until(closed(request)));
    EXPECT_TRUE(request.body == body);
  });
  EXPECT_EQ(connected.service.last().bytes_received, body.size());
  EXPECT_EQ(connected.service.last().bytes_sent, body.size());
}

TEST(H2ServerSession, sends_what_the_origin_gives_slowly) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& request = client.peer.request(get("/slow"));
    EXPECT_TRUE(co_await client.until(closed(request)));
    EXPECT_EQ(request.body.size(), 300'000u);
  });
}

TEST(H2ServerSession, sends_trailers_and_interim_responses) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& trailers = client.peer.request(get("/trailers"));
    RecordingStream& interim = client.peer.request(get("/interim"));
    EXPECT_TRUE(co_await client.until([&] { return trailers.closed && interim.closed; }));
    EXPECT_EQ(trailers.heads.size(), 2u);
    EXPECT_EQ(trailers.heads.back().get("x-sum"), "42");
    EXPECT_EQ(interim.heads.size(), 2u);
    EXPECT_EQ(interim.heads[0].status, 103);
    EXPECT_EQ(interim.heads[0].get("link"), "</style.css>");
    EXPECT_EQ(interim.heads[1].status, 200);
  });
}

TEST(H2ServerSession, sends_no_content_where_there_is_none) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    Fields head = get("/x");
    head[0].second = "HEAD";
    RecordingStream& to_head = client.peer.request(head);
    RecordingStream& none = client.peer.request(get("/none"));
    RecordingStream& empty = client.peer.request(get("/empty"));
    EXPECT_TRUE(
        co_await client.until([&] { return to_head.closed && none.closed && empty.closed; }));
    EXPECT_EQ(to_head.heads.at(0).status, 200);
    EXPECT_EQ(none.heads.at(0).status, 204);
    EXPECT_EQ(to_head.body + none.body + empty.body, "");
  });
}

TEST(H2ServerSession, shows_errors_as_pages) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& request = client.peer.request(get("/error"));
    EXPECT_TRUE(co_await client.until(closed(request)));
    EXPECT_EQ(request.heads.at(0).status, 502);
    EXPECT_NE(request.body.find("connect_refused"), std::string::npos);
  });
  EXPECT_EQ(connected.service.last().error.code, ErrorCode::refused);
}

TEST(H2ServerSession, sends_100_when_the_handler_wants_the_body) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    Fields fields = post("/b");
    fields.emplace_back("expect", "100-continue");
    RecordingStream& request = client.peer.request(fields, "", false);
    EXPECT_TRUE(co_await client.until([&] { return !request.heads.empty(); }));
    EXPECT_EQ(request.heads.at(0).status, 100);
    request.sending = "now";
    request.ends = true;
    client.peer.engine.resume(request);
    EXPECT_TRUE(co_await client.until(closed(request)));
    EXPECT_EQ(request.body, "/bnow");
  });
}

TEST(H2ServerSession, sends_no_100_to_a_request_that_it_does_not_read) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    Fields fields = post("/early");
    fields.emplace_back("expect", "100-continue");
    RecordingStream& request = client.peer.request(fields, "", false);
    EXPECT_TRUE(co_await client.until(closed(request)));
    EXPECT_EQ(request.heads.size(), 1u);
    EXPECT_EQ(request.heads.at(0).status, 403);
    EXPECT_EQ(request.body, "no");
    EXPECT_EQ(request.closed_as.reason, Reason::no_error);
  });
}

TEST(H2ServerSession, answers_early_while_the_upload_runs) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& request = client.peer.request(post("/early"), std::string(500'000, 'x'));
    EXPECT_TRUE(co_await client.until(closed(request)));
    EXPECT_EQ(request.body, "no");
    EXPECT_TRUE(request.closed_as.by_peer);
    RecordingStream& next = client.peer.request(get("/next"));
    EXPECT_TRUE(co_await client.until(closed(next)));
    EXPECT_EQ(next.body, "/next");
  });
}

TEST(H2ServerSession, takes_the_rest_of_a_small_upload_after_an_early_answer) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& request = client.peer.request(post("/early"), std::string(1000, 'x'), false);
    EXPECT_TRUE(co_await client.until([&] { return request.ended; }));
    request.sending = std::string(60'000, 'x');
    request.ends = true;
    client.peer.engine.resume(request);
    EXPECT_TRUE(co_await client.until(closed(request)));
    EXPECT_FALSE(request.closed_as.by_peer);
    EXPECT_EQ(request.body, "no");
  });
}

TEST(H2ServerSession, does_not_wait_for_ever_for_the_rest_of_an_upload) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& request = client.peer.request(post("/early"), "x", false);
    EXPECT_TRUE(co_await client.until(closed(request), std::chrono::minutes(1)));
    EXPECT_EQ(request.closed_as.reason, Reason::no_error);
    EXPECT_TRUE(request.closed_as.by_peer);
  });
}

TEST(H2ServerSession, cancels_exactly_the_exchange_of_a_stream_that_is_reset) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& cancelled = client.peer.request(get("/hang"));
    RecordingStream& other = client.peer.request(get("/slow"));
    co_await client.until([&] { return other.body.size() > 10'000; });
    client.peer.engine.reset(cancelled, Reason::cancel);
    EXPECT_TRUE(co_await client.until(closed(other)));
    EXPECT_EQ(other.body.size(), 300'000u);
  });
  EXPECT_EQ(connected.service.answers_.stopped, 1);
  EXPECT_EQ(connected.service.outcomes_.at(0).error.code, ErrorCode::client_gone);
  EXPECT_EQ(connected.service.outcomes_.at(1).error.code, ErrorCode::none);
}

TEST(H2ServerSession, cancels_all_exchanges_when_the_client_goes) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    for (int i = 0; i < 5; ++i) client.peer.request(get("/hang"));
    co_await client.until([&] { return connected.service.answers_.begun == 5; },
                          std::chrono::seconds(1));
  });
  EXPECT_EQ(connected.service.answers_.stopped, 5);
  EXPECT_EQ(connected.service.ended_, 5);
  EXPECT_EQ(connected.service.last().error.code, ErrorCode::client_gone);
  EXPECT_EQ(connected.world.check_clean(), "");
}

TEST(H2ServerSession, refuses_a_body_above_the_limit) {
  Connected connected;
  connected.service.limits_.max_body_bytes = 4;
  connected.talk([&](Client& client) -> Task<void> {
    Fields fields = post("/l");
    fields.emplace_back("content-length", "5");
    RecordingStream& announced = client.peer.request(fields, "abcde");
    RecordingStream& other = client.peer.request(post("/l"), "abcde");
    RecordingStream& fits = client.peer.request(post("/l"), "abcd");
    EXPECT_TRUE(
        co_await client.until([&] { return announced.closed && other.closed && fits.closed; }));
    EXPECT_EQ(announced.heads.at(0).status, 413);
    EXPECT_EQ(other.heads.at(0).status, 413);
    EXPECT_EQ(fits.body, "/labcd");
  });
}

TEST(H2ServerSession, refuses_a_head_above_the_limits_and_goes_on) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    Fields fields = get("/x");
    fields.emplace_back("x-large", std::string(40'000, 'v'));
    RecordingStream& large = client.peer.request(fields);
    RecordingStream& target = client.peer.request(get("/" + std::string(9000, 't')));
    RecordingStream& good = client.peer.request(get("/good"));
    EXPECT_TRUE(
        co_await client.until([&] { return large.closed && target.closed && good.closed; }));
    EXPECT_EQ(large.heads.at(0).status, 431);
    EXPECT_EQ(target.heads.at(0).status, 414);
    EXPECT_EQ(good.body, "/good");
  });
}

TEST(H2ServerSession, closes_an_idle_connection_with_goaway) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& request = client.peer.request(get("/a"));
    co_await client.until(closed(request));
    co_await client.until_closed();
    co_await client.until_closed();
    co_await client.until_closed();
    EXPECT_TRUE(client.peer.goaway);
    EXPECT_EQ(client.peer.goaway_reason, Reason::no_error);
    EXPECT_EQ(client.ended, ErrorCode::end_of_stream);
  });
}

TEST(H2ServerSession, closes_a_connection_that_never_speaks) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    ErrorCode end;
    (void)co_await test::read_all(client.stream(), end);
    EXPECT_EQ(end, ErrorCode::end_of_stream);
  });
  EXPECT_EQ(connected.service.ended_, 0);
}

TEST(H2ServerSession, closes_a_connection_whose_head_takes_too_long) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    co_await client.until([&] { return client.peer.settings > 0; });
    co_await client.say(testing::frame(FrameType::headers, 0, 1, "\x82"));
    co_await client.until_closed();
    EXPECT_TRUE(client.peer.goaway);
    EXPECT_EQ(client.peer.goaway_reason, Reason::enhance_your_calm);
  });
}

TEST(H2ServerSession, tells_a_client_whose_body_takes_too_long) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& request = client.peer.request(post("/b"), "some", false);
    EXPECT_TRUE(co_await client.until(closed(request), std::chrono::minutes(2)));
    EXPECT_EQ(request.heads.at(0).status, 408);
  });
  EXPECT_EQ(connected.service.last().error.code, ErrorCode::slow_peer);
}

TEST(H2ServerSession, drains_with_two_goaways_and_ends_with_the_last_stream) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& request = client.peer.request(get("/slow"));
    co_await client.until([&] { return request.body.size() > 10'000; });
    connected.session->drain();
    RecordingStream& late = client.peer.request(get("/late"));
    EXPECT_TRUE(client.peer.last_request);
    EXPECT_TRUE(co_await client.until(closed(request)));
    EXPECT_EQ(request.body.size(), 300'000u);
    EXPECT_EQ(late.body, "/late");
    co_await client.until_closed();
    EXPECT_EQ(client.ended, ErrorCode::end_of_stream);
    EXPECT_EQ(client.peer.goaway_last, 3);
  });
  EXPECT_EQ(connected.service.ended_, 2);
}

TEST(H2ServerSession, drains_at_once_when_idle) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& request = client.peer.request(get("/a"));
    co_await client.until(closed(request));
    connected.session->drain();
    co_await client.until_closed();
    EXPECT_TRUE(client.peer.goaway);
    EXPECT_EQ(client.ended, ErrorCode::end_of_stream);
  });
}

TEST(H2ServerSession, ends_everything_at_once_when_stopped) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    client.peer.request(get("/hang"));
    client.peer.request(get("/large"));
    co_await client.until([&] { return connected.service.answers_.begun == 2; },
                          std::chrono::seconds(1));
    connected.session->stop(Error(ErrorCode::shutting_down, Origin::weir, "test"));
    co_await client.until_closed();
  });
  EXPECT_EQ(connected.service.ended_, 2);
  EXPECT_EQ(connected.world.check_clean(), "");
}

TEST(H2ServerSession, pings_a_silent_client_and_gives_up_without_an_answer) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& request = client.peer.request(get("/hang"));
    co_await client.until(closed(request), std::chrono::minutes(5));
    EXPECT_FALSE(request.closed);  // it answered the pings
    EXPECT_EQ(connected.service.ended_, 0);
    co_await connected.loop.sleep_for(std::chrono::minutes(5));
    EXPECT_EQ(connected.service.ended_, 1);
  });
}

TEST(H2ServerSession, knows_the_preface_by_three_bytes) {
  EXPECT_EQ(ServerSession::is_preface("P"), std::nullopt);
  EXPECT_EQ(ServerSession::is_preface("PR"), std::nullopt);
  EXPECT_EQ(ServerSession::is_preface("PRI"), true);
  EXPECT_EQ(ServerSession::is_preface(kPreface), true);
  EXPECT_EQ(ServerSession::is_preface("PO"), false);
  EXPECT_EQ(ServerSession::is_preface("GET"), false);
}

}  // namespace
}  // namespace weir::h2

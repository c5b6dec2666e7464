#include "http/h2/engine.h"

#include <gtest/gtest.h>

#include "http/h2/testing.h"
#include "io/testing.h"

namespace weir::h2 {
namespace {

using testing::Fields;
using testing::frame;
using testing::get;
using testing::number;
using testing::Pair;
using testing::Peer;
using testing::post;
using testing::RecordingStream;

TEST(Engine, carries_a_request_and_its_response) {
  Pair pair;
  RecordingStream& request = pair.client.request(get("/x"));
  pair.settle();
  RecordingStream& stream = pair.server.stream(1);
  ASSERT_EQ(stream.heads.size(), 1u);
  EXPECT_EQ(stream.heads[0].method, "GET");
  EXPECT_EQ(stream.heads[0].path, "/x");
  EXPECT_TRUE(stream.ended);
  ASSERT_TRUE(pair.server.respond(stream, {{":status", "200"}, {"x-a", "b"}}, "hello"));
  pair.settle();
  ASSERT_EQ(request.heads.size(), 1u);
  EXPECT_EQ(request.heads[0].status, 200);
  EXPECT_EQ(request.heads[0].get("x-a"), "b");
  EXPECT_EQ(request.body, "hello");
  EXPECT_TRUE(request.ended && request.closed && stream.closed && stream.end_sent);
  EXPECT_EQ(pair.server.engine.open_streams(), 0u);
}

TEST(Engine, gives_the_payload_as_parts_of_what_was_fed) {
  Pair pair;
  pair.server.keep_slices = true;
  pair.client.request(post(), "0123456789");
  std::string bytes = pair.client.pull();
  Slice fed = copy_slice(bytes);
  ASSERT_TRUE(pair.server.engine.feed(fed));
  ASSERT_EQ(pair.server.stream(1).slices.size(), 1u);
  EXPECT_EQ(pair.server.stream(1).slices[0].owner(), fed.owner());
}

TEST(Engine, understands_bytes_that_come_one_by_one) {
  Peer client(Side::client);
  Peer server(Side::server);
  std::string body = test::pattern(3000, 1);
  client.request(post(), body);
  for (int turn = 0; turn < 4; ++turn) {
    for (char byte : client.pull()) ASSERT_TRUE(server.feed({&byte, 1}));
    for (char byte : server.pull()) ASSERT_TRUE(client.feed({&byte, 1}));
  }
  EXPECT_TRUE(server.stream(1).body == body);
  EXPECT_TRUE(server.stream(1).ended);
}

TEST(Engine, carries_trailers_both_ways) {
  Pair pair;
  RecordingStream& request = pair.client.request(post(), "up");
  request.trailers = std::make_unique<testing::RawFields>(Fields{{"x-sum", "1"}});
  pair.settle();
  RecordingStream& stream = pair.server.stream(1);
  ASSERT_EQ(stream.heads.size(), 2u);
  EXPECT_EQ(stream.heads[1].kind, HeadKind::trailers);
  EXPECT_EQ(stream.heads[1].get("x-sum"), "1");
  EXPECT_TRUE(stream.ended);
  stream.trailers = std::make_unique<testing::RawFields>(Fields{{"grpc-status", "0"}});
  ASSERT_TRUE(pair.server.respond(stream, {{":status", "200"}}, "down"));
  pair.settle();
  ASSERT_EQ(request.heads.size(), 2u);
  EXPECT_EQ(request.heads[1].kind, HeadKind::trailers);
  EXPECT_EQ(request.heads[1].get("grpc-status"), "0");
  EXPECT_TRUE(request.closed);
}

TEST(Engine, carries_interim_responses_before_the_final_one) {
  Pair pair;
  RecordingStream& request = pair.client.request(get());
  pair.settle();
  testing::RawFields hints({{":status", "103"}, {"link", "</a>"}});
  ASSERT_TRUE(pair.server.engine.interim(pair.server.stream(1), hints.list()));
  ASSERT_TRUE(pair.server.respond(pair.server.stream(1), {{":status", "204"}}));
  pair.settle();
  ASSERT_EQ(request.heads.size(), 2u);
  EXPECT_EQ(request.heads[0].status, 103);
  EXPECT_EQ(request.heads[1].status, 204);
  EXPECT_EQ(request.heads[1].kind, HeadKind::response);
}

TEST(Engine, holds_back_only_the_stream_that_nobody_reads) {
  Pair pair({.stream_window = 1000});
  std::string large = test::pattern(200'000, 2);
  RecordingStream& stalled = pair.client.request(post("/stalled"), large);
  RecordingStream& read = pair.client.request(post("/read"), large);
  pair.settle();
  std::size_t consumed = 0;
  for (int turn = 0; turn < 1000 && !pair.server.stream(3).ended; ++turn) {
    RecordingStream& stream = pair.server.stream(3);
    pair.server.engine.consume(stream, stream.body.size() - consumed);
    consumed = stream.body.size();
    pair.settle();
  }
  EXPECT_TRUE(pair.server.stream(3).body == large);
  EXPECT_LE(pair.server.stream(1).body.size(), 66'000u);
  EXPECT_FALSE(pair.server.stream(1).ended);
  EXPECT_TRUE(read.end_sent);
  EXPECT_FALSE(stalled.end_sent);
}

TEST(Engine, rests_a_stream_without_data_until_it_is_resumed) {
  Pair pair;
  RecordingStream& request = pair.client.request(get());
  pair.settle();
  RecordingStream& stream = pair.server.stream(1);
  ASSERT_TRUE(pair.server.respond(stream, {{":status", "200"}}, "", false));
  pair.settle();
  EXPECT_EQ(request.heads.size(), 1u);
  int asked = stream.supplies;
  pair.settle();
  EXPECT_EQ(stream.supplies, asked);
  stream.sending = "late";
  stream.ends = true;
  pair.server.engine.resume(stream);
  pair.settle();
  EXPECT_EQ(request.body, "late");
  EXPECT_TRUE(request.closed);
}

TEST(Engine, tells_who_reset_a_stream_and_why) {
  Pair pair;
  RecordingStream& request = pair.client.request(post(), "", false);
  pair.settle();
  pair.client.engine.reset(request, Reason::cancel);
  pair.settle();
  EXPECT_TRUE(pair.server.stream(1).closed);
  EXPECT_TRUE(pair.server.stream(1).closed_as.by_peer);
  EXPECT_EQ(pair.server.stream(1).closed_as.reason, Reason::cancel);
  EXPECT_FALSE(request.closed_as.by_peer);
}

TEST(Engine, resets_a_stream_whose_object_goes) {
  Pair pair;
  RecordingStream& request = pair.client.request(get());
  pair.settle();
  RecordingStream& stream = pair.server.stream(1);
  ASSERT_TRUE(pair.server.respond(stream, {{":status", "200"}}, "body"));
  pair.server.engine.forget(stream);
  pair.server.streams.clear();
  pair.settle();
  EXPECT_TRUE(request.closed);
  EXPECT_EQ(request.closed_as.reason, Reason::cancel);
  EXPECT_TRUE(request.heads.empty());
}

TEST(Engine, lets_a_stream_be_forgotten_in_the_middle_of_its_head) {
  for (bool ending : {false, true}) {
    Pair pair;
    pair.client.request(post(), "", false);
    pair.settle();
    testing::RawFields fields({{":status", "200"}, {"a", "b"}, {"c", std::string(100, 'd')}});
    ASSERT_TRUE(pair.server.engine.respond(pair.server.stream(1), fields.list(), true));
    std::string bytes = pair.server.pull();
    ASSERT_TRUE(pair.client.feed(std::string_view(bytes).substr(0, 30)));
    RecordingStream& request = *pair.client.requests.back();
    ending ? pair.client.engine.end_and_forget(request) : pair.client.engine.forget(request);
    pair.client.requests.clear();
    ASSERT_TRUE(pair.client.feed(std::string_view(bytes).substr(30)));
    pair.settle();
    EXPECT_EQ(pair.client.engine.open_streams(), 0u);
  }
}

TEST(Engine, lets_a_request_be_forgotten_before_it_left) {
  Pair pair;
  RecordingStream& request = pair.client.request(post(), "body");
  pair.client.engine.forget(request);
  pair.client.requests.clear();
  pair.settle();
  EXPECT_TRUE(pair.server.streams.empty());
  EXPECT_EQ(pair.client.engine.open_streams(), 0u);
}

TEST(Engine, refuses_a_stream_that_the_listener_does_not_want) {
  Pair pair;
  pair.server.refuse = true;
  RecordingStream& request = pair.client.request(get());
  pair.settle();
  EXPECT_EQ(request.closed_as.reason, Reason::refused_stream);
  EXPECT_EQ(pair.server.misdeeds[Misdeed::refused], 1);
}

TEST(Engine, keeps_to_the_number_of_streams_that_the_peer_allows) {
  Pair pair({.streams = 2});
  pair.client.request(get());
  pair.client.request(get());
  pair.client.request(get());
  EXPECT_EQ(pair.client.last_request.error().code, ErrorCode::overloaded);
  EXPECT_EQ(pair.client.last_request.error().retry, Retry::always);
  EXPECT_EQ(pair.client.engine.peer_streams(), 2u);
}

TEST(Engine, announces_and_then_says_that_it_goes_away) {
  Pair pair;
  RecordingStream& open = pair.client.request(post(), "", false);
  pair.settle();
  pair.server.engine.announce_goaway();
  pair.settle();
  EXPECT_EQ(pair.client.goaway_last, 0x7fffffff);
  pair.client.goaway = false;
  pair.server.engine.goaway();
  pair.settle();
  EXPECT_TRUE(pair.client.goaway);
  EXPECT_EQ(pair.client.goaway_last, 1);
  pair.client.request(get());
  EXPECT_EQ(pair.client.last_request.error().code, ErrorCode::shutting_down);
  EXPECT_FALSE(pair.server.engine.finished());
  ASSERT_TRUE(pair.server.respond(pair.server.stream(1), {{":status", "200"}}, "still"));
  pair.settle();
  EXPECT_EQ(open.body, "still");
  open.ends = true;
  pair.client.engine.resume(open);
  pair.settle();
  EXPECT_TRUE(pair.server.engine.finished());
}

TEST(Engine, answers_pings) {
  Pair pair;
  pair.client.engine.ping();
  pair.settle();
  EXPECT_EQ(pair.client.ping_acks, 1);
  EXPECT_EQ(pair.server.misdeeds[Misdeed::ping], 1);
}

TEST(Engine, ends_with_what_is_not_http_2) {
  Peer server(Side::server);
  EXPECT_FALSE(server.feed("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"));
  EXPECT_TRUE(server.engine.failed());
  EXPECT_FALSE(server.feed("more"));
}

TEST(Engine, ends_the_connection_when_the_protocol_is_broken) {
  Pair pair;
  (void)pair.server.feed(frame(FrameType::data, 0, 0, "data on no stream"));
  pair.settle();
  EXPECT_EQ(pair.client.goaway_reason, Reason::protocol_error);
  EXPECT_TRUE(pair.server.engine.failed());
  EXPECT_TRUE(pair.server.engine.finished());
}

TEST(Engine, writes_urgent_responses_first) {
  Pair pair({}, {}, {.connection_window = 65'535});
  RecordingStream& later = pair.client.request(get("/later"));
  RecordingStream& sooner = pair.client.request(get("/sooner"));
  pair.settle();
  pair.server.engine.prioritize(pair.server.stream(1), {.urgency = 6});
  pair.server.engine.prioritize(pair.server.stream(3), {.urgency = 1});
  std::string body(40'000, 'x');
  ASSERT_TRUE(pair.server.respond(pair.server.stream(1), {{":status", "200"}}, body));
  ASSERT_TRUE(pair.server.respond(pair.server.stream(3), {{":status", "200"}}, body));
  (void)pair.client.feed(pair.server.pull());
  EXPECT_EQ(sooner.body.size(), 40'000u);
  EXPECT_LT(later.body.size(), 40'000u);
}

TEST(Engine, shares_the_connection_among_incremental_responses) {
  Pair pair({}, {}, {.connection_window = 65'535});
  RecordingStream* requests[3];
  for (auto*& request : requests) request = &pair.client.request(get());
  pair.settle();
  for (StreamId id : {1, 3, 5}) {
    pair.server.engine.prioritize(pair.server.stream(id), {.urgency = 3, .incremental = true});
    ASSERT_TRUE(pair.server.respond(pair.server.stream(id), {{":status", "200"}},
                                    std::string(60'000, 'x')));
  }
  (void)pair.client.feed(pair.server.pull());  // one connection window: 65,535 bytes
  for (auto* request : requests) EXPECT_NEAR(request->body.size(), 65'535 / 3, 17'000);
}

TEST(Engine, counts_the_memory_of_nghttp2) {
  Peer idle(Side::server);
  EXPECT_GT(idle.engine.allocated(), 1000u);
  RecordProperty("bytes", static_cast<int>(idle.engine.allocated()));
  EXPECT_LT(idle.engine.allocated(), 32'000u);
}

}  // namespace
}  // namespace weir::h2

#include "http/h1/framing.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/h1/testing.h"

namespace weir::h1 {
namespace {

using testing::frame_request;
using testing::frame_response;
using testing::get;
using testing::post;
using testing::request_error;
using testing::response_error;
using Kind = Framing::Kind;

TEST(RequestFraming, takes_the_body_from_its_length) {
  auto framing = frame_request(post("Content-Length: 42\r\n"));
  ASSERT_TRUE(framing);
  EXPECT_EQ(framing->kind, Kind::length);
  EXPECT_EQ(framing->length, 42u);
  EXPECT_TRUE(framing->has_length);
  EXPECT_TRUE(framing->has_body());
}

TEST(RequestFraming, a_length_of_zero_is_no_body) {
  auto framing = frame_request(post("Content-Length: 0\r\n"));
  ASSERT_TRUE(framing);
  EXPECT_EQ(framing->kind, Kind::none);
  EXPECT_TRUE(framing->has_length);
  EXPECT_FALSE(framing->has_body());
}

TEST(RequestFraming, connect_and_trace_may_say_that_they_have_no_content) {
  EXPECT_EQ(request_error("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 0\r\n\r\n"),
            ErrorCode::none);
  EXPECT_EQ(request_error("TRACE / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
            ErrorCode::bad_framing);
}

struct KeepAliveCase {
  std::string_view version;
  std::string_view fields;
  bool keep_alive;
};

TEST(RequestFraming, keep_alive_follows_version_and_connection_options) {
  const KeepAliveCase cases[] = {
      {"1.1", "", true},
      {"1.1", "Connection: close\r\n", false},
      {"1.1", "Connection: CLOSE\r\n", false},
      {"1.1", "Connection: keep-alive\r\n", true},
      {"1.1", "Connection: keep-alive, close\r\n", false},
      {"1.1", "Connection: x\r\nConnection: y ,\tclose\r\n", false},
      {"1.1", "Connection: closed\r\n", true},
      {"1.1", "Connection:\r\n", true},
      {"1.1", "Connection: , ,\r\n", true},
      {"1.1", "Proxy-Connection: close\r\n", true},
      {"1.0", "", false},
      {"1.0", "Connection: keep-alive\r\n", true},
      {"1.0", "Connection: Keep-Alive, X\r\n", true},
      {"1.0", "Connection: keep-alive, close\r\n", false},
      {"1.0", "Keep-Alive: timeout=5\r\n", false},
      {"1.0", "Proxy-Connection: keep-alive\r\n", false},
  };
  for (const KeepAliveCase& c : cases) {
    auto framing = frame_request("GET / HTTP/" + std::string(c.version) + "\r\nHost: a\r\n" +
                                 std::string(c.fields) + "\r\n");
    ASSERT_TRUE(framing) << c.fields;
    EXPECT_EQ(framing->keep_alive, c.keep_alive) << c.version << " " << c.fields;
    auto response = frame_response("HTTP/" + std::string(c.version) + " 200 OK\r\n" +
                                   "Content-Length: 1\r\n" + std::string(c.fields) + "\r\n");
    ASSERT_TRUE(response) << c.fields;
    EXPECT_EQ(response->keep_alive, c.keep_alive) << c.version << " " << c.fields;
  }
}

TEST(RequestFraming, connection_options_are_tokens_and_few) {
  EXPECT_EQ(request_error(get("Connection: a b\r\n")), ErrorCode::parse);
  EXPECT_EQ(request_error(get("Connection: \"close\"\r\n")), ErrorCode::parse);
  for (int off : {-1, 0, 1}) {
    std::string list = "o";
    for (int i = 1; i < static_cast<int>(kMaxConnectionOptions) + off; ++i) list += ",o";
    EXPECT_EQ(request_error(get("Connection: " + list + "\r\n")),
              off == 1 ? ErrorCode::parse : ErrorCode::none);
    std::string lines;
    for (int i = 0; i < static_cast<int>(kMaxConnectionOptions) + off; ++i) {
      lines += "Connection: o\r\n";
    }
    EXPECT_EQ(request_error(get(lines)), off == 1 ? ErrorCode::parse : ErrorCode::none);
  }
}

TEST(RequestFraming, continue_is_expected_only_with_a_body_and_from_http_1_1) {
  EXPECT_TRUE(
      frame_request(post("Content-Length: 5\r\nExpect: 100-continue\r\n"))->expect_continue);
  EXPECT_TRUE(frame_request(post("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n"))
                  ->expect_continue);
  EXPECT_FALSE(frame_request(post("Expect: 100-continue\r\n"))->expect_continue);
  EXPECT_FALSE(
      frame_request(post("Content-Length: 0\r\nExpect: 100-continue\r\n"))->expect_continue);
  auto old = frame_request("POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: anything\r\n\r\n");
  ASSERT_TRUE(old);
  EXPECT_FALSE(old->expect_continue);
}

TEST(RequestFraming, sees_who_reads_trailers) {
  EXPECT_TRUE(frame_request(get("TE: trailers\r\n"))->te_trailers);
  EXPECT_TRUE(frame_request(get("TE: gzip;q=0.5, Trailers\r\n"))->te_trailers);
  EXPECT_FALSE(frame_request(get("TE: gzip\r\n"))->te_trailers);
  EXPECT_FALSE(frame_request(get(""))->te_trailers);
}

TEST(RequestFraming, takes_one_upgrade_protocol_from_http_1_1) {
  EXPECT_EQ(frame_request(get("Connection: upgrade, x\r\nUpgrade: WebSocket\r\n"))->upgrade,
            "WebSocket");
  EXPECT_EQ(frame_request(get("Connection: upgrade\r\nUpgrade: foo/2\r\n"))->upgrade, "foo/2");
  EXPECT_EQ(frame_request("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: foo\r\n\r\n")->upgrade,
            "");
}

struct ResponseCase {
  std::string_view head;
  Method method;
  Kind kind;
  std::uint64_t length;
  bool keep_alive;
};

TEST(ResponseFraming, follows_rfc_9112_section_6_3) {
  const ResponseCase cases[] = {
      {"1.1 200\r\nContent-Length: 5\r\n", Method::get, Kind::length, 5, true},
      {"1.1 200\r\nContent-Length: 0\r\n", Method::get, Kind::none, 0, true},
      {"1.1 200\r\nTransfer-Encoding: chunked\r\n", Method::get, Kind::chunked, 0, true},
      {"1.1 200\r\n", Method::get, Kind::until_close, 0, false},
      {"1.1 200\r\nConnection: keep-alive\r\n", Method::get, Kind::until_close, 0, false},
      {"1.0 200\r\n", Method::get, Kind::until_close, 0, false},
      {"1.0 200\r\nContent-Length: 5\r\n", Method::get, Kind::length, 5, false},
      {"1.1 200\r\nContent-Length: 5\r\n", Method::head, Kind::none, 5, true},
      {"1.1 200\r\nTransfer-Encoding: chunked\r\n", Method::head, Kind::none, 0, true},
      {"1.1 200\r\n", Method::head, Kind::none, 0, true},
      {"1.1 304\r\nContent-Length: 5\r\n", Method::get, Kind::none, 5, true},
      {"1.1 304\r\n", Method::get, Kind::none, 0, true},
      {"1.1 204\r\n", Method::get, Kind::none, 0, true},
      {"1.1 204\r\nTransfer-Encoding: chunked\r\n", Method::get, Kind::none, 0, false},
      {"1.1 205\r\nContent-Length: 0\r\n", Method::get, Kind::none, 0, true},
      {"1.1 100\r\n", Method::get, Kind::none, 0, true},
      {"1.1 101\r\nConnection: upgrade\r\nUpgrade: x\r\n", Method::get, Kind::tunnel, 0, false},
      {"1.1 200\r\n", Method::connect, Kind::tunnel, 0, false},
      {"1.1 200\r\nContent-Length: 5\r\n", Method::connect, Kind::tunnel, 0, false},
      {"1.1 299\r\nTransfer-Encoding: chunked\r\n", Method::connect, Kind::tunnel, 0, false},
      {"1.1 403\r\nContent-Length: 5\r\n", Method::connect, Kind::length, 5, true},
      {"1.1 999\r\nContent-Length: 5\r\n", Method::get, Kind::length, 5, true},
  };
  for (const ResponseCase& c : cases) {
    auto framing = frame_response("HTTP/" + std::string(c.head) + "\r\n", c.method);
    ASSERT_TRUE(framing) << c.head;
    EXPECT_EQ(framing->kind, c.kind) << c.head;
    EXPECT_EQ(framing->length, c.length) << c.head;
    EXPECT_EQ(framing->keep_alive, c.keep_alive) << c.head;
  }
}

TEST(ResponseFraming, tells_the_protocol_that_was_switched_to) {
  EXPECT_EQ(frame_response("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
                ->upgrade,
            "websocket");
}

TEST(ResponseFraming, checks_length_fields_even_where_no_body_can_be) {
  EXPECT_EQ(response_error("HTTP/1.1 304 x\r\nContent-Length: x\r\n\r\n"), ErrorCode::bad_framing);
  EXPECT_EQ(response_error("HTTP/1.1 200 x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                           Method::head),
            ErrorCode::bad_framing);
}

std::string left_of(std::string_view fields) {
  testing::Request request(get(fields));
  EXPECT_TRUE(request.complete());
  remove_hop_by_hop(request.headers);
  std::string names;
  for (const Header& h : request.headers) names += std::string(h.name()) + " ";
  return names;
}

TEST(RemoveHopByHop, removes_the_fields_of_one_connection) {
  EXPECT_EQ(left_of("Connection: close\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip\r\n"
                    "Transfer-Encoding: chunked\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"
                    "Trailer: X\r\nAccept: */*\r\n"),
            "Host Trailer Accept ");
}

TEST(RemoveHopByHop, removes_what_connection_names_in_any_case) {
  EXPECT_EQ(left_of("Connection: X-One ,x-TWO\r\nX-Two: 2\r\nX-One: 1\r\nX-Three: 3\r\n"
                    "Connection: x-four\r\nX-FOUR: 4\r\n"),
            "Host X-Three ");
}

TEST(RemoveHopByHop, leaves_a_head_without_such_fields_alone) {
  EXPECT_EQ(left_of("Accept: */*\r\nX-One: 1\r\n"), "Host Accept X-One ");
}

TEST(TrailerAllowed, is_for_unknown_plain_names_and_etag) {
  for (std::string_view name : {"X-Checksum", "grpc-status", "Server-Timing", "Digest", "ETag"}) {
    EXPECT_TRUE(trailer_allowed(header_id(name), name)) << name;
  }
  for (unsigned id = 1; id < kHeaderIds; ++id) {
    auto known = static_cast<HeaderId>(id);
    EXPECT_EQ(trailer_allowed(known, header_name(known)), known == HeaderId::etag);
  }
  for (std::string_view name : {"x_checksum", "X-FORWARDED-Client", "Proxy-Status", "Sec-X",
                                "access-control-allow-origin", "X-Real-Port"}) {
    EXPECT_FALSE(trailer_allowed(header_id(name), name)) << name;
  }
}

TEST(ForEachToken, skips_empty_elements_and_trims) {
  std::vector<std::string> seen;
  for_each_token(" , a ,\tb,,c d , ", [&](std::string_view e) { seen.emplace_back(e); });
  EXPECT_EQ(seen, (std::vector<std::string>{"a", "b", "c d"}));
  int calls = 0;
  EXPECT_FALSE(for_each_token("a,b", [&](std::string_view) { return ++calls < 1; }));
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(for_each_token("", [&](std::string_view) { ADD_FAILURE(); }));
}

}  // namespace
}  // namespace weir::h1

#include "http/websocket_handshake.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

TEST(WebSocketHandshake, computes_the_accept_of_the_rfc) {
  Arena arena;
  EXPECT_EQ(websocket_accept(kKey, arena), kAccept);
}

TEST(WebSocketHandshake, knows_its_protocol_in_any_case_of_letters) {
  EXPECT_TRUE(is_websocket("websocket"));
  EXPECT_TRUE(is_websocket("WebSocket"));
  EXPECT_FALSE(is_websocket("websockets"));
  EXPECT_FALSE(is_websocket(""));
}

TEST(WebSocketHandshake, makes_keys_of_sixteen_bytes_that_differ) {
  Arena arena;
  Random random(7);
  Headers one(arena);
  Headers other(arena);
  add_websocket_key(one, random);
  add_websocket_key(other, random);
  EXPECT_EQ(one.get(HeaderId::sec_websocket_key).size(), 24u);
  EXPECT_TRUE(one.get(HeaderId::sec_websocket_key).ends_with("=="));
  EXPECT_NE(one.get(HeaderId::sec_websocket_key), other.get(HeaderId::sec_websocket_key));
}

TEST(WebSocketHandshake, replaces_a_key_that_a_client_of_http_2_sent) {
  Arena arena;
  Random random(7);
  Headers request(arena);
  request.add(HeaderId::sec_websocket_key, "mine");
  add_websocket_key(request, random);
  EXPECT_EQ(request.count(HeaderId::sec_websocket_key), 1u);
  EXPECT_NE(request.get(HeaderId::sec_websocket_key), "mine");
}

TEST(WebSocketHandshake, accepts_only_the_accept_of_the_key) {
  Arena arena;
  Headers response(arena);
  EXPECT_EQ(check_websocket_accept(response, kKey, arena).error().code, ErrorCode::bad_gateway);
  add_websocket_accept(response, kKey);
  EXPECT_TRUE(check_websocket_accept(response, kKey, arena));
  EXPECT_FALSE(check_websocket_accept(response, "b3RoZXIgb3RoZXIgb3RoZQ==", arena));
  response.add(HeaderId::sec_websocket_accept, kAccept);
  EXPECT_FALSE(check_websocket_accept(response, kKey, arena));
}

TEST(WebSocketHandshake, takes_key_and_accept_away_and_leaves_the_rest) {
  Arena arena;
  Headers headers(arena);
  headers.add(HeaderId::sec_websocket_key, kKey);
  headers.add(HeaderId::sec_websocket_accept, kAccept);
  headers.add(HeaderId::sec_websocket_protocol, "chat");
  remove_websocket_key(headers);
  remove_websocket_accept(headers);
  ASSERT_EQ(headers.size(), 1u);
  EXPECT_EQ(headers.get(HeaderId::sec_websocket_protocol), "chat");
}

}  // namespace
}  // namespace weir

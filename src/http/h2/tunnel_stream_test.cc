#include "http/h2/tunnel_stream.h"

#include <gtest/gtest.h>

#include "http/h2/session_testing.h"
#include "http/websocket_handshake.h"

namespace weir::h2 {
namespace {

using testing::Client;
using testing::Connected;
using testing::Fields;
using testing::RecordingStream;

const Fields kConnect = {{":method", "CONNECT"}, {":authority", "far.example:443"}};
const Fields kWebSocket = {{":method", "CONNECT"},      {":protocol", "websocket"},
                           {":scheme", "https"},        {":path", "/chat"},
                           {":authority", "a.example"}, {"sec-websocket-version", "13"}};

/// The far end of the tunnel that the handler makes; opened inside the dialogue.
struct Far {
  Far(Connected& connected) : listening(connected.loop, connected.world.network()) {}

  Task<void> open(Connected& connected, bool accept = true) {
    test::Pair pair = co_await test::connect_pair(connected.loop, listening);
    end = std::move(pair.client);
    near = std::move(pair.server);
    connected.service.answers_.make_tunnel = [this, accept](Exchange& exchange) {
      const Request& request = exchange.request();
      key = request.headers.get(HeaderId::sec_websocket_key);
      Response response(exchange.arena());
      if (!request.upgrade.empty()) {
        response.status = 101;
        if (accept) add_websocket_accept(response.headers, key);
        response.headers.add(HeaderId::sec_websocket_protocol, "chat");
      }
      response.tunnel = std::make_unique<Tunnel>(std::move(near), copy_slice("hi "));
      return response;
    };
  }

  test::Service listening;
  std::unique_ptr<Stream> end;
  std::unique_ptr<Stream> near;
  std::string key;
};

void send(Client& client, RecordingStream& stream, std::string bytes, bool end = false) {
  stream.sending += bytes;
  stream.ends = end;
  client.peer.engine.resume(stream);
}

TEST(H2Tunnel, carries_bytes_both_ways_with_half_close) {
  Connected connected;
  Far far(connected);
  connected.talk([&](Client& client) -> Task<void> {
    co_await far.open(connected);
    RecordingStream& request = client.peer.request(kConnect, "early ", false);
    EXPECT_TRUE(co_await client.until([&] { return request.body == "hi "; }));
    EXPECT_EQ(request.heads.at(0).status, 200);
    EXPECT_EQ(request.heads.at(0).get("content-length"), "");
    send(client, request, "up", true);
    co_await client.say();
    ErrorCode end;
    EXPECT_EQ(co_await test::read_all(*far.end, end), "early up");
    EXPECT_EQ(end, ErrorCode::end_of_stream);
    (void)co_await test::write_text(*far.end, "still there");
    far.end->shutdown_write();
    EXPECT_TRUE(co_await client.until([&] { return request.closed; }));
    EXPECT_EQ(request.body, "hi still there");
    EXPECT_EQ(request.closed_as.reason, Reason::no_error);
    EXPECT_FALSE(request.closed_as.by_peer);
  });
  EXPECT_EQ(connected.service.detached_, 1);
  EXPECT_EQ(connected.service.last().bytes_received, 8u);
  EXPECT_EQ(connected.service.last().bytes_sent, 14u);
  EXPECT_EQ(connected.service.counters_.tunnels.value(), 0u);
}

TEST(H2Tunnel, carries_much_both_ways_at_once) {
  Connected connected;
  Far far(connected);
  std::string up = test::pattern(500'000, 1);
  std::string down = test::pattern(500'000, 2);
  auto echo = [&](std::string& got) -> Task<void> {
    ErrorCode end;
    got = co_await test::read_all(*far.end, end);
  };
  auto speak = [&]() -> Task<void> {
    (void)co_await test::write_text(*far.end, down);
    far.end->shutdown_write();
  };
  connected.talk([&](Client& client) -> Task<void> {
    co_await far.open(connected);
    RecordingStream& request = client.peer.request(kConnect, up);
    Scope scope;
    std::string got;
    scope.spawn(echo(got));
    scope.spawn(speak());
    EXPECT_TRUE(co_await client.until([&] { return request.closed; }));
    co_await scope.join();
    EXPECT_TRUE(request.body == "hi " + down);
    EXPECT_TRUE(got == up);
  });
}

TEST(H2Tunnel, of_a_websocket_looks_like_http_1_to_the_handler) {
  Connected connected;
  Far far(connected);
  connected.talk([&](Client& client) -> Task<void> {
    co_await far.open(connected);
    RecordingStream& request = client.peer.request(kWebSocket, "", false);
    EXPECT_TRUE(co_await client.until([&] { return request.body == "hi "; }));
    EXPECT_EQ(request.heads.at(0).status, 200);
    EXPECT_EQ(request.heads.at(0).get("sec-websocket-accept"), "");
    EXPECT_EQ(request.heads.at(0).get("sec-websocket-protocol"), "chat");
    EXPECT_EQ(far.key.size(), 24u);
    far.end->shutdown_write();
    send(client, request, "", true);
    EXPECT_TRUE(co_await client.until([&] { return request.closed; }));
  });
  EXPECT_EQ(connected.service.answers_.seen.at(0), "GET /chat");
  EXPECT_EQ(connected.service.last().status, 200);
}

TEST(H2Tunnel, is_not_made_when_the_origin_did_not_understand_the_handshake) {
  Connected connected;
  Far far(connected);
  connected.talk([&](Client& client) -> Task<void> {
    co_await far.open(connected, false);
    RecordingStream& request = client.peer.request(kWebSocket, "smuggled", false);
    EXPECT_TRUE(co_await client.until([&] { return request.closed; }));
    EXPECT_EQ(request.heads.at(0).status, 502);
    ErrorCode end;
    EXPECT_EQ(co_await test::read_all(*far.end, end), "");
  });
  EXPECT_EQ(connected.service.detached_, 0);
}

// RFC 8441, 4: any 2xx would mean that there is one.
TEST(H2Tunnel, is_not_made_of_an_ordinary_answer) {
  Connected connected;
  connected.service.answers_.make_tunnel = [](Exchange& exchange) {
    Response response(exchange.arena());
    response.status = 200;
    response.body = exchange.own<MemoryBody>(Slice::unowned("what upgrade?"));
    return response;
  };
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& request = client.peer.request(kWebSocket, "smuggled", false);
    EXPECT_TRUE(co_await client.until([&] { return request.closed; }));
    EXPECT_EQ(request.heads.at(0).status, 502);
    EXPECT_EQ(request.body.find("what upgrade"), std::string::npos);
  });
}

TEST(H2Tunnel, ends_with_its_stream) {
  Connected connected;
  Far far(connected);
  connected.talk([&](Client& client) -> Task<void> {
    co_await far.open(connected);
    RecordingStream& request = client.peer.request(kConnect, "", false);
    co_await client.until([&] { return request.body == "hi "; });
    client.peer.engine.reset(request, Reason::cancel);
    co_await client.say();
    ErrorCode end;
    (void)co_await test::read_all(*far.end, end);
    EXPECT_NE(end, ErrorCode::none);
    RecordingStream& next = client.peer.request(testing::get("/next"));
    EXPECT_TRUE(co_await client.until([&] { return next.closed; }));
    EXPECT_EQ(next.body, "/next");
  });
  EXPECT_EQ(connected.service.counters_.tunnels.value(), 0u);
  EXPECT_EQ(connected.service.outcomes_.at(0).error.code, ErrorCode::client_gone);
}

TEST(H2Tunnel, is_reset_when_the_far_end_breaks) {
  Connected connected;
  Far far(connected);
  connected.talk([&](Client& client) -> Task<void> {
    co_await far.open(connected);
    RecordingStream& request = client.peer.request(kConnect, "", false);
    co_await client.until([&] { return request.body == "hi "; });
    far.end->reset_on_close();
    far.end.reset();
    EXPECT_TRUE(co_await client.until([&] { return request.closed; }));
    EXPECT_TRUE(request.closed_as.by_peer);
    EXPECT_FALSE(request.ended);
  });
}

TEST(H2Tunnel, that_ends_with_its_head_is_malformed) {
  Connected connected;
  connected.talk([&](Client& client) -> Task<void> {
    RecordingStream& request = client.peer.request(kConnect);
    EXPECT_TRUE(co_await client.until([&] { return request.closed; }));
    EXPECT_EQ(request.closed_as.reason, Reason::protocol_error);
  });
}

}  // namespace
}  // namespace weir::h2

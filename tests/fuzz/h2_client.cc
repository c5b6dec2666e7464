// Frames of an origin into an HTTP/2 client session with requests under way: each of them ends
// once, with a response or an error, and nothing is left over.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "http/h2/client_exchange.h"
#include "http/h2/client_session.h"
#include "http/h2/testing.h"
#include "input.h"
#include "io/sim/loop.h"
#include "io/sim/network.h"
#include "io/sim/world.h"
#include "require.h"

namespace {

using namespace weir;
using namespace weir::h2;
using h2::testing::frame;
using h2::testing::number;

constexpr int kRequests = 3;  // streams 1, 3 and 5

std::string head(Input& in, std::string_view status) {
  h2::testing::Fields fields{{":status", std::string(status)}};
  if (in.byte() % 4 == 0) fields.emplace_back("content-length", std::to_string(in.byte()));
  return h2::testing::literals(fields) + in.bytes(in.byte() % 64);
}

// Most frames are nearly right, so that what lies behind the first checks is reached.
std::string next_frame(Input& in) {
  std::uint8_t kind = in.byte();
  std::uint32_t stream = 2 * (in.byte() % 4u) + 1;
  switch (kind % 14) {
    case 0: return frame(FrameType::headers, 4, stream, head(in, "200"));
    case 1: return frame(FrameType::headers, 5, stream, head(in, "204"));
    case 2: return frame(FrameType::headers, 4, stream, head(in, "103"));
    case 3: return frame(FrameType::headers, in.byte(), stream, in.bytes(in.byte()));
    case 4: return frame(FrameType::data, in.byte() % 2, stream, in.bytes(in.byte()));
    case 5: return frame(FrameType::data, in.byte(), stream, std::string(16u * in.byte(), 'd'));
    case 6: return frame(FrameType::rst_stream, 0, stream, number(in.byte() % 16));
    case 7:
      return frame(FrameType::window_update, 0, in.byte() % 2 == 0 ? 0 : stream,
                   number(in.byte() * 1000u));
    case 8: return frame(FrameType::settings, in.byte() % 2, 0, in.bytes(6u * (in.byte() % 4u)));
    case 9: return frame(FrameType::ping, in.byte() % 2, 0, "12345678");
    case 10: return frame(FrameType::goaway, 0, 0, number(in.byte() % 8) + number(in.byte() % 16));
    case 11: return frame(FrameType::headers, 5, stream, h2::testing::literal("x-sum", "1"));
    case 12: return frame(FrameType::continuation, in.byte(), stream, in.bytes(in.byte() % 32));
    default:
      return frame(static_cast<FrameType>(in.byte()), in.byte(), in.byte(), in.bytes(in.byte()));
  }
}

struct Home final : ClientSessionHome {
  void stream_ended(ClientSession&) override {}
  void settings_came(ClientSession&) override {}
  void session_closed(ClientSession&) override { ++closed; }
  AbuseCounters& abuse() override { return counters; }
  int closed = 0;
  AbuseCounters counters;
};

Task<void> ask(Loop& loop, ClientSession& session, bool uploads, int& ended) {
  ConnectionFacts facts{{}, "fuzz", false};
  Exchange exchange(loop, facts, {});
  Headers headers(exchange.arena());
  headers.add(HeaderId::host, "origin.example");
  MemoryBody upload(copy_slice(std::string(uploads ? 70'000 : 0, 'u')));
  h1::ClientLimits limits;
  limits.response_timeout = limits.idle_timeout = std::chrono::seconds(5);
  auto* sent = exchange.own<ClientExchange>(exchange, session, limits, exchange.stop());
  h1::ClientRequest request{.method = uploads ? Method::post : Method::get,
                            .method_text = uploads ? "POST" : "GET",
                            .target = "/",
                            .headers = &headers,
                            .body = uploads ? &upload : nullptr,
                            .upgrade = {},
                            .te_trailers = true};
  Result<Response> response = co_await sent->run(request);
  if (response) {
    require(response->status >= 200 && response->status <= 999, "a final status");
    for (const Header& header : response->headers) {
      require(header.value().find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
              "clean responses");
    }
    while (response->body != nullptr) {
      Result<Slice> piece = co_await response->body->read();
      if (!piece || piece->empty()) break;
    }
  }
  co_await exchange.finish();
  ++ended;
}

Task<void> proxy(Loop& loop, Address address, Home& home, int& ended) {
  auto stream = co_await loop.connect(address);
  require(stream.has_value(), "connects");
  Scope reader;
  {
    auto session = ClientSession::open(reader, std::move(*stream), ClientSessionLimits{}, home);
    Scope requests;
    for (int i = 0; i < kRequests; ++i) requests.spawn(ask(loop, *session, i == 1, ended));
    co_await requests.join();
    session->close();
  }
  co_await reader.join();
}

Task<void> read_all(Stream& stream) {
  while (true) {
    Result<Slice> got = co_await stream.read();
    if (!got) co_return;
  }
}

Task<void> origin(Loop& loop, Listener& listener, std::string bytes, std::size_t cut) {
  auto made = co_await listener.accept();
  require(made.has_value(), "accepts");
  std::unique_ptr<Stream> stream = std::move(*made);
  Scope reader;
  reader.spawn(read_all(*stream));
  for (std::size_t at = 0; at < bytes.size(); at += cut) {
    Slice piece = copy_slice(std::string_view(bytes).substr(at, cut));
    Status said = co_await stream->write({&piece, 1});
    if (!said) break;
    co_await loop.sleep_for(std::chrono::microseconds(100));
  }
  stream->shutdown_write();
  co_await reader.join();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  Input in(data, size);
  std::uint8_t options = in.byte();
  std::string bytes;
  if (options % 2 == 0) bytes += frame(FrameType::settings, 0, 0);
  if (options % 8 == 7) {
    bytes += in.bytes(size);  // frames as they stand
  } else {
    while (!in.empty() && bytes.size() < 64 * 1024) bytes += next_frame(in);
  }
  if (bytes.empty()) return 0;
  Home home;
  int ended = 0;
  SimWorld world(1);
  SimLoop& loop = world.add_loop();
  int socket = world.network().bind(*Address::parse("127.0.0.1:80"), {}).value();
  auto listener = std::move(loop.listen(socket).value());
  std::size_t cut = options % 4 < 2 ? bytes.size() : 100u + options;
  world.spawn(loop, origin(loop, *listener, bytes, cut));
  world.spawn(loop, proxy(loop, *Address::parse("127.0.0.1:80"), home, ended));
  require(world.run() == SimWorld::End::reached, "the session ends");
  listener.reset();
  world.network().close(socket);
  require(world.check_clean().empty(), "nothing is left over");
  require(ended == kRequests && home.closed == 1, "every request and the session ended once");
  return 0;
}

// Frames into an HTTP/2 server: the engine sees the same events however the bytes are cut, and a
// session with handlers behind it ends with nothing left over.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "http/h2/server_session.h"
#include "http/h2/test_service.h"
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

std::string head(Input& in, std::string_view method) {
  static constexpr std::string_view kPaths[] = {"/echo", "/slow",  "/hang",     "/early",
                                                "/x",    "/large", "/trailers", "/interim",
                                                "/none", "/error"};
  return h2::testing::literals({{":method", std::string(method)},
                                {":scheme", "http"},
                                {":path", std::string(kPaths[in.byte() % std::size(kPaths)])},
                                {":authority", "a.example"}}) +
         in.bytes(in.byte() % 64);
}

// Most frames are nearly right, so that what lies behind the first checks is reached.
std::string next_frame(Input& in) {
  std::uint8_t kind = in.byte();
  std::uint32_t stream = 2 * (in.byte() % 8u) + 1;
  switch (kind % 14) {
    case 0: return frame(FrameType::headers, 5, stream, head(in, "GET"));
    case 1: return frame(FrameType::headers, 4, stream, head(in, "POST"));
    case 2: return frame(FrameType::headers, in.byte(), stream, in.bytes(in.byte()));
    case 3: return frame(FrameType::data, 0, stream, in.bytes(in.byte()));
    case 4: return frame(FrameType::data, in.byte(), stream, std::string(16u * in.byte(), 'd'));
    case 5: return frame(FrameType::data, 1, stream);
    case 6: return frame(FrameType::rst_stream, 0, stream, number(in.byte()));
    case 7:
      return frame(FrameType::window_update, 0, in.byte() % 2 == 0 ? 0 : stream,
                   number(in.byte() * 1000u));
    case 8: return frame(FrameType::settings, in.byte() % 2, 0, in.bytes(6u * (in.byte() % 4u)));
    case 9: return frame(FrameType::ping, in.byte() % 2, 0, "12345678");
    case 10: return frame(FrameType::continuation, in.byte(), stream, in.bytes(in.byte() % 32));
    case 11: return frame(FrameType::headers, 5, stream, h2::testing::literal("x-sum", "1"));
    case 12: return frame(FrameType::priority_update, 0, 0, number(stream) + "u=1, i");
    default:
      return frame(static_cast<FrameType>(in.byte()), in.byte(), in.byte(), in.bytes(in.byte()));
  }
}

std::string events(h2::testing::Peer& peer) {
  std::string text;
  for (const auto& [id, stream] : peer.streams) {
    text += std::to_string(id) + ":";
    for (const h2::testing::Head& head : stream->heads) {
      text += " " + std::to_string(static_cast<int>(head.error.code)) + head.method + head.path;
      for (const auto& [name, value] : head.fields) text += " " + name + "=" + value;
    }
    text += " " + stream->body + (stream->ended ? " end" : "") + (stream->closed ? " closed" : "");
  }
  return text + (peer.engine.failed() ? " failed" : "");
}

void check_pieces(std::string_view bytes, std::size_t cut) {
  h2::testing::Peer whole(Side::server);
  h2::testing::Peer pieces(Side::server);
  (void)whole.feed(bytes);
  for (std::size_t at = 0; at < bytes.size(); at += cut) {
    if (!pieces.feed(bytes.substr(at, cut))) break;
  }
  // A failure in the middle is found before, or after, what came with it.
  bool failed = whole.engine.failed() || pieces.engine.failed();
  require(failed || events(whole) == events(pieces), "the same events however it is cut");
  (void)whole.pull();
  (void)pieces.pull();
}

Task<void> serve(Loop& loop, Listener& listener, Service& service) {
  auto stream = co_await listener.accept();
  require(stream.has_value(), "accepts");
  Scope scope;
  ServerSession::serve(scope, std::make_unique<ServerSession>(
                                  std::move(*stream), ConnectionFacts{{}, "fuzz", false}, service));
  co_await scope.join();
}

Task<void> read_all(Stream& stream) {
  while (true) {
    Result<Slice> got = co_await stream.read();
    if (!got) co_return;
  }
}

Task<void> attack(Loop& loop, Address address, std::string bytes, std::size_t cut) {
  auto made = co_await loop.connect(address);
  require(made.has_value(), "connects");
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

void check_session(const std::string& bytes, std::size_t cut) {
  h2::testing::TestService service;
  service.answers_.large = 50'000;
  {
    SimWorld world(1);
    SimLoop& loop = world.add_loop();
    int socket = world.network().bind(*Address::parse("127.0.0.1:80"), {}).value();
    auto listener = std::move(loop.listen(socket).value());
    world.spawn(loop, serve(loop, *listener, service));
    world.spawn(loop, attack(loop, *Address::parse("127.0.0.1:80"), bytes, cut));
    require(world.run() == SimWorld::End::reached, "the session ends");
    listener.reset();
    world.network().close(socket);
    require(world.check_clean().empty(), "nothing is left over");
  }
  require(service.closed_ == 1 && service.counters_.open.value() == 0, "the session is counted");
  require(service.counters_.idle.value() == 0, "so is its rest");
  require(service.answers_.begun <= service.ended_, "every exchange that began has ended");
  for (const std::string& seen : service.answers_.seen) {
    require(seen.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
            "clean requests");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  Input in(data, size);
  std::uint8_t options = in.byte();
  std::string bytes(kPreface);
  if (options % 2 == 0) bytes += frame(FrameType::settings, 0, 0);
  if (options % 8 == 7) {
    bytes += in.bytes(size);  // frames as they stand
  } else {
    while (!in.empty() && bytes.size() < 64 * 1024) bytes += next_frame(in);
  }
  check_pieces(bytes, options / 8 + 1u);
  check_session(bytes, options % 4 < 2 ? bytes.size() : 100 + options);
  return 0;
}

// TLS over a network that breaks: whatever happens, what is read is what was sent, and an end is
// taken for the whole only if it is.
#include <gtest/gtest.h>

#include "io/sim/loop.h"
#include "io/testing.h"
#include "io/tls/handshake.h"
#include "io/tls/testing.h"

namespace weir::test {
namespace {

constexpr std::uint64_t kSeeds = 200;

struct Side {
  std::string sent;
  std::string got;
  ErrorCode end = ErrorCode::none;  // of reading
  bool established = false;
};

Task<> send(Stream& stream, const std::string& bytes, StopToken stop) {
  for (std::size_t at = 0; at < bytes.size(); at += 9'000) {
    Status written = co_await write_text(stream, std::string_view(bytes).substr(at, 9'000), stop);
    if (!written) co_return;
  }
  stream.shutdown_write();
}

Task<> talk(Result<std::unique_ptr<Stream>> stream, Side& side, StopToken stop) {
  if (!stream) co_return;
  side.established = true;
  Scope scope(stop);
  scope.spawn(send(**stream, side.sent, scope.token()));
  side.got = co_await read_all(**stream, side.end, scope.token());
  if (side.end != ErrorCode::end_of_stream) scope.stop(Error(ErrorCode::cancelled));
  co_await scope.join();
}

Task<> serve(Listener& listener, const TlsServerProfile& profile, Side& side, StopToken stop) {
  auto plain = co_await listener.accept(stop);
  if (!plain) co_return;
  co_await talk(co_await tls_accept(std::move(*plain), profile, stop), side, stop);
}

Task<> ask(Loop& loop, Address to, std::shared_ptr<const TlsClientProfile> profile, Side& side,
           StopToken stop) {
  auto plain = co_await loop.connect(to, stop);
  if (!plain) co_return;
  co_await talk(co_await tls_connect(std::move(*plain), profile, "site.example", stop), side, stop);
}

Task<> both(Loop& loop, Service& service, const TlsServerProfile& server,
            std::shared_ptr<const TlsClientProfile> client, Side& down, Side& up) {
  StopSource stop;
  struct Limit : Timer {
    using Timer::Timer;
    StopSource* source = nullptr;
  };
  Limit limit(
      [](Timer& timer) { static_cast<Limit&>(timer).source->request(Error(ErrorCode::timeout)); });
  limit.source = &stop;
  loop.timers().arm(limit, loop.now() + std::chrono::seconds(60));
  Scope scope;
  scope.spawn(serve(service.listener(), server, up, stop.token()));
  co_await ask(loop, service.address(), client, down, stop.token());
  if (!down.established) stop.request(Error(ErrorCode::cancelled));
  co_await scope.join();
  loop.timers().disarm(limit);
}

void expect_honest(const Side& reader, const Side& writer) {
  EXPECT_TRUE(writer.sent.starts_with(reader.got)) << "bytes that nobody sent";
  if (reader.end == ErrorCode::end_of_stream) {
    EXPECT_EQ(reader.got.size(), writer.sent.size()) << "a part taken for the whole";
  }
  EXPECT_NE(reader.end, ErrorCode::tls_broken) << "a hole between records";
}

TEST(TlsFaults, never_make_bytes_up_nor_a_part_the_whole) {
  TestSite site;
  auto client = client_profile(site.client);
  auto current = server_profile(site.server);
  site.server.max_version = TlsVersion::tls12;
  auto older = server_profile(site.server);
  std::uint64_t established = 0, whole = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const TlsServerProfile& server = seed % 4 == 0 ? *older : *current;
    SimWorld world(seed, SimFaults::drawn(seed));
    Loop& loop = world.add_loop();
    Service service(loop, world.network());
    Side down{.sent = pattern(20'000 + seed * 97, seed)}, up{.sent = pattern(seed * 331, ~seed)};
    test::run(loop, both(loop, service, server, client, down, up));
    expect_honest(down, up);
    expect_honest(up, down);
    established += down.established ? 1 : 0;
    whole += down.end == ErrorCode::end_of_stream && up.end == ErrorCode::end_of_stream ? 1 : 0;
    if (HasFailure()) return;
  }
  EXPECT_GT(established, kSeeds / 2) << "the weather leaves nothing to test";
  EXPECT_GT(whole, kSeeds / 4);
  EXPECT_LT(whole, kSeeds) << "nothing ever broke";
}

}  // namespace
}  // namespace weir::test

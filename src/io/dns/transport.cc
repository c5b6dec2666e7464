#include "io/dns/transport.h"

#include <memory>
#include <span>
#include <utility>

namespace weir::dns {
namespace {

/// Stops what takes its token when the time is up, or when `parent` stops.
class Deadline : public Timer {
 public:
  Deadline(Loop& loop, Duration time, StopToken parent) : Timer(&Deadline::expired), stop_(parent) {
    loop.timers().arm(*this, loop.now() + time);
  }
  StopToken token() { return stop_.token(); }

 private:
  static void expired(Timer& self) {
    static_cast<Deadline&>(self).stop_.request({ErrorCode::timeout, Origin::upstream, "timeout"});
  }
  StopSource stop_;
};

/// Reads the length and then the message of that length (RFC 1035, 4.2.2).
Task<Result<std::string>> read_message(Stream& stream, StopToken stop) {
  std::string bytes;
  while (true) {
    if (bytes.size() >= 2) {
      std::size_t size = std::size_t{static_cast<std::uint8_t>(bytes[0])} << 8 |
                         static_cast<std::uint8_t>(bytes[1]);
      if (bytes.size() >= 2 + size) co_return bytes.substr(2, size);
    }
    Result<Slice> piece = co_await stream.read(stop);
    if (!piece) co_return fail(piece.error());
    bytes += piece->view();
  }
}

}  // namespace

Task<Result<Reply>> ask_over_udp(Loop& loop, Address server, const Query& query, Duration timeout,
                                 StopToken stop, unsigned& strays) {
  Deadline deadline(loop, timeout, stop);
  auto stream = co_await loop.connect(server, deadline.token(), {.datagram = true});
  if (!stream) co_return fail(stream.error());
  Slice bytes = Slice::unowned(query.bytes);
  Status sent = co_await (*stream)->write(std::span(&bytes, 1), deadline.token());
  if (!sent) co_return fail(sent.error());
  for (unsigned seen = 0; seen < kMaxStrays; ++seen, ++strays) {
    Result<Slice> datagram = co_await (*stream)->read(deadline.token());
    // An empty datagram looks like the end of a stream, but anyone may send one.
    if (!datagram && datagram.error().code == ErrorCode::end_of_stream) continue;
    if (!datagram) co_return fail(datagram.error());
    Reply reply = parse_reply(datagram->view(), query, true);
    if (reply.verdict != Verdict::foreign) co_return reply;
  }
  Reply flooded;
  flooded.verdict = Verdict::suspect;
  co_return flooded;
}

Task<Result<Reply>> ask_over_tcp(Loop& loop, Address server, const Query& query, Duration timeout,
                                 StopToken stop) {
  Deadline deadline(loop, timeout, stop);
  auto stream = co_await loop.connect(server, deadline.token());
  if (!stream) co_return fail(stream.error());
  std::size_t size = query.bytes.size();
  const char length[2] = {static_cast<char>(size >> 8), static_cast<char>(size & 255)};
  Slice parts[2] = {Slice::unowned({length, 2}), Slice::unowned(query.bytes)};
  Status sent = co_await (*stream)->write(parts, deadline.token());
  if (!sent) co_return fail(sent.error());
  Result<std::string> message = co_await read_message(**stream, deadline.token());
  if (!message) co_return fail(message.error());
  Reply reply = parse_reply(*message, query, false);
  if (reply.verdict == Verdict::foreign || reply.verdict == Verdict::truncated) {
    reply.verdict = Verdict::malformed;
    reply.detail = "not an answer to the query";
  }
  co_return reply;
}

}  // namespace weir::dns

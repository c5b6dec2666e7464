#include "http2.h"

#include "http/syntax.h"
#include "io/testing.h"

namespace weir::sim {

Wire2::Wire2(Stream& stream, h2::Side side, const h2::Limits& limits, StopToken stop)
    : peer(side, limits), stream_(stream), stop_(stop), out_(stream.loop()) {}

Task<void> Wire2::run(std::string received) {
  Scope writer(stop_.token());
  if (!received.empty()) (void)peer.feed(received);
  writer.spawn(write());
  look();
  while (!stop_.token().stopped()) {
    Result<Slice> got = co_await stream_.read(stop_.token());
    if (!got || !peer.engine.feed(*got)) break;
    look();
    kick();
    all_said_ = peer.engine.finished();
    if (all_said_) break;
  }
  ended_ = true;
  look();
  if (!all_said_) end();
  co_await writer.join();
  if (!all_said_) co_return;
  // A close with bytes unread would be a reset, and take back what was said.
  stream_.shutdown_write();
  while (co_await stream_.read(stop_.token())) {
  }
}

Task<void> Wire2::write() {
  while (true) {
    std::string bytes = peer.pull();
    if (bytes.empty()) {
      if (all_said_) co_return;
      Status woke = co_await out_.wait(stop_.token());
      if (!woke) co_return;
      continue;
    }
    Status written = co_await test::write_text(stream_, bytes, stop_.token());
    if (!written) co_return;
    look();  // what has been taken
  }
}

// New streams first; then everybody who waits.
void Wire2::look() {
  for (auto& [id, stream] : peer.streams) {
    if (stream->heads.empty() || heard_.contains(id)) continue;
    heard_[id] = std::make_unique<Signal>(stream_.loop());
    if (opened) opened(*stream);
  }
  for (auto& [id, signal] : heard_) signal->raise();
}

Task<bool> Wire2::wait(Stream2& stream, StopToken stop) {
  if (ended_ || stream.closed) co_return false;
  Status woke = co_await heard_.at(stream.id())->wait(stop);
  co_return woke.has_value();
}

void Wire2::add(Stream2& stream, std::string_view bytes, bool last) {
  stream.sending += bytes;
  stream.ends = last;
  if (stream.closed) return;
  peer.engine.resume(stream);
  kick();
}

void Wire2::reset(Stream2& stream, h2::Reason reason) {
  if (stream.closed) return;
  peer.engine.reset(stream, reason);
  kick();
}

void Wire2::consume(Stream2& stream) {
  std::size_t& consumed = consumed_[stream.id()];
  if (!stream.closed) peer.engine.consume(stream, stream.body.size() - consumed);
  consumed = stream.body.size();
  kick();
}

Wire2::Stream2* Wire2::request(const h2::testing::Fields& fields, bool end) {
  Stream2& stream = peer.request(fields, {}, end);
  if (ended_ || !peer.last_request) return nullptr;
  heard_[stream.id()] = std::make_unique<Signal>(stream_.loop());
  kick();
  return &stream;
}

Head Wire2::head_of(const h2::testing::Head& head) {
  Head found;
  found.first = head.status > 0 ? "HTTP/2 " + std::to_string(head.status) : head.path;
  found.fields.assign(head.fields.begin(), head.fields.end());
  for (auto& [name, value] : found.fields) {
    for (char& c : name) c = ascii_lower(c);
  }
  found.malformed = head.error.code != ErrorCode::none;
  return found;
}

}  // namespace weir::sim

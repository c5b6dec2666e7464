#include "io/relay.h"

#include <algorithm>
#include <utility>

namespace weir {

Relay::Relay(Stream& a, Stream& b, StopToken stop, Duration idle)
    : loop_(a.loop()),
      stop_(stop),
      idle_(idle),
      idle_timer_([](Timer& timer) {
        static_cast<IdleTimer&>(timer).relay->stop_.request(
            Error(ErrorCode::idle_timeout, Origin::weir, "tunnel"));
      }),
      forward_(*this, a, b, result_.forward, stop_.token()),
      backward_(*this, b, a, result_.backward, stop_.token()) {
  idle_timer_.relay = this;
}

void Relay::preload(Slice from_a, Slice from_b) {
  forward_.pending = std::move(from_a);
  backward_.pending = std::move(from_b);
}

bool Relay::start() {
  touch();
  forward_.pump();
  backward_.pump();
  starting_ = false;
  return running_ == 0;
}

void Relay::touch() {
  if (idle_ > Duration::zero()) loop_.timers().arm(idle_timer_, loop_.now() + idle_);
}

void Relay::direction_done(const Error& error) {
  if (error.code != ErrorCode::none) {
    if (result_.error.code == ErrorCode::none) result_.error = error;
    stop_.request(error);
  }
  if (--running_ > 0) return;
  loop_.timers().disarm(idle_timer_);
  if (!starting_) std::exchange(waiter_, nullptr).resume();
}

Relay::Direction::Direction(Relay& owner, Stream& source, Stream& sink, std::uint64_t& moved,
                            StopToken stop)
    : relay(owner),
      from(source),
      to(sink),
      bytes(moved),
      read(source, stop, 0),
      write(sink, {}, stop) {
  read.direction = this;
  write.direction = this;
  read.when_done([](Operation& self) { static_cast<Read&>(self).direction->on_read(); });
  write.when_done([](Operation& self) { static_cast<Write&>(self).direction->on_written(); });
}

// Bytes that nobody looks at need not leave the kernel; for few of them two more calls cost more.
bool Relay::Direction::start_read() {
  read.result = {};
  read.hint = hint;
  read.into_pipe = hint > 0 && from.splices() && to.splices();
  if (!read.stop().stopped()) return from.start_read(read);
  read.result = fail(read.stop().reason());
  return true;
}

bool Relay::Direction::start_write() {
  write.result = {};
  write.data = std::span(&pending, 1);
  if (!write.stop().stopped()) return to.start_write(write);
  write.result = fail(write.stop().reason());
  return true;
}

// Runs until an operation has to wait. `pending` is what is being written.
void Relay::Direction::pump() {
  while (!done) {
    if (pending.empty()) {
      if (!start_read()) return;
      if (!read.result) return finish(read.result.error(), from);
      pending = std::move(*read.result);
      continue;
    }
    std::size_t size = pending.size();
    // A sender that fills whole buffers is worth larger ones.
    hint = size >= BufferPool::kBlockBytes / 2 ? BufferPool::kBulkBytes : 0;
    if (!start_write()) {
      bytes += size;
      return;
    }
    if (!write.result) return finish(write.result.error(), to);
    bytes += size;
    pending = Slice();
    relay.touch();
  }
}

void Relay::Direction::on_read() {
  relay.touch();
  if (!read.result) return finish(read.result.error(), from);
  pending = std::move(*read.result);
  pump();
}

void Relay::Direction::on_written() {
  relay.touch();
  if (!write.result) return finish(write.result.error(), to);
  pending = Slice();
  pump();
}

void Relay::Direction::finish(const Error& error, const Stream& at) {
  done = true;
  if (error.code == ErrorCode::end_of_stream) {
    to.shutdown_write();
    return relay.direction_done(Error());
  }
  bool stopped = read.stop().stopped();
  relay.direction_done(
      stopped ? error
              : error.with(&at == &relay.forward_.from ? Origin::client : Origin::upstream));
}

}  // namespace weir

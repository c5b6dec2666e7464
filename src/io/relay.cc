#include "io/relay.h"

#include <algorithm>
#include <utility>

namespace weir {

/// What is being written in one direction.
struct Relay::Write : WriteOperation {
  bool idle() const { return bytes.empty() && !pending(); }

  Relay* relay = nullptr;
  Direction* way = nullptr;
  Slice bytes;
};

struct Relay::Moving : Recycled<Moving> {
  Write writes[2];
  Error why;  // that the relay was stopped
};

Relay::Relay(Stream& a, Stream& b, Duration idle)
    : Timer([](Timer& timer) {
        static_cast<Relay&>(timer).stop(Error(ErrorCode::idle_timeout, Origin::weir, "tunnel"));
      }),
      streams_{&a, &b} {
  auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(idle).count();
  idle_ =
      static_cast<std::uint32_t>(std::clamp<decltype(milliseconds)>(milliseconds, 0, UINT32_MAX));
  way(false).when_done([](Operation& read) {
    auto& way = static_cast<Forward&>(read);
    static_cast<Relay&>(way).on_read(way);
  });
  way(true).when_done([](Operation& read) {
    auto& way = static_cast<Backward&>(read);
    static_cast<Relay&>(way).on_read(way);
  });
}

Relay::~Relay() = default;

void Relay::preload(Slice from_a, Slice from_b) {
  if (!from_a.empty()) write_of(way(false)).bytes = std::move(from_a);
  if (!from_b.empty()) write_of(way(true)).bytes = std::move(from_b);
}

bool Relay::start() {
  touch();
  pump(way(false));
  pump(way(true));
  starting_ = false;
  return running_ == 0;
}

void Relay::stop(const Error& why) {
  if (stopped_ || running_ == 0) return;
  (void)write_of(way(false));
  moving_->why = why;
  stopped_ = true;
  for (bool backward : {false, true}) {
    Direction& each = way(backward);
    each.cancel(why);
    write_of(each).cancel(why);
  }
}

RelayResult Relay::result() const {
  return {way(false).bytes, way(true).bytes, failed_ ? moving_->why : Error()};
}

Slice Relay::take_unwritten(bool backward) {
  return moving_ ? std::exchange(moving_->writes[backward].bytes, Slice()) : Slice();
}

Relay::Write& Relay::write_of(const Direction& which) {
  if (!moving_) {
    moving_ = std::make_unique<Moving>();
    for (bool backward : {false, true}) {
      Write& write = moving_->writes[backward];
      write.relay = this;
      write.way = &way(backward);
      write.when_done([](Operation& done) {
        auto& self = static_cast<Write&>(done);
        self.relay->on_written(*self.way);
      });
    }
  }
  return moving_->writes[which.backward];
}

// A read waits: if that is all there is, nothing but the reads is kept.
void Relay::rest() {
  if (!moving_ || stopped_) return;
  if (moving_->writes[0].idle() && moving_->writes[1].idle()) moving_.reset();
}

void Relay::touch() {
  if (idle_ == 0) return;
  Loop& loop = a().loop();
  loop.timers().arm(*this, loop.now() + std::chrono::milliseconds(idle_));
}

// Bytes that nobody looks at need not leave the kernel; for few of them two more calls cost more.
bool Relay::start_read(Direction& way) {
  if (stopped_) {
    way.result = fail(moving_->why);
    return true;
  }
  way.result = {};
  way.hint = way.bulk ? BufferPool::kBulkBytes : 0;
  way.into_pipe = way.bulk && from(way).splices() && to(way).splices();
  return from(way).start_read(way);
}

bool Relay::start_write(Write& write) {
  if (stopped_) {
    write.result = fail(moving_->why);
    return true;
  }
  write.result = {};
  write.data = std::span(&write.bytes, 1);
  return to(*write.way).start_write(write);
}

// Runs until an operation has to wait.
void Relay::pump(Direction& way) {
  while (!way.done) {
    if (!moving_ || moving_->writes[way.backward].bytes.empty()) {
      if (!start_read(way)) return rest();
      if (!way.result) return finish(way, way.result.error(), true);
      write_of(way).bytes = *std::exchange(way.result, {});
      continue;
    }
    Write& write = write_of(way);
    std::size_t size = write.bytes.size();
    // A sender that fills whole buffers is worth larger ones.
    way.bulk = size >= BufferPool::kBlockBytes / 2;
    bool written = start_write(write);
    if (written && !write.result) return finish(way, write.result.error(), false);
    way.bytes += size;
    if (!written) return;
    write.bytes = Slice();
    touch();
  }
}

void Relay::on_read(Direction& way) {
  touch();
  if (!way.result) return finish(way, way.result.error(), true);
  write_of(way).bytes = *std::exchange(way.result, {});
  pump(way);
}

void Relay::on_written(Direction& way) {
  touch();
  Write& write = write_of(way);
  if (!write.result) return finish(way, write.result.error(), false);
  write.bytes = Slice();
  pump(way);
}

void Relay::finish(Direction& way, const Error& error, bool reading) {
  way.done = true;
  if (error.code == ErrorCode::end_of_stream) {
    way.ended = true;
    to(way).shutdown_write();
  } else {
    Error why =
        stopped_ ? error : error.with(way.backward == reading ? Origin::upstream : Origin::client);
    stop(why);
    failed_ = true;
  }
  if (--running_ > 0) return rest();
  Timer::unlink();
  if (!starting_) over();
}

AwaitedRelay::AwaitedRelay(Stream& a, Stream& b, StopToken stop, Duration idle)
    : Relay(a, b, idle), token_(stop), stop_([](weir::StopCallback& self, const Error& why) {
        static_cast<Stop&>(self).relay->stop(why);
      }) {
  stop_.relay = this;
}

bool AwaitedRelay::begin() {
  if (token_.stopped()) {
    stop(token_.reason());
  } else {
    token_.link(stop_);
  }
  return start();
}

}  // namespace weir

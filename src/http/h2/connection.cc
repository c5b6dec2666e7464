#include "http/h2/connection.h"

namespace weir::h2 {

Connection::Connection(std::unique_ptr<Stream> stream, Side side, const Limits& limits,
                       const FieldLimits& fields, EngineListener& listener,
                       WriterObserver& observer)
    : stream_(std::move(stream)),
      loop_(stream_->loop()),
      observer_(observer),
      engine_(side, limits, fields, listener),
      settling_(loop_) {
  write_.owner = this;
  soon_.owner = this;
  write_.when_done([](Operation& done) {
    Connection& self = *static_cast<Write&>(done).owner;
    self.writing_ = false;
    if (self.after_write()) self.flush();
  });
  soon_.when_done([](Operation& done) { static_cast<Soon&>(done).owner->flush(); });
}

void Connection::kick() {
  if (writing_ || flushing_ || broken_ || soon_.linked() || !engine_.wants_output()) return;
  loop_.complete_soon(soon_);
}

void Connection::stop_writing(const Error& why) {
  broken_ = true;
  soon_.unlink();
  write_.cancel(why);
}

std::uint64_t Connection::written() const {
  std::uint64_t left = 0;
  if (writing_) {
    for (const Slice& slice : write_.data) left += slice.size();
  }
  return written_ - left;
}

void Connection::flush() {
  while (!broken_ && engine_.wants_output()) {
    if (!batch_) batch_ = std::make_unique<OutputBatch>(loop_.buffers());
    flushing_ = true;             // bodies that are read now may kick us
    (void)engine_.pull(*batch_);  // its failure is final and is seen by `failed`
    flushing_ = false;
    if (batch_->empty()) break;
    if (!write()) return;
    if (!after_write()) return;
    if (!loop_.spend()) return loop_.complete_soon(soon_);
  }
  batch_.reset();
  settling_.raise();
  observer_.flushed();
}

// False if the write has to wait.
bool Connection::write() {
  write_.data = batch_->slices();
  write_.result = {};
  written_ += batch_->bytes();
  writing_ = true;
  if (!stream_->start_write(write_)) return false;
  writing_ = false;
  return true;
}

bool Connection::after_write() {
  batch_->clear();
  if (write_.result) return true;
  broken_ = true;
  batch_.reset();
  settling_.raise();
  observer_.write_failed(write_.result.error());
  return false;
}

}  // namespace weir::h2

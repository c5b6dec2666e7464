#include "http/h2/tunnel_stream.h"

#include <algorithm>
#include <utility>

namespace weir::h2 {
namespace {

std::size_t size_of(std::span<const Slice> slices) {
  std::size_t size = 0;
  for (const Slice& slice : slices) size += slice.size();
  return size;
}

Error broken(const Channel& channel) {
  Closed how = channel.closed_as();
  return Error(ErrorCode::reset, how.by_peer ? Origin::client : Origin::weir, name(how.reason));
}

}  // namespace

TunnelStream::TunnelStream(Channel& channel) : channel_(channel) {
  channel_.notify(this);
  channel_.depart(this);
}

TunnelStream::~TunnelStream() {
  channel_.notify(nullptr);
  channel_.depart(nullptr);
  if (channel_.end_sent() || channel_.closed()) return;
  if (reset_ || !shut_) {
    channel_.reset(Reason::cancel);
  } else {
    channel_.end_body();
  }
}

std::optional<Result<Slice>> TunnelStream::try_read(std::size_t) {
  std::optional<Result<Slice>> got = channel_.try_take();
  if (got && *got && (*got)->empty()) {
    return fail(ErrorCode::end_of_stream, Origin::client, "the stream has ended");
  }
  return got;
}

bool TunnelStream::start_read(ReadOperation& operation) {
  if (std::optional<Result<Slice>> got = try_read(operation.hint)) {
    operation.result = std::move(*got);
    return true;
  }
  read_ = &operation;
  operation.pend(*this);
  return false;
}

bool TunnelStream::start_write(WriteOperation& operation) {
  if (channel_.closed() || shut_) {
    operation.result = fail(broken(channel_));
    return true;
  }
  write_ = &operation;
  operation.pend(*this);
  channel_.resume();
  return false;
}

void TunnelStream::shutdown_write() {
  shut_ = true;
  if (!channel_.closed()) channel_.resume();
}

void TunnelStream::watch_hangup(HangupWatch* watch) {
  watch_ = watch;
  if (watch_ != nullptr && channel_.closed()) std::exchange(watch_, nullptr)->run();
}

void TunnelStream::cancel(Operation& operation, const Error& why) {
  if (&operation == read_) {
    std::exchange(read_, nullptr)->result = fail(why);
  } else {
    std::exchange(write_, nullptr)->result = fail(why);
  }
  loop().complete_soon(operation);
}

void TunnelStream::arrived() {
  if (read_ == nullptr) return;
  std::optional<Result<Slice>> got = try_read(read_->hint);
  if (!got) return;
  read_->result = std::move(*got);
  loop().complete_soon(*std::exchange(read_, nullptr));
}

Supply TunnelStream::supply(std::size_t most) {
  if (write_ == nullptr) return {.bytes = 0, .end = shut_, .trailers = nullptr};
  std::size_t size = size_of(write_->data);
  std::size_t bytes = std::min(most, size);
  return {.bytes = bytes, .end = shut_ && bytes == size, .trailers = nullptr};
}

void TunnelStream::take(std::size_t bytes, OutputBatch& out) {
  std::span<Slice>& data = write_->data;
  while (bytes > 0) {
    Slice& front = data.front();
    std::size_t size = std::min(bytes, front.size());
    out.add(size == front.size() ? std::exchange(front, Slice()) : front.take(size));
    if (front.empty()) data = data.subspan(1);
    bytes -= size;
  }
  if (size_of(data) > 0) return;
  write_->result = {};
  loop().complete_soon(*std::exchange(write_, nullptr));
}

void TunnelStream::closed() {
  if (write_ != nullptr) {
    write_->result = fail(broken(channel_));
    loop().complete_soon(*std::exchange(write_, nullptr));
  }
  if (watch_ != nullptr) std::exchange(watch_, nullptr)->run();
}

}  // namespace weir::h2

#include "io/uring_stream.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/sockets.h"

namespace weir {
namespace {
constexpr std::size_t kMaxSend = std::size_t{1} << 30;
constexpr std::size_t kMaxVectors = 64;
}  // namespace

UringStream::~UringStream() {
  if (socket_ < 0) return;
  forget_hangup();
  ::close(socket_);
}

// The poll holds the socket open until it is cancelled, which happens with the next submission.
void UringStream::forget_hangup() {
  if (registration_ == kUnwatched) return;
  loop_->forget_registration(UringTag::hangup, std::exchange(registration_, kUnwatched));
}

// ---- Reading

bool UringStream::start_read(ReadOperation& operation) {
  bool own_buffer = operation.hint > BufferPool::kBlockBytes || operation.into_pipe ||
                    !loop_->features().provided_buffers;
  if (own_buffer && !emptied_ && loop_->spend() &&
      read_now(operation.hint, operation.into_pipe, operation.result)) {
    return true;
  }
  read_ = &operation;
  read_cancelled_ = false;
  operation.pend(*this);
  if (own_buffer) {
    queue_poll(UringTag::read, POLLIN);
  } else {
    queue_receive();
  }
  return false;
}

void UringStream::queue_receive() {
  read_polls_ = false;
  io_uring_sqe& entry = loop_->ring().entry(user_data(UringTag::read, this));
  entry.opcode = IORING_OP_RECV;
  entry.fd = socket_;
  entry.flags = IOSQE_BUFFER_SELECT;
  entry.buf_group = UringBuffers::kGroup;
  // After a read that took everything, and the write that asked for more, nothing is there yet.
  if (emptied_ && loop_->features().poll_first) entry.ioprio = IORING_RECVSEND_POLL_FIRST;
}

void UringStream::queue_poll(UringTag tag, unsigned events) {
  if (tag == UringTag::read) read_polls_ = true;
  if (tag == UringTag::write) write_polls_ = true;
  io_uring_sqe& entry = loop_->ring().entry(user_data(tag, this));
  entry.opcode = IORING_OP_POLL_ADD;
  entry.fd = socket_;
  entry.poll32_events = events;
}

// True when the read is over; false when it would wait.
bool UringStream::read_now(std::size_t hint, bool into_pipe, Result<Slice>& result) {
  Received got = receive_some(socket_, *loop_, hint, into_pipe);
  if (got.count > 0) {
    emptied_ = !got.more && !hung_up_;
    emptied_turn_ = loop_->turn_number();
    result = std::move(got.slice);
    return true;
  }
  if (got.count == 0) {
    hung_up_ = true;
    result = fail(ErrorCode::end_of_stream, Origin::weir);
    return true;
  }
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    emptied_ = true;
    emptied_turn_ = loop_->turn_number();
    return false;
  }
  result = fail(from_errno(errno), Origin::weir, "recv");
  return true;
}

void UringStream::on_read(int result, unsigned flags) {
  ReadOperation& operation = *read_;
  if (!received(result, flags)) return;
  read_ = nullptr;
  operation.complete();
}

// True when the pending read is over.
bool UringStream::received(int result, unsigned flags) {
  ReadOperation& operation = *read_;
  if (result > 0 && !read_polls_) {
    emptied_ = (flags & IORING_CQE_F_SOCK_NONEMPTY) == 0;
    emptied_turn_ = loop_->turn_number();
    auto id = static_cast<std::uint16_t>(flags >> IORING_CQE_BUFFER_SHIFT);
    operation.result = loop_->provided().take(id, static_cast<std::size_t>(result));
    return true;
  }
  if (flags & IORING_CQE_F_BUFFER) {
    loop_->provided().give_back(static_cast<std::uint16_t>(flags >> IORING_CQE_BUFFER_SHIFT));
  }
  if (result == 0 && !read_polls_) {
    hung_up_ = true;
    operation.result = fail(ErrorCode::end_of_stream, Origin::weir);
    return true;
  }
  if (result == -ECANCELED && read_cancelled_) return true;
  if (result == -ENOBUFS) loop_->provided().ran_dry();
  if (read_polls_ || result == -ENOBUFS || result == -EAGAIN || result == -EINTR ||
      result == -ECANCELED) {
    if (read_now(operation.hint, operation.into_pipe, operation.result) || read_cancelled_) {
      return true;
    }
    queue_poll(UringTag::read, POLLIN);
    return false;
  }
  operation.result = fail(from_errno(-result), Origin::weir, "recv");
  return true;
}

// Asks the kernel unless a read has emptied the socket in this very turn.
std::optional<Result<Slice>> UringStream::try_now(std::size_t hint, bool into_pipe) {
  if (emptied_ && emptied_turn_ == loop_->turn_number()) return std::nullopt;
  Result<Slice> result;
  if (read_ == nullptr && read_now(hint, into_pipe, result)) return result;
  return std::nullopt;
}

std::optional<Result<Slice>> UringStream::try_read(std::size_t hint) {
  return try_now(hint, false);
}

std::optional<Result<Slice>> UringStream::try_splice(std::size_t most) {
  return try_now(most, true);
}

// ---- Writing

bool UringStream::start_write(WriteOperation& operation) {
  consume(operation.data, 0);
  if (advance(operation)) return true;
  write_ = &operation;
  write_cancelled_ = false;
  operation.pend(*this);
  return false;
}

// Starts what comes next of a write; true when nothing is left, or it failed. Bytes go by an
// entry of the ring (measured cheaper than a call each), files by sendfile when the socket has
// room.
bool UringStream::advance(WriteOperation& operation) {
  if (operation.data.empty()) {
    operation.result = {};
    return true;
  }
  if (operation.data.front().kind() == Slice::Kind::memory) {
    queue_send(operation);
    return false;
  }
  if (write_now(operation)) return true;
  queue_poll(UringTag::write, POLLOUT);
  return false;
}

// True when the write is over; false when it is to wait, or let others go first.
bool UringStream::write_now(WriteOperation& operation) {
  while (!operation.data.empty()) {
    if (!loop_->spend()) return false;
    bool would_block;
    Result<std::size_t> sent = send_some(socket_, operation.data, operation.last, would_block);
    if (!sent) {
      operation.result = fail(sent.error());
      return true;
    }
    if (would_block) return false;
    consume(operation.data, *sent);
  }
  operation.result = {};
  return true;
}

void UringStream::queue_send(WriteOperation& operation) {
  write_polls_ = false;
  io_uring_sqe& entry = loop_->ring().entry(user_data(UringTag::write, this));
  entry.fd = socket_;
  entry.msg_flags = MSG_NOSIGNAL | (operation.last ? MSG_MORE : 0);
  if (operation.data.size() == 1) {
    const Slice& slice = operation.data.front();
    entry.opcode = IORING_OP_SEND;
    entry.addr = reinterpret_cast<std::uint64_t>(slice.data());
    entry.len = static_cast<std::uint32_t>(std::min(slice.size(), kMaxSend));
    return;
  }
  Arena& arguments = loop_->ring().arguments();
  std::size_t count = std::min(operation.data.size(), kMaxVectors);
  auto* message = arguments.make<msghdr>();
  message->msg_iov = arguments.make_array<iovec>(count);
  message->msg_iovlen = gather(operation.data, std::span(message->msg_iov, count));
  if (message->msg_iovlen < operation.data.size()) entry.msg_flags |= MSG_MORE;
  entry.opcode = IORING_OP_SENDMSG;
  entry.addr = reinterpret_cast<std::uint64_t>(message);
  entry.len = 1;
}

void UringStream::on_write(int result) {
  Operation& operation = *write_;
  if (connecting_) {
    connected(static_cast<ConnectOperation&>(operation), result);
  } else if (!sent(static_cast<WriteOperation&>(operation), result)) {
    return;
  }
  write_ = nullptr;
  operation.complete();
}

// True when the pending write is over.
bool UringStream::sent(WriteOperation& operation, int result) {
  if (result == -ECANCELED && write_cancelled_) return true;
  if (write_polls_ && result >= 0) result = 0;  // a mask of events, not a count
  if (result < 0 && result != -EAGAIN && result != -EINTR && result != -ECANCELED) {
    operation.result = fail(Error(from_errno(-result), Origin::weir, "send", Retry::if_unsent));
    return true;
  }
  if (result > 0) consume(operation.data, static_cast<std::size_t>(result));
  if (write_cancelled_ && !operation.data.empty()) return true;
  return advance(operation);
}

void UringStream::try_write(std::span<Slice>& data) { try_send(socket_, data); }
void UringStream::shutdown_write() { ::shutdown(socket_, SHUT_WR); }
void UringStream::reset_on_close() { weir::reset_on_close(socket_); }

// ---- Connecting

bool UringStream::start_connect(ConnectOperation& operation) {
  connecting_ = true;
  write_ = &operation;
  write_cancelled_ = false;
  operation.pend(*this);
  io_uring_sqe& entry = loop_->ring().entry(user_data(UringTag::write, this));
  auto* address = loop_->ring().arguments().make<sockaddr_storage>();
  entry.opcode = IORING_OP_CONNECT;
  entry.fd = socket_;
  entry.addr = reinterpret_cast<std::uint64_t>(address);
  entry.off = operation.address.to_sockaddr(*address);
  return false;
}

void UringStream::connected(ConnectOperation& operation, int result) {
  connecting_ = false;
  if (result == 0) {
    operation.result = std::move(operation.stream);
  } else if (!write_cancelled_ || result != -ECANCELED) {
    operation.result = fail(from_errno(-result), Origin::upstream, "connect", Retry::if_unsent);
  }
}

// ---- The rest

void UringStream::cancel(Operation& operation, const Error& why) {
  operation.unlink();
  if (&operation == read_) {
    if (read_cancelled_) return;
    read_cancelled_ = true;
    read_->result = fail(why);
    loop_->ring().cancel(user_data(UringTag::read, this));
    return;
  }
  if (write_cancelled_) return;
  write_cancelled_ = true;
  if (connecting_) {
    static_cast<ConnectOperation&>(operation).result = fail(why);
  } else {
    static_cast<WriteOperation&>(operation).result = fail(why);
  }
  loop_->ring().cancel(user_data(UringTag::write, this));
}

void UringStream::watch_hangup(HangupWatch* watch) {
  hangup_watch_ = watch;
  if (watch == nullptr) return;
  if (hung_up_) {
    std::exchange(hangup_watch_, nullptr)->run();
    return;
  }
  if (registration_ != kUnwatched) return;
  registration_ = loop_->add_registration(this);
  io_uring_sqe& entry = loop_->ring().entry(user_data(UringTag::hangup, registration_));
  entry.opcode = IORING_OP_POLL_ADD;
  entry.fd = socket_;
  entry.poll32_events = POLLRDHUP;
}

void UringStream::on_hangup(int result) {
  registration_ = kUnwatched;
  if (result < 0) return;
  hung_up_ = true;
  if (hangup_watch_ != nullptr) std::exchange(hangup_watch_, nullptr)->run();
}

bool UringStream::idle_and_open() { return !hung_up_ && weir::idle_and_open(socket_); }

// The standing poll tells of the end only. Bytes that nobody asked for must be noticed as well, or
// they would be taken for the answer to the next request: the kernel is asked.
bool UringStream::seen_open() const { return !hung_up_ && weir::idle_and_open(socket_); }

Address UringStream::peer() const { return peer_of(socket_); }
Address UringStream::local() const { return local_of(socket_); }
Address UringStream::redirected_from() const { return weir::redirected_from(socket_); }

// The poll's hold on the socket must be gone before another loop may close it, or the peer would
// learn of the end only with this loop's next turn.
int UringStream::detach() {
  if (registration_ != kUnwatched) {
    forget_hangup();
    if (loop_->ring().running()) loop_->ring().flush();
  }
  return std::exchange(socket_, -1);
}

}  // namespace weir

#include "io/epoll_stream.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "io/sockets.h"

namespace weir {
namespace {

constexpr std::uint32_t kEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

class EpollStream final : public Stream, public EpollSource, public Recycled<EpollStream> {
 public:
  EpollStream(EpollLoop& loop, int socket, bool readable, bool datagram = false)
      : loop_(&loop), socket_(socket), readable_(readable), datagram_(datagram) {}
  ~EpollStream() {
    if (socket_ < 0) return;
    if (registered_) loop_->forget(socket_, *this, false);
    ::close(socket_);
  }

  bool start_read(ReadOperation& operation) override {
    if (readable_) {
      if (!loop_->spend()) {
        register_once();
        loop_->revisit(*this);
        pending_read_ = &operation;
        operation.pend(*this);
        return false;
      }
      if (read_now(operation.hint, operation.into_pipe, operation.result)) return true;
    }
    if (Status registered = register_once(); !registered) {
      operation.result = fail(registered.error());
      return true;
    }
    pending_read_ = &operation;
    operation.pend(*this);
    return false;
  }

  bool start_write(WriteOperation& operation) override {
    if (write_now(operation)) return true;
    if (Status registered = register_once(); !registered) {
      operation.result = fail(registered.error());
      return true;
    }
    pending_write_ = &operation;
    operation.pend(*this);
    return false;
  }

  bool start_connect(ConnectOperation& operation) {
    sockaddr_storage storage;
    socklen_t length = operation.address.to_sockaddr(storage);
    int done = ::connect(socket_, reinterpret_cast<sockaddr*>(&storage), length);
    if (done == 0) return true;
    if (errno != EINPROGRESS) {
      operation.result = fail(from_errno(errno), Origin::upstream, "connect", Retry::if_unsent);
      return true;
    }
    if (Status registered = register_once(); !registered) {
      operation.result = fail(registered.error());
      return true;
    }
    connecting_ = true;
    pending_write_ = &operation;
    operation.pend(*this);
    return false;
  }

  std::optional<Result<Slice>> try_read(std::size_t hint) override { return try_now(hint, false); }
  bool splices() const override { return !datagram_; }
  std::optional<Result<Slice>> try_splice(std::size_t most) override { return try_now(most, true); }

  void try_write(std::span<Slice>& data) override { try_send(socket_, data); }
  void shutdown_write() override { ::shutdown(socket_, SHUT_WR); }
  void reset_on_close() override { weir::reset_on_close(socket_); }

  void watch_hangup(HangupWatch* watch) override {
    hangup_watch_ = watch;
    if (watch == nullptr) return;
    (void)register_once();
    if (hung_up_) std::exchange(hangup_watch_, nullptr)->run();
  }

  bool idle_and_open() override { return !hung_up_ && weir::idle_and_open(socket_); }
  // After a splice it is not known whether the socket is empty: the kernel is asked.
  bool seen_open() const override {
    return !hung_up_ && (!readable_ || weir::idle_and_open(socket_));
  }

  Address peer() const override { return peer_of(socket_); }
  Address local() const override { return local_of(socket_); }
  Address redirected_from() const override { return weir::redirected_from(socket_); }
  Loop& loop() const override { return *loop_; }

  int detach() override {
    if (registered_) loop_->forget(socket_, *this, true);
    registered_ = false;
    return std::exchange(socket_, -1);
  }

  void cancel(Operation& operation, const Error& why) override {
    if (&operation == pending_read_) {
      pending_read_ = nullptr;
      static_cast<ReadOperation&>(operation).result = fail(why);
    } else if (connecting_) {
      pending_write_ = nullptr;
      static_cast<ConnectOperation&>(operation).result = fail(why);
    } else {
      pending_write_ = nullptr;
      static_cast<WriteOperation&>(operation).result = fail(why);
    }
    loop_->complete_soon(operation);
  }

  // A completion may destroy this stream, so at most the last statement completes; what else is
  // due is queued.
  void on_events(std::uint32_t events) override {
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
      hung_up_ = true;
      readable_ = true;
      if (hangup_watch_ != nullptr) std::exchange(hangup_watch_, nullptr)->run();
    }
    if (events & EPOLLIN) readable_ = true;
    Operation* written = nullptr;
    if (pending_write_ != nullptr && (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) {
      bool done =
          connecting_ ? connect_done() : write_now(static_cast<WriteOperation&>(*pending_write_));
      if (done) written = std::exchange(pending_write_, nullptr);
    }
    Operation* read = nullptr;
    if (pending_read_ != nullptr && readable_ &&
        read_now(pending_read_->hint, pending_read_->into_pipe, pending_read_->result)) {
      read = std::exchange(pending_read_, nullptr);
    }
    if (written != nullptr && read != nullptr)
      loop_->complete_soon(*std::exchange(written, nullptr));
    if (written != nullptr) return written->complete();
    if (read != nullptr) read->complete();
  }

 private:
  Status register_once() {
    if (registered_) return {};
    Status done = loop_->watch(socket_, *this, kEvents);
    registered_ = done.has_value();
    return done;
  }

  std::optional<Result<Slice>> try_now(std::size_t hint, bool into_pipe) {
    Result<Slice> result;
    if (readable_ && read_now(hint, into_pipe, result)) return result;
    return std::nullopt;
  }

  // True when the read is over; false when it would wait.
  bool read_now(std::size_t hint, bool into_pipe, Result<Slice>& result) {
    Received got = receive_some(socket_, *loop_, hint, into_pipe);
    if (got.count > 0) {
      // A short read has emptied the socket; the next arrival raises a new edge. After a
      // hang-up no further edge comes, so the end is still to be read. Of datagrams each read
      // takes one, and more may wait behind it.
      if (!got.more && !hung_up_ && !datagram_) readable_ = !registered_;
      result = std::move(got.slice);
      return true;
    }
    if (got.count == 0) {
      result = fail(ErrorCode::end_of_stream, Origin::weir);
      return true;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      readable_ = false;
      return false;
    }
    result = fail(from_errno(errno), Origin::weir, "recv");
    return true;
  }

  bool write_now(WriteOperation& operation) {
    consume(operation.data, 0);
    while (!operation.data.empty()) {
      bool would_block;
      Result<std::size_t> sent = send_some(socket_, operation.data, operation.last, would_block);
      if (!sent) {
        operation.result = fail(sent.error());
        return true;
      }
      if (would_block) return false;
      consume(operation.data, *sent);
    }
    return true;
  }

  bool connect_done() {
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &length);
    auto& operation = static_cast<ConnectOperation&>(*pending_write_);
    connecting_ = false;
    if (error != 0) {
      operation.result = fail(from_errno(error), Origin::upstream, "connect", Retry::if_unsent);
    } else {
      operation.result = std::move(operation.stream);
    }
    return true;
  }

  EpollLoop* loop_;
  ReadOperation* pending_read_ = nullptr;
  Operation* pending_write_ = nullptr;  // a write, or the connect
  HangupWatch* hangup_watch_ = nullptr;
  int socket_;
  bool readable_ : 1;
  bool datagram_ : 1;
  bool registered_ : 1 = false;
  bool hung_up_ : 1 = false;
  bool connecting_ : 1 = false;
};

}  // namespace

std::unique_ptr<Stream> make_epoll_stream(EpollLoop& loop, int socket, bool readable) {
  return std::make_unique<EpollStream>(loop, socket, readable);
}

bool start_epoll_connect(EpollLoop& loop, ConnectOperation& operation) {
  Result<int> socket = open_socket(operation.address, operation.options);
  if (!socket) {
    operation.result = fail(socket.error());
    return true;
  }
  auto stream = std::make_unique<EpollStream>(loop, *socket, false, operation.options.datagram);
  EpollStream& connecting = *stream;
  operation.stream = std::move(stream);
  if (!connecting.start_connect(operation)) return false;
  if (operation.result) operation.result = std::move(operation.stream);
  return true;
}

}  // namespace weir

#include "io/sim/stream.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "io/sockets.h"

namespace weir {
namespace {

/// Behaves as an edge-triggered stream: `readable_`, `hung_up_` change only when the loop is
/// told, so both may lag behind the truth.
class SimStream final : public Stream, public SimSource {
 public:
  SimStream(SimLoop& loop, int socket, bool readable)
      : loop_(loop),
        socket_(socket),
        watch_(loop.network().watch(socket, loop, *this)),
        readable_(readable) {}
  ~SimStream() override {
    loop_.check_own_turn("a stream's destruction");
    if (socket_ >= 0) network().close(socket_);
  }

  bool start_read(ReadOperation& operation) override {
    loop_.check_own_turn("a read");
    if (readable_) {
      if (!may_go_on()) {
        network().raise(connection(), SimEvents::kReadable);
      } else if (read_now(operation.hint, operation.result)) {
        return true;
      }
    }
    pending_read_ = &operation;
    operation.pend(*this);
    return false;
  }

  bool start_write(WriteOperation& operation) override {
    loop_.check_own_turn("a write");
    if (write_now(operation)) return true;
    pending_write_ = &operation;
    operation.pend(*this);
    return false;
  }

  void await_connected(ConnectOperation& operation) {
    connecting_ = true;
    pending_write_ = &operation;
    operation.pend(*this);
  }

  std::optional<Result<Slice>> try_read(std::size_t hint) override {
    loop_.check_own_turn("a read");
    Result<Slice> result;
    if (readable_ && read_now(hint, result)) return result;
    return std::nullopt;
  }

  void try_write(std::span<Slice>& data) override {
    loop_.check_own_turn("a write");
    consume(data, 0);
    while (!data.empty()) {
      Result<std::size_t> sent = send_front(data.front());
      if (!sent || *sent == 0) return;
      consume(data, *sent);
    }
  }
  void shutdown_write() override { network().send_end(connection()); }
  void reset_on_close() override { connection().reset_on_close = true; }

  void watch_hangup(HangupWatch* watch) override {
    hangup_watch_ = watch;
    if (watch != nullptr && hung_up_) std::exchange(hangup_watch_, nullptr)->run();
  }

  bool idle_and_open() override {
    const SimConnection& it = connection();
    return !hung_up_ && it.arrived == 0 && !it.end_arrived && it.error == ErrorCode::none;
  }
  bool seen_open() const override { return !hung_up_ && !readable_; }

  Address peer() const override { return connection().peer; }
  Address local() const override { return connection().local; }
  Address redirected_from() const override { return connection().redirected_from; }
  Loop& loop() const override { return loop_; }
  int socket() const { return socket_; }

  int detach() override {
    loop_.check_own_turn("a detach");
    network().forget(socket_, watch_);
    return std::exchange(socket_, -1);
  }

  // In one case of four the system had finished the work already, and that result counts: other
  // engines learn of it only after they have asked to cancel.
  void cancel(Operation& operation, const Error& why) override {
    loop_.check_own_turn("a cancellation");
    bool too_late = loop_.world().random().chance(250);
    if (&operation == pending_read_) {
      pending_read_ = nullptr;
      auto& read = static_cast<ReadOperation&>(operation);
      if (!too_late || !read_now(read.hint, read.result)) read.result = fail(why);
    } else if (connecting_) {
      auto& connect = static_cast<ConnectOperation&>(operation);
      if (!too_late || !connected(connect)) connect.result = fail(why);
      pending_write_ = nullptr;
      connecting_ = false;
    } else {
      pending_write_ = nullptr;
      auto& write = static_cast<WriteOperation&>(operation);
      if (!too_late || !write_now(write)) write.result = fail(why);
    }
    loop_.complete_soon(operation);
  }

  // A completion may destroy this stream, so at most the last statement completes; what else is
  // due is queued.
  void on_events(std::uint32_t events) override {
    if ((events & SimEvents::kReadable) != 0) readable_ = true;
    if ((events & SimEvents::kHangup) != 0) {
      hung_up_ = true;
      if (hangup_watch_ != nullptr) std::exchange(hangup_watch_, nullptr)->run();
    }
    Operation* done[2] = {nullptr, nullptr};
    if (pending_write_ != nullptr && (events & SimEvents::kWritable) != 0 && go_on_writing()) {
      done[0] = std::exchange(pending_write_, nullptr);
    }
    if (pending_read_ != nullptr && readable_ &&
        read_now(pending_read_->hint, pending_read_->result)) {
      done[1] = std::exchange(pending_read_, nullptr);
    }
    if (done[0] == nullptr) std::swap(done[0], done[1]);
    if (done[1] != nullptr) {
      loop_.complete_soon(*done[0]);
      return loop_.complete_soon(*done[1]);
    }
    if (done[0] != nullptr) done[0]->complete();
  }

 private:
  SimNetwork& network() const { return loop_.network(); }
  SimConnection& connection() const { return *network().connection(socket_); }
  bool may_go_on() { return loop_.spend() && !loop_.world().chance(loop_.world().faults().wait); }

  // True when the read is over; false when it would wait.
  bool read_now(std::size_t hint, Result<Slice>& result) {
    SimConnection& from = connection();
    BufferPool::Loan loan = loop_.buffers().lend(hint > BufferPool::kBlockBytes);
    Result<std::size_t> got = network().receive(from, loan.data, loan.size);
    readable_ = from.arrived > 0 || hung_up_;
    if (!got) {
      readable_ = true;
      result = fail(got.error());
      return true;
    }
    if (*got == 0) return false;
    result = loop_.buffers().commit(loan, *got);
    return true;
  }

  bool write_now(WriteOperation& operation) {
    consume(operation.data, 0);
    while (!operation.data.empty()) {
      Result<std::size_t> sent = send_front(operation.data.front());
      if (!sent) {
        operation.result = fail(sent.error());
        return true;
      }
      if (*sent == 0) return false;
      consume(operation.data, *sent);
      if (!operation.data.empty() && loop_.world().chance(loop_.world().faults().wait)) {
        network().raise(connection(), SimEvents::kWritable);
        return false;
      }
    }
    return true;
  }

  Result<std::size_t> send_front(const Slice& front) {
    if (front.kind() == Slice::Kind::memory) return network().send(connection(), front.view());
    std::string bytes(std::min<std::size_t>(front.size(), 64 * 1024), '\0');
    ssize_t got =
        ::pread(front.file(), bytes.data(), bytes.size(), static_cast<off_t>(front.offset()));
    if (got < 0) return fail(from_errno(errno), Origin::weir, "pread");
    if (got == 0) return fail(ErrorCode::truncated, Origin::weir, "the file became shorter");
    return network().send(connection(), std::string_view(bytes).substr(0, std::size_t(got)));
  }

  bool go_on_writing() {
    if (!connecting_) return write_now(static_cast<WriteOperation&>(*pending_write_));
    if (!connected(static_cast<ConnectOperation&>(*pending_write_))) return false;
    connecting_ = false;
    return true;
  }

  // True when the connect is decided, with its result set.
  bool connected(ConnectOperation& operation) {
    const SimConnection& it = connection();
    if (it.connecting) return false;
    if (it.error != ErrorCode::none) {
      operation.result = fail(it.error, Origin::upstream, "connect", Retry::if_unsent);
    } else {
      operation.result = std::move(operation.stream);
    }
    return true;
  }

  SimLoop& loop_;
  int socket_;
  std::uint64_t watch_;
  ReadOperation* pending_read_ = nullptr;
  Operation* pending_write_ = nullptr;  // a write, or the connect
  HangupWatch* hangup_watch_ = nullptr;
  bool readable_;
  bool hung_up_ = false;
  bool connecting_ = false;
};

class SimListener final : public Listener, public SimSource {
 public:
  SimListener(SimLoop& loop, int socket)
      : loop_(loop),
        socket_(socket),
        watch_(loop.network().watch(socket, loop, *this)),
        retry_([](Timer& timer) {
          static_cast<Retry&>(timer).owner->on_events(SimEvents::kReadable);
        }) {
    retry_.owner = this;
  }
  ~SimListener() override {
    loop_.check_own_turn("a listener's destruction");
    loop_.network().forget(socket_, watch_);
  }

  bool start_accept(AcceptOperation& operation) override {
    loop_.check_own_turn("an accept");
    if (!retry_.armed()) {
      if (!loop_.spend() || loop_.world().chance(loop_.world().faults().wait)) {
        if (SimListening* it = loop_.network().listening(socket_)) {
          loop_.network().raise(*it, SimEvents::kReadable);
        }
      } else if (accept_one(operation)) {
        return true;
      }
    }
    pending_ = &operation;
    operation.pend(*this);
    return false;
  }

  void cancel(Operation& operation, const Error& why) override {
    loop_.check_own_turn("a cancellation");
    auto& accept = static_cast<AcceptOperation&>(operation);
    pending_ = nullptr;
    bool too_late = loop_.world().random().chance(250) && !retry_.armed();
    if (!too_late || !accept_one(accept)) accept.result = fail(why);
    loop_.complete_soon(accept);
  }

  void on_events(std::uint32_t) override {
    if (pending_ == nullptr || retry_.armed() || !accept_one(*pending_)) return;
    std::exchange(pending_, nullptr)->complete();
  }

 private:
  struct Retry : Timer {
    using Timer::Timer;
    SimListener* owner = nullptr;
  };

  bool accept_one(AcceptOperation& operation) {
    Result<int> socket = loop_.network().accept(socket_);
    if (!socket) {
      if (socket.error().code == ErrorCode::no_descriptors) {
        pause_ = std::clamp<Duration>(pause_ * 2, std::chrono::milliseconds(10),
                                      std::chrono::seconds(1));
        loop_.timers().arm(retry_, loop_.now() + pause_);
      }
      operation.result = fail(socket.error());
      return true;
    }
    if (*socket < 0) return false;
    pause_ = Duration::zero();
    operation.result = std::make_unique<SimStream>(loop_, *socket, true);
    return true;
  }

  SimLoop& loop_;
  int socket_;
  std::uint64_t watch_;
  AcceptOperation* pending_ = nullptr;
  Retry retry_;
  Duration pause_{};
};

}  // namespace

Result<std::unique_ptr<Listener>> make_sim_listener(SimLoop& loop, int socket) {
  if (loop.network().listening(socket) == nullptr) {
    return fail(ErrorCode::io, Origin::weir, "not a listening socket");
  }
  return std::make_unique<SimListener>(loop, socket);
}

Result<std::unique_ptr<Stream>> adopt_sim(SimLoop& loop, int socket) {
  SimConnection* connection = loop.network().connection(socket);
  if (connection == nullptr || !connection->watches.empty()) {
    return fail(ErrorCode::io, Origin::weir, "not a detached socket");
  }
  auto stream = std::make_unique<SimStream>(loop, socket, true);
  // As a new registration would, tell of what is already there.
  std::uint32_t events = SimEvents::kWritable;
  if (connection->arrived > 0) events |= SimEvents::kReadable;
  if (connection->end_arrived) events |= SimEvents::kReadable | SimEvents::kHangup;
  if (connection->error != ErrorCode::none) events |= SimEvents::kAll;
  loop.network().raise(*connection, events);
  return stream;
}

bool start_sim_connect(SimLoop& loop, ConnectOperation& operation) {
  Result<int> socket = loop.network().open(loop, operation.address, operation.options);
  if (!socket) {
    operation.result = fail(socket.error());
    return true;
  }
  auto stream = std::make_unique<SimStream>(loop, *socket, false);
  SimStream& connecting = *stream;
  operation.stream = std::move(stream);
  connecting.await_connected(operation);
  return false;
}

int sim_socket(const Stream& stream) {
  const auto* simulated = dynamic_cast<const SimStream*>(&stream);
  return simulated != nullptr ? simulated->socket() : -1;
}

}  // namespace weir

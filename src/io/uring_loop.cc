#include "io/uring_loop.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/sockets.h"
#include "io/uring_datagrams.h"
#include "io/uring_listener.h"
#include "io/uring_stream.h"

namespace weir {
namespace {

/// Waits for a descriptor of somebody else; lives until the kernel has let go of it.
class ReadyWait final : public Cancellable, public Recycled<ReadyWait> {
 public:
  ReadyWait(UringLoop& loop, ReadyOperation& operation) : loop_(loop), operation_(operation) {
    operation.pend(*this);
    io_uring_sqe& entry = loop.ring().entry(user_data(UringTag::ready, this));
    entry.opcode = IORING_OP_POLL_ADD;
    entry.fd = operation.fd;
    entry.poll32_events = (operation.for_write ? POLLOUT : POLLIN) | POLLRDHUP;
  }

  void cancel(Operation& operation, const Error& why) override {
    operation.unlink();
    if (cancelled_) return;
    cancelled_ = true;
    operation_.result = fail(why);
    loop_.ring().cancel(user_data(UringTag::ready, this));
  }

  void on_ready(int result) {
    ReadyOperation& operation = operation_;
    if (result >= 0) {
      operation.result = {};
    } else if (!cancelled_) {
      operation.result = fail(from_errno(-result), Origin::weir, "poll");
    }
    delete this;
    operation.complete();
  }

 private:
  UringLoop& loop_;
  ReadyOperation& operation_;
  bool cancelled_ = false;
};

template <class T>
T* object_of(std::uint64_t data) {
  return reinterpret_cast<T*>(data & ~kUringTagMask);
}

}  // namespace

Result<std::unique_ptr<Loop>> make_uring_loop(unsigned index, std::uint64_t seed,
                                              UringFeatures mask) {
  Result<std::unique_ptr<UringRing>> ring = UringRing::open(mask);
  if (!ring) return fail(ring.error());
  int wakeup = ::eventfd(0, EFD_CLOEXEC);
  if (wakeup < 0) return fail(from_errno(errno), Origin::weir, "eventfd");
  return std::make_unique<UringLoop>(index, seed, std::move(*ring), wakeup);
}

UringLoop::UringLoop(unsigned index, std::uint64_t seed, std::unique_ptr<UringRing> ring,
                     int wakeup)
    : Loop(index, seed),
      ring_(std::move(ring)),
      features_(ring_->features()),
      provided_(*buffers_),
      wakeup_(wakeup) {
  if (features_.provided_buffers) {
    features_.provided_buffers = provided_.open(*ring_->raw()).has_value();
  }
  read_clock();
}

UringLoop::~UringLoop() {
  slots_->clear();  // what the slots hold may still close streams of this loop
  ring_.reset();    // before what the kernel writes to
  ::close(wakeup_);
}

// ---- Registrations

std::uint32_t UringLoop::add_registration(void* object) {
  if (free_registration_ == kNone) {
    registrations_.push_back({object, kNone});
    return static_cast<std::uint32_t>(registrations_.size() - 1);
  }
  std::uint32_t number = free_registration_;
  free_registration_ = registrations_[number].next_free;
  registrations_[number].object = object;
  return number;
}

void UringLoop::forget_registration(UringTag tag, std::uint32_t number) {
  registrations_[number].object = nullptr;
  ring_->cancel(user_data(tag, number));
}

void UringLoop::release_if_last(std::uint32_t number, unsigned flags) {
  if (flags & IORING_CQE_F_MORE) return;
  registrations_[number] = {nullptr, free_registration_};
  free_registration_ = number;
}

// ---- The contract

Result<std::unique_ptr<Listener>> UringLoop::listen(int socket) {
  return std::make_unique<UringListener>(*this, socket);
}

Result<std::unique_ptr<Stream>> UringLoop::adopt(int socket) {
  int flags = ::fcntl(socket, F_GETFL);
  ::fcntl(socket, F_SETFL, flags | O_NONBLOCK);
  return std::make_unique<UringStream>(*this, socket);
}

bool UringLoop::start_connect(ConnectOperation& operation) {
  Result<int> socket = open_socket(operation.address, operation.options);
  if (!socket) {
    operation.result = fail(socket.error());
    return true;
  }
  auto stream = std::make_unique<UringStream>(*this, *socket);
  UringStream& connecting = *stream;
  operation.stream = std::move(stream);
  return connecting.start_connect(operation);
}

bool UringLoop::start_ready(ReadyOperation& operation) {
  new ReadyWait(*this, operation);  // deletes itself with its completion
  return false;
}

void UringLoop::post(std::function<void()> work) {
  {
    std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(work));
    if (posted_.size() > 1) return;  // the first of them has rung
  }
  std::uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(wakeup_, &one, sizeof one);
}

void UringLoop::stop() {
  post([this] { stopping_ = true; });
}

// ---- Turning

void UringLoop::run() {
  if (!ring_->begin()) return;
  stopping_ = false;
  while (!stopping_) turn();
  ring_->end();
}

void UringLoop::turn() {
  if (!wakeup_armed_) arm_wakeup();
  ring_->submit_and_wait(time_to_wait());
  ++turn_number_;
  read_clock();
  TimePoint woken = now_;
  ring_->reap([this](std::uint64_t data, int result, unsigned flags) {
    refill();
    dispatch(data, result, flags);
  });
  refill();
  timers_.advance(now_);
  run_ready();
  run_revisits();
  note_turn(woken);
}

void UringLoop::dispatch(std::uint64_t data, int result, unsigned flags) {
  auto number = static_cast<std::uint32_t>(data >> 3);
  switch (static_cast<UringTag>(data & kUringTagMask)) {
    case UringTag::nobody: return;
    case UringTag::read: return object_of<UringStream>(data)->on_read(result, flags);
    case UringTag::write: return object_of<UringStream>(data)->on_write(result);
    case UringTag::hangup: return on_hangup(number, result, flags);
    case UringTag::accept: return on_accept(number, result, flags);
    case UringTag::datagram: return on_datagrams(number, result, flags);
    case UringTag::ready: return object_of<ReadyWait>(data)->on_ready(result);
    case UringTag::wakeup: wakeup_armed_ = false; return run_posted();
  }
}

void UringLoop::on_hangup(std::uint32_t number, int result, unsigned flags) {
  auto* stream = static_cast<UringStream*>(registrations_[number].object);
  release_if_last(number, flags);
  if (stream != nullptr) stream->on_hangup(result);
}

void UringLoop::on_accept(std::uint32_t number, int result, unsigned flags) {
  auto* listener = static_cast<UringListener*>(registrations_[number].object);
  release_if_last(number, flags);
  if (listener != nullptr) {
    listener->on_accept(result, (flags & IORING_CQE_F_MORE) == 0);
  } else if (result >= 0) {
    ::close(result);
  }
}

void UringLoop::on_datagrams(std::uint32_t number, int result, unsigned flags) {
  auto* socket = static_cast<UringDatagrams*>(registrations_[number].object);
  bool last = (flags & IORING_CQE_F_MORE) == 0;
  release_if_last(number, flags);
  if (socket != nullptr) socket->on_ready(result, last);
}

void UringLoop::forget_revisit(UringDatagrams& socket) {
  if (!revisit_.empty()) std::erase(revisit_, &socket);
  std::ranges::replace(revisiting_, &socket, static_cast<UringDatagrams*>(nullptr));
}

void UringLoop::run_revisits() {
  if (revisit_.empty()) return;
  revisiting_.swap(revisit_);
  for (std::size_t i = 0; i < revisiting_.size(); ++i) {
    refill();
    if (UringDatagrams* socket = std::exchange(revisiting_[i], nullptr)) socket->revisit();
  }
  revisiting_.clear();
}

void UringLoop::arm_wakeup() {
  wakeup_armed_ = true;
  io_uring_sqe& entry = ring_->entry(user_data(UringTag::wakeup, nullptr));
  entry.opcode = IORING_OP_READ;
  entry.fd = wakeup_;
  entry.addr = reinterpret_cast<std::uint64_t>(&wakeup_count_);
  entry.len = sizeof wakeup_count_;
}

void UringLoop::run_posted() {
  std::vector<std::function<void()>> work;
  {
    std::lock_guard lock(posted_mutex_);
    work.swap(posted_);
  }
  for (auto& each : work) each();
}

std::optional<Duration> UringLoop::time_to_wait() const {
  if (ready_.linked() || !revisit_.empty()) return Duration::zero();
  TimePoint next = timers_.next();
  if (next == TimePoint::max()) return std::nullopt;
  return std::max(next - now_, Duration::zero());
}

void UringLoop::note_turn(TimePoint woken) {
  timespec time;
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  auto done = TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
  note_lag(done - woken);
}

void UringLoop::read_clock() {
  timespec time;
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  now_ = TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
  ::clock_gettime(CLOCK_REALTIME, &time);
  wall_now_ = time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

}  // namespace weir

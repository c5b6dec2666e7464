#include "io/epoll_loop.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/epoll_source.h"
#include "io/epoll_stream.h"
#include "io/sockets.h"

namespace weir {
namespace {

class EpollListener final : public Listener, public EpollSource {
 public:
  EpollListener(EpollLoop& loop, int socket)
      : loop_(loop),
        socket_(socket),
        retry_([](Timer& timer) { static_cast<Retry&>(timer).owner->on_events(EPOLLIN); }) {
    retry_.owner = this;
  }
  ~EpollListener() { loop_.forget(socket_, *this, true); }

  bool start_accept(AcceptOperation& operation) override {
    if (ready_ && !retry_.armed()) {
      if (!loop_.spend()) {
        loop_.revisit(*this);
      } else if (accept_one(operation)) {
        return true;
      }
    }
    pending_ = &operation;
    operation.pend(*this);
    return false;
  }

  void cancel(Operation& operation, const Error& why) override {
    auto& accept = static_cast<AcceptOperation&>(operation);
    pending_ = nullptr;
    accept.result = fail(why);
    loop_.complete_soon(accept);
  }

  std::unique_ptr<Stream> take_accepted() override {
    int socket = ::accept4(socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket < 0) return nullptr;
    set_no_delay(socket);
    return make_epoll_stream(loop_, socket, true);
  }

  void on_events(std::uint32_t events) override {
    if (events != 0) ready_ = true;
    if (pending_ == nullptr || !accept_one(*pending_)) return;
    std::exchange(pending_, nullptr)->complete();
  }

 private:
  struct Retry : Timer {
    using Timer::Timer;
    EpollListener* owner = nullptr;
  };

  bool accept_one(AcceptOperation& operation) {
    while (true) {
      int socket = ::accept4(socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket >= 0) {
        pause_ = Duration::zero();
        set_no_delay(socket);
        operation.result = make_epoll_stream(loop_, socket, true);
        return true;
      }
      if (errno == EAGAIN) {
        ready_ = false;
        return false;
      }
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        return give_up_for_a_while(operation);
      }
      if (errno == EINVAL || errno == EBADF) {
        operation.result = fail(ErrorCode::io, Origin::weir, "accept");
        return true;
      }
      // ECONNABORTED and its like concern only the connection that was not taken.
    }
  }

  // The caller learns of it once per pause, so that it can count and log; it accepts again at
  // once and then waits here.
  bool give_up_for_a_while(AcceptOperation& operation) {
    pause_ =
        std::clamp<Duration>(pause_ * 2, std::chrono::milliseconds(10), std::chrono::seconds(1));
    loop_.timers().arm(retry_, loop_.now() + pause_);
    operation.result = fail(from_errno(errno), Origin::weir, "accept");
    return true;
  }

  EpollLoop& loop_;
  int socket_;
  bool ready_ = true;
  AcceptOperation* pending_ = nullptr;
  Retry retry_;
  Duration pause_{};
};

/// A descriptor of somebody else, registered for the length of one wait.
class ReadyWait final : public EpollSource, public Cancellable, public Recycled<ReadyWait> {
 public:
  ReadyWait(EpollLoop& loop, ReadyOperation& operation) : loop_(loop), operation_(operation) {}
  void on_events(std::uint32_t) override {
    ReadyOperation& operation = operation_;
    end();
    operation.complete();
  }
  void cancel(Operation&, const Error& why) override {
    ReadyOperation& operation = operation_;
    EpollLoop& loop = loop_;
    end();
    operation.result = fail(why);
    loop.complete_soon(operation);
  }

 private:
  void end() {
    loop_.forget(operation_.fd, *this, true);
    delete this;
  }

  EpollLoop& loop_;
  ReadyOperation& operation_;
};

}  // namespace

Result<std::unique_ptr<Loop>> make_epoll_loop(unsigned index, std::uint64_t seed) {
  int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) return fail(from_errno(errno), Origin::weir, "epoll_create1");
  int wakeup = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wakeup < 0) {
    ::close(epoll);
    return fail(from_errno(errno), Origin::weir, "eventfd");
  }
  return std::make_unique<EpollLoop>(index, seed, epoll, wakeup);
}

EpollLoop::EpollLoop(unsigned index, std::uint64_t seed, int epoll, int wakeup)
    : Loop(index, seed), epoll_(epoll), wakeup_(wakeup) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, wakeup_, &event);
  read_clock();
}

EpollLoop::~EpollLoop() {
  slots_->clear();  // what the slots hold may still close streams of this loop
  ::close(epoll_);
  ::close(wakeup_);
}

Status EpollLoop::watch(int socket, EpollSource& source, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &source;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) != 0) {
    return fail(from_errno(errno), Origin::weir, "epoll_ctl");
  }
  return {};
}

void EpollLoop::forget(int socket, EpollSource& source, bool still_open) {
  if (still_open) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, socket, nullptr);
  for (int i = event_next_; i < event_count_; ++i) {
    if (events_[i].data.ptr == &source) events_[i].events = 0;
  }
  if (!revisit_.empty()) std::erase(revisit_, &source);
  std::replace(revisiting_.begin(), revisiting_.end(), &source, static_cast<EpollSource*>(nullptr));
}

Result<std::unique_ptr<Listener>> EpollLoop::listen(int socket) {
  auto listener = std::make_unique<EpollListener>(*this, socket);
  Status watched = watch(socket, *listener, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE);
  if (!watched) return fail(watched.error());
  return listener;
}

Result<std::unique_ptr<Stream>> EpollLoop::adopt(int socket) {
  int flags = ::fcntl(socket, F_GETFL);
  ::fcntl(socket, F_SETFL, flags | O_NONBLOCK);
  return make_epoll_stream(*this, socket, true);
}

bool EpollLoop::start_connect(ConnectOperation& operation) {
  return start_epoll_connect(*this, operation);
}

bool EpollLoop::start_ready(ReadyOperation& operation) {
  auto* wait = new ReadyWait(*this, operation);
  std::uint32_t events = operation.for_write ? EPOLLOUT : EPOLLIN;
  Status watched = watch(operation.fd, *wait, events | EPOLLRDHUP | EPOLLONESHOT);
  if (!watched) {
    delete wait;
    operation.result = fail(watched.error());
    return true;
  }
  operation.pend(*wait);
  return false;
}

void EpollLoop::post(std::function<void()> work) {
  {
    std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(work));
  }
  std::uint64_t one = 1;
  [[maybe_unused]] ssize_t written = ::write(wakeup_, &one, sizeof one);
}

void EpollLoop::stop() {
  post([this] { stopping_ = true; });
}

void EpollLoop::run_posted() {
  std::uint64_t count;
  [[maybe_unused]] ssize_t got = ::read(wakeup_, &count, sizeof count);
  std::vector<std::function<void()>> work;
  {
    std::lock_guard lock(posted_mutex_);
    work.swap(posted_);
  }
  for (auto& each : work) each();
}

void EpollLoop::read_clock() {
  timespec time;
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  now_ = TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
  ::clock_gettime(CLOCK_REALTIME, &time);
  wall_now_ = time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
}

void EpollLoop::run_revisits() {
  if (revisit_.empty()) return;
  revisiting_.swap(revisit_);
  for (std::size_t i = 0; i < revisiting_.size(); ++i) {
    refill();
    EpollSource* source = std::exchange(revisiting_[i], nullptr);
    if (source != nullptr) source->on_events(0);
  }
  revisiting_.clear();
}

int EpollLoop::wait_milliseconds() const {
  if (ready_.linked() || !revisit_.empty()) return 0;
  TimePoint next = timers_.next();
  if (next == TimePoint::max()) return -1;
  if (next <= now_) return 0;
  auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now_).count();
  return static_cast<int>(std::min<std::int64_t>(left, 60'000));
}

void EpollLoop::run() {
  stopping_ = false;
  while (!stopping_) turn();
}

void EpollLoop::note_turn(TimePoint woken) {
  timespec time;
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  auto done = TimePoint(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
  note_lag(done - woken);
}

void EpollLoop::turn() {
  event_count_ = std::max(0, ::epoll_wait(epoll_, events_.data(), kBatch, wait_milliseconds()));
  read_clock();
  TimePoint woken = now_;
  for (event_next_ = 0; event_next_ < event_count_;) {
    epoll_event& event = events_[event_next_++];
    if (event.events == 0) continue;
    refill();
    if (event.data.ptr == nullptr) {
      run_posted();
    } else {
      static_cast<EpollSource*>(event.data.ptr)->on_events(event.events);
    }
  }
  event_count_ = event_next_ = 0;
  refill();
  timers_.advance(now_);
  run_ready();
  run_revisits();
  note_turn(woken);
}

}  // namespace weir

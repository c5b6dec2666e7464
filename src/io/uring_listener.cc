#include "io/uring_listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "io/sockets.h"
#include "io/uring_stream.h"

namespace weir {

UringListener::UringListener(UringLoop& loop, int socket)
    : loop_(loop), socket_(socket), retry_([](Timer& timer) {
        UringListener& self = *static_cast<Retry&>(timer).owner;
        if (self.pending_ != nullptr) self.arm();
      }) {
  retry_.owner = this;
}

UringListener::~UringListener() {
  if (registration_ != kUnarmed) loop_.forget_registration(UringTag::accept, registration_);
  for (; next_waiting_ < waiting_.size(); ++next_waiting_) ::close(waiting_[next_waiting_]);
}

std::unique_ptr<Stream> UringListener::stream_of(int socket) {
  set_no_delay(socket);
  return std::make_unique<UringStream>(loop_, socket);
}

bool UringListener::start_accept(AcceptOperation& operation) {
  int socket = take_waiting();
  if (socket < 0 && burst_) {
    socket = ::accept4(socket_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    burst_ = socket >= 0;
  }
  if (socket >= 0) {
    operation.result = stream_of(socket);
    if (loop_.spend()) return true;
    operation.pend(*this);  // others first
    loop_.complete_soon(operation);
    return false;
  }
  pending_ = &operation;
  cancelled_ = false;
  operation.pend(*this);
  if (registration_ == kUnarmed && !retry_.armed()) arm();
  return false;
}

std::unique_ptr<Stream> UringListener::take_accepted() {
  int socket = take_waiting();
  return socket < 0 ? nullptr : stream_of(socket);
}

int UringListener::take_waiting() {
  if (next_waiting_ == waiting_.size()) return -1;
  int socket = waiting_[next_waiting_++];
  if (next_waiting_ == waiting_.size()) {
    waiting_.clear();
    next_waiting_ = 0;
  }
  return socket;
}

void UringListener::arm() {
  registration_ = loop_.add_registration(this);
  suspending_ = false;
  io_uring_sqe& entry = loop_.ring().entry(user_data(UringTag::accept, registration_));
  entry.opcode = IORING_OP_ACCEPT;
  entry.fd = socket_;
  entry.accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  if (loop_.features().multishot_accept) entry.ioprio = IORING_ACCEPT_MULTISHOT;
}

void UringListener::on_accept(int result, bool last) {
  if (last) registration_ = kUnarmed;
  if (result >= 0) return hand_over(result);
  if (pending_ != nullptr && cancelled_) {
    std::exchange(pending_, nullptr)->complete();
    return;
  }
  on_error(-result);
}

void UringListener::hand_over(int socket) {
  pause_ = Duration::zero();
  burst_ = !loop_.features().multishot_accept;
  if (pending_ == nullptr) {
    waiting_.push_back(socket);
    suspend();
    return;
  }
  if (registration_ == kUnarmed && loop_.features().multishot_accept && !cancelled_) arm();
  pending_->result = stream_of(socket);
  std::exchange(pending_, nullptr)->complete();
}

void UringListener::suspend() {
  if (registration_ == kUnarmed || suspending_) return;
  suspending_ = true;
  loop_.ring().cancel(user_data(UringTag::accept, registration_));
}

void UringListener::on_error(int error) {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      // The caller learns of it once per pause, so that it can count and log; it accepts again
      // at once and then waits until the pause is over.
      pause();
      break;
    case EINVAL:
    case EBADF:
    case ENOTSOCK:
    case EOPNOTSUPP: break;
    default:  // concerns only the connection that was not taken, or a suspended accept
      if (pending_ != nullptr && registration_ == kUnarmed) arm();
      return;
  }
  if (pending_ == nullptr) return;
  pending_->result = fail(from_errno(error), Origin::weir, "accept");
  std::exchange(pending_, nullptr)->complete();
}

void UringListener::pause() {
  pause_ = std::clamp<Duration>(pause_ * 2, std::chrono::milliseconds(10), std::chrono::seconds(1));
  loop_.timers().arm(retry_, loop_.now() + pause_);
}

void UringListener::cancel(Operation& operation, const Error& why) {
  operation.unlink();
  auto& accept = static_cast<AcceptOperation&>(operation);
  if (&accept != pending_ || cancelled_) return;  // it has its connection and is about to say so
  accept.result = fail(why);
  if (registration_ == kUnarmed) {
    pending_ = nullptr;
    loop_.complete_soon(accept);
    return;
  }
  cancelled_ = true;
  suspend();
}

}  // namespace weir

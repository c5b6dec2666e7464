#include "io/uring_datagrams.h"

#include <poll.h>

namespace weir {

UringDatagrams::UringDatagrams(UringLoop& loop, int socket, bool connected,
                               DatagramReceiver& receiver)
    : loop_(loop), receiver_(receiver), calls_(socket, connected) {
  arm();
}

UringDatagrams::~UringDatagrams() {
  if (revisiting_) loop_.forget_revisit(*this);
  if (registration_ != kUnarmed) loop_.forget_registration(UringTag::datagram, registration_);
}

void UringDatagrams::arm() {
  registration_ = loop_.add_registration(this);
  io_uring_sqe& entry = loop_.ring().entry(user_data(UringTag::datagram, registration_));
  entry.opcode = IORING_OP_POLL_ADD;
  entry.fd = calls_.socket();
  entry.len = IORING_POLL_ADD_MULTI;
  entry.poll32_events = POLLIN;
}

// The kernel ends a standing poll when its completions do not fit in the queue, for example.
void UringDatagrams::on_ready(int result, bool last) {
  if (last) {
    registration_ = kUnarmed;
    if (result == -ECANCELED || result == -EBADF) return;
    arm();
  }
  if (!revisiting_) revisit();
}

void UringDatagrams::revisit() {
  revisiting_ = false;
  calls_.set_left(false);
  receiver_.on_readable();
  if (!calls_.left()) return;
  revisiting_ = true;
  loop_.revisit(*this);
}

Result<std::unique_ptr<DatagramSocket>> UringLoop::receive_datagrams(int socket,
                                                                     DatagramReceiver& receiver) {
  return std::make_unique<UringDatagrams>(*this, socket, false, receiver);
}

Result<std::unique_ptr<DatagramSocket>> UringLoop::connect_datagrams(const Address& to,
                                                                     DatagramReceiver& receiver) {
  Result<int> socket = connect_datagram_socket(to);
  if (!socket) return fail(socket.error());
  return std::make_unique<UringDatagrams>(*this, *socket, true, receiver);
}

}  // namespace weir

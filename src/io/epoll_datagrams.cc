// Datagram sockets on the epoll engine.
#include "core/recycle.h"
#include "io/datagram_calls.h"
#include "io/epoll_source.h"

namespace weir {
namespace {

class EpollDatagrams final : public DatagramSocket,
                             public EpollSource,
                             public Recycled<EpollDatagrams> {
 public:
  EpollDatagrams(EpollLoop& loop, int socket, bool connected, DatagramReceiver& receiver)
      : loop_(loop), receiver_(receiver), calls_(socket, connected), connected_(connected) {}
  ~EpollDatagrams() override { loop_.forget(calls_.socket(), *this, !connected_); }

  Status watch() { return loop_.watch(calls_.socket(), *this, EPOLLIN | EPOLLET); }

  Result<std::size_t> receive(DatagramBatch& into, std::size_t most) override {
    return calls_.receive(into, most);
  }
  Result<std::size_t> send(std::span<const Datagram> datagrams) override {
    return calls_.send(datagrams);
  }

  void on_events(std::uint32_t events) override {
    if (events == 0) {
      revisiting_ = false;
    } else if (revisiting_) {
      return;  // its turn comes
    }
    calls_.set_left(false);
    receiver_.on_readable();
    if (!calls_.left()) return;
    revisiting_ = true;
    loop_.revisit(*this);
  }

 private:
  EpollLoop& loop_;
  DatagramReceiver& receiver_;
  KernelDatagrams calls_;
  bool connected_;
  bool revisiting_ = false;
};

Result<std::unique_ptr<DatagramSocket>> watched(std::unique_ptr<EpollDatagrams> socket) {
  if (Status watching = socket->watch(); !watching) return fail(watching.error());
  return socket;
}

}  // namespace

Result<std::unique_ptr<DatagramSocket>> EpollLoop::receive_datagrams(int socket,
                                                                     DatagramReceiver& receiver) {
  return watched(std::make_unique<EpollDatagrams>(*this, socket, false, receiver));
}

Result<std::unique_ptr<DatagramSocket>> EpollLoop::connect_datagrams(const Address& to,
                                                                     DatagramReceiver& receiver) {
  Result<int> socket = connect_datagram_socket(to);
  if (!socket) return fail(socket.error());
  return watched(std::make_unique<EpollDatagrams>(*this, *socket, true, receiver));
}

}  // namespace weir

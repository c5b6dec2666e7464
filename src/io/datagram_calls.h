// The system calls of datagram sockets, which both kernel engines share.
#pragma once

#include <span>

#include "io/datagram.h"
#include "io/loop.h"

namespace weir {

/// A socket and what its calls depend on.
class KernelDatagrams {
 public:
  /// `socket` is bound, or connected, and non-blocking; `connected` ones are closed at the end.
  KernelDatagrams(int socket, bool connected);
  ~KernelDatagrams();
  KernelDatagrams(const KernelDatagrams&) = delete;
  KernelDatagrams& operator=(const KernelDatagrams&) = delete;

  int socket() const { return socket_; }
  Result<std::size_t> receive(DatagramBatch& into, std::size_t most);
  Result<std::size_t> send(std::span<const Datagram> datagrams);
  /// The last `receive` stopped before it knew that nothing is left.
  bool left() const { return left_; }
  void set_left(bool left) { left_ = left; }

 private:
  int socket_;
  bool connected_;
  bool six_ = false;  // of IPv6: knows IPv4 by mapped addresses
  bool any_ = false;  // bound to every address: each datagram tells where it came to
  bool left_ = false;
};

/// A socket of its own that is connected to `to`. Closed by whoever gets it.
Result<int> connect_datagram_socket(const Address& to);

/// What a socket needs to be bound for datagrams: room for bursts, and, for one that is bound to
/// every address, that each datagram tells where it came to.
void prepare_datagram_socket(int socket, const Address& address);

}  // namespace weir

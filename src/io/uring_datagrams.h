// Datagram sockets on the io_uring engine.
#pragma once

#include "core/recycle.h"
#include "io/datagram_calls.h"
#include "io/uring_engine.h"

namespace weir {

/// One standing poll tells when something has come; it is received by recvmmsg, many at a time: a
/// receive in the ring for each of them would need a buffer and a completion for each.
class UringDatagrams final : public DatagramSocket, public Recycled<UringDatagrams> {
 public:
  UringDatagrams(UringLoop& loop, int socket, bool connected, DatagramReceiver& receiver);
  ~UringDatagrams() override;

  Result<std::size_t> receive(DatagramBatch& into, std::size_t most) override {
    return calls_.receive(into, most);
  }
  Result<std::size_t> send(std::span<const Datagram> datagrams) override {
    return calls_.send(datagrams);
  }

  /// A completion; `last`: the poll does not stand any more.
  void on_ready(int result, bool last);
  void revisit();

 private:
  static constexpr std::uint32_t kUnarmed = ~std::uint32_t{0};
  void arm();

  UringLoop& loop_;
  DatagramReceiver& receiver_;
  KernelDatagrams calls_;
  std::uint32_t registration_ = kUnarmed;
  bool revisiting_ = false;
};

}  // namespace weir

// Accepting on the io_uring engine.
#pragma once

#include <vector>

#include "io/uring_engine.h"

namespace weir {

/// One standing accept takes connections as they come; those for which nobody waits yet are kept
/// in order, and the standing accept is suspended, so that few leave the kernel's queue unserved.
/// Without multishot accept the ring accepts one connection, and accept4 the rest of a burst.
class UringListener final : public Listener {
 public:
  UringListener(UringLoop& loop, int socket);
  ~UringListener() override;

  bool start_accept(AcceptOperation& operation) override;
  std::unique_ptr<Stream> take_accepted() override;
  void cancel(Operation& operation, const Error& why) override;

  /// A completion; may destroy the listener.
  void on_accept(int result, bool last);

 private:
  struct Retry : Timer {
    using Timer::Timer;
    UringListener* owner = nullptr;
  };
  static constexpr std::uint32_t kUnarmed = ~std::uint32_t{0};

  void arm();
  void suspend();
  void hand_over(int socket);
  void on_error(int error);
  int take_waiting();
  std::unique_ptr<Stream> stream_of(int socket);
  void pause();

  UringLoop& loop_;
  int socket_;
  std::uint32_t registration_ = kUnarmed;
  AcceptOperation* pending_ = nullptr;
  bool cancelled_ = false;   // the pending accept has its result, for the case that none comes
  bool suspending_ = false;  // a cancellation of the standing accept is under way
  bool burst_ = false;       // without multishot: more may be queued in the kernel
  std::vector<int> waiting_;
  std::size_t next_waiting_ = 0;
  Retry retry_;
  Duration pause_{};
};

}  // namespace weir

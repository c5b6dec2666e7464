// What the parts of the io_uring engine share: the loop with its ring, buffers and registrations.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "io/loop.h"
#include "io/uring_buffers.h"
#include "io/uring_ring.h"

namespace weir {

class UringDatagrams;

class UringLoop final : public Loop {
 public:
  UringLoop(unsigned index, std::uint64_t seed, std::unique_ptr<UringRing> ring, int wakeup);
  ~UringLoop() override;

  Result<std::unique_ptr<Listener>> listen(int socket) override;
  Result<std::unique_ptr<Stream>> adopt(int socket) override;
  Result<std::unique_ptr<DatagramSocket>> receive_datagrams(int socket,
                                                            DatagramReceiver& receiver) override;
  Result<std::unique_ptr<DatagramSocket>> connect_datagrams(const Address& to,
                                                            DatagramReceiver& receiver) override;
  bool start_connect(ConnectOperation& operation) override;
  bool start_ready(ReadyOperation& operation) override;
  void post(std::function<void()> work) override;
  void run() override;
  void stop() override;
  std::string_view engine() const override { return "io_uring"; }

  UringRing& ring() { return *ring_; }
  UringBuffers& provided() { return provided_; }
  const UringFeatures& features() const { return features_; }
  /// Counts turns, to tell whether something was seen just now.
  std::uint32_t turn_number() const { return turn_number_; }

  /// A registration is how the kernel names an object that may go before its last completion
  /// comes: the number stays taken until then, and completions of a forgotten one reach nobody.
  std::uint32_t add_registration(void* object);
  void forget_registration(UringTag tag, std::uint32_t number);
  /// Calls `socket.revisit()` once everything else has had its turn, unless it goes before.
  void revisit(UringDatagrams& socket) { revisit_.push_back(&socket); }
  void forget_revisit(UringDatagrams& socket);

 private:
  struct Registration {
    void* object;  // null once forgotten, or while on the free list
    std::uint32_t next_free;
  };
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  void turn();
  void dispatch(std::uint64_t data, int result, unsigned flags);
  void on_hangup(std::uint32_t number, int result, unsigned flags);
  void on_accept(std::uint32_t number, int result, unsigned flags);
  void on_datagrams(std::uint32_t number, int result, unsigned flags);
  void run_revisits();
  void release_if_last(std::uint32_t number, unsigned flags);
  std::optional<Duration> time_to_wait() const;
  void read_clock();
  void note_turn(TimePoint woken);
  void arm_wakeup();
  void run_posted();

  std::unique_ptr<UringRing> ring_;
  UringFeatures features_;
  UringBuffers provided_;
  std::vector<Registration> registrations_;
  std::uint32_t free_registration_ = kNone;
  std::uint32_t turn_number_ = 1;
  std::vector<UringDatagrams*> revisit_;
  std::vector<UringDatagrams*> revisiting_;
  int wakeup_;
  std::uint64_t wakeup_count_ = 0;  // the kernel writes here
  bool wakeup_armed_ = false;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
  bool stopping_ = false;
};

}  // namespace weir

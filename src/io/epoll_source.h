// What the epoll engine registers: anything with a descriptor that wants to hear of its events.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "core/recycle.h"
#include "io/loop.h"

namespace weir {

class EpollLoop;

class EpollSource {
 public:
  virtual void on_events(std::uint32_t events) = 0;

 protected:
  ~EpollSource() = default;
};

class EpollLoop final : public Loop {
 public:
  EpollLoop(unsigned index, std::uint64_t seed, int epoll, int wakeup);
  ~EpollLoop() override;

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
  std::string_view engine() const override { return "epoll"; }

  Status watch(int socket, EpollSource& source, std::uint32_t events);
  /// Takes the descriptor out and drops events of this turn that were not yet delivered.
  void forget(int socket, EpollSource& source, bool still_open);
  /// Calls `source.on_events(0)` once everything else has had its turn.
  void revisit(EpollSource& source) { revisit_.push_back(&source); }

 private:
  static constexpr int kBatch = 256;

  void read_clock();
  int wait_milliseconds() const;
  void turn();
  void note_turn(TimePoint woken);
  void run_posted();
  void run_revisits();

  int epoll_;
  int wakeup_;
  std::array<epoll_event, kBatch> events_;
  int event_count_ = 0;
  int event_next_ = 0;
  std::vector<EpollSource*> revisit_;
  std::vector<EpollSource*> revisiting_;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
  bool stopping_ = false;
};

}  // namespace weir

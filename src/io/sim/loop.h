// SimLoop: the engine "sim", a loop whose time and sockets belong to a SimWorld.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/scope.h"
#include "io/loop.h"
#include "io/sim/network.h"
#include "io/sim/world.h"

namespace weir {

/// Never waits by itself: the world runs its turns. `run` runs the whole world until `stop`, or
/// until nothing is left to happen. `start_ready` is refused with `unsupported`: there are no
/// descriptors outside the simulation.
class SimLoop final : public Loop {
 public:
  SimLoop(SimWorld& world, unsigned index, std::uint64_t seed, const IpAddress& host);
  ~SimLoop() override;

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
  void stop() override { stopping_ = true; }
  std::string_view engine() const override { return "sim"; }

  SimWorld& world() { return world_; }
  SimNetwork& network() { return world_.network(); }
  const IpAddress& host() const { return host_; }

  /// The token of this loop's spawned tasks.
  StopToken stopping() { return tasks_->token(); }

  /// Ends the program if it is another loop's turn: on real loops, which are threads, what is
  /// being done would be a data race.
  void check_own_turn(const char* what) const;

  // For the world and the network.
  void spawn(Task<void> task);
  void stop_tasks();
  std::size_t running() const { return tasks_->running() + unstarted_; }
  /// Nothing posted and nothing completed waits to be run.
  bool settled() const { return posted_.empty() && !ready_.linked(); }
  /// When the loop next has something to do; TimePoint::max() if only events can wake it.
  TimePoint due() const;
  void turn();
  /// Tells `source`, as the first thing of a turn.
  void dispatch(SimSource& source, std::uint32_t events);
  std::string check_clean() const;

 private:
  friend class SimWorld;
  void read_clock();

  SimWorld& world_;
  IpAddress host_;
  TimePoint free_at_;  // the end of the last turn
  std::vector<std::function<void()>> posted_;
  std::unique_ptr<Scope> tasks_ = std::make_unique<Scope>();
  std::size_t unstarted_ = 0;
  bool stopping_ = false;
};

}  // namespace weir

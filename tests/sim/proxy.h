// The whole proxy in a simulated world: its workers are simulated loops.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/sim/loop.h"
#include "ledger.h"
#include "server/server.h"

namespace weir::sim {

/// Workers and the control loop of one simulated process.
class SimHost final : public WorkerHost {
 public:
  SimHost(SimWorld& world, Ledger& ledger)
      : world_(world), ledger_(ledger), control_(world.add_loop("10.0.0.1")) {}

  SimLoop& control() { return control_; }

  Result<Loop*> start(unsigned index) override;
  /// As the end of a thread: what the loop's slots hold goes with it.
  void retire(unsigned index) override;
  void post(std::function<void()> work) override { control_.post(std::move(work)); }
  std::unique_ptr<ExchangeObserver> make_observer(Loop& loop) override;
  unsigned default_workers() const override { return 2; }

  std::size_t running() const { return loops_.size(); }

 private:
  SimWorld& world_;
  Ledger& ledger_;
  SimLoop& control_;
  std::map<unsigned, SimLoop*> loops_;
};

/// What changes from one configuration to the next.
struct Setup {
  unsigned workers = 2;
  std::vector<std::string> left{"10.0.1.1:80", "10.0.1.2:80"};  // endpoints of /a/
  std::vector<std::string> right{"10.0.1.3:80"};                // and of /b/
  bool swapped = false;                                         // /a/ goes right
  bool second_listener = false;
  bool keep_half_closed = false;
  unsigned max_requests = 0;  // of a pooled connection; 0: unlimited
  unsigned attempts = 2;
  bool resilient = false;  // every option for repeating requests
  bool buffered = false;   // bodies go through `buffer`
  bool least_requests = false;
  bool left_http2 = false;
  bool right_http2 = false;

  std::string yaml() const;
};

/// A server over a SimHost.
class Proxy {
 public:
  Proxy(SimWorld& world, Ledger& ledger)
      : world_(world), ledger_(ledger), host_(world, ledger), server_(world.network(), host_) {
    tend();
  }

  void apply(const Setup& setup);
  /// Begins to end, once; what is left after `patience` is cut.
  void drain(Duration patience);
  bool drained() const { return drained_; }
  void sessions(SessionCounters& total) const;
  SimHost& host() { return host_; }

 private:
  void tend();

  SimWorld& world_;
  Ledger& ledger_;
  SimHost host_;
  Server server_;
  std::vector<std::shared_ptr<SharedListener>> listeners_;
  bool draining_ = false;
  bool drained_ = false;
};

}  // namespace weir::sim

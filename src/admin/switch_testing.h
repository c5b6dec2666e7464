// Test support: a process that does nothing but put configurations in force. Included by tests
// only.
#pragma once

#include <memory>
#include <utility>

#include "admin/config_switch.h"
#include "admin/live_config.h"
#include "server/process_status.h"
#include "server/sim_server.h"

namespace weir::test {

class Silent final : public ExchangeObserver {
  void exchange_ended(Exchange&) override {}
};

/// A process without files, names and logs.
class Switch final : public ConfigSwitch {
 public:
  Switch(Server& server, ProcessStatus& status, Loop& loop)
      : server_(server), status_(status), loop_(loop) {}

  bool check(ServerConfig, config::Diagnostics& diagnostics) override { return diagnostics.ok(); }
  Task<bool> put_in_force(ServerConfig config, config::Diagnostics& diagnostics,
                          Seal seal) override {
    bool done = false;
    if (!server_.apply(std::move(config), diagnostics, [&] { done = true; }, seal)) co_return false;
    status_.use(server_);
    while (!done || paused) (void)co_await loop_.sleep_for(std::chrono::milliseconds(1));
    co_return true;
  }

  bool paused = false;

 private:
  Server& server_;
  ProcessStatus& status_;
  Loop& loop_;
};

}  // namespace weir::test

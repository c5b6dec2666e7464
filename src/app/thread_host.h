// Workers as threads, each with a loop of its own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "server/server.h"

namespace weir {

/// Which engine the loops have: `auto` takes io_uring where the kernel lets it, else epoll.
enum class Engine : std::uint8_t { automatic, epoll, io_uring };

/// A loop of the engine, seeded from the system's randomness.
Result<std::unique_ptr<Loop>> make_loop(Engine engine, unsigned index);

class ThreadHost final : public WorkerHost {
 public:
  using MakeObserver = std::function<std::unique_ptr<ExchangeObserver>(Loop&)>;

  /// `control` is the loop of the thread that owns the Server.
  ThreadHost(Loop& control, Engine engine, MakeObserver make_observer);
  ~ThreadHost() override;

  Result<Loop*> start(unsigned index) override;
  void retire(unsigned index) override;
  void post(std::function<void()> work) override { control_.post(std::move(work)); }
  std::unique_ptr<ExchangeObserver> make_observer(Loop& loop) override;
  unsigned default_workers() const override;

  /// Stops every loop and waits for the threads. After the last worker is empty.
  void join();

 private:
  struct Thread {
    std::unique_ptr<Loop> loop;
    std::thread thread;
  };
  Loop& control_;
  Engine engine_;
  MakeObserver make_observer_;
  std::vector<Thread> threads_;
};

}  // namespace weir

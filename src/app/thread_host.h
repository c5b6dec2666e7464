// Workers as threads, each with a loop of its own.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "server/server.h"

namespace weir {

/// Which engine the loops have: `automatic` takes io_uring where the kernel lets it, else epoll.
enum class Engine : std::uint8_t { automatic, epoll, io_uring };

/// What `--engine` means when it is not given.
inline constexpr Engine kDefaultEngine = Engine::automatic;

/// Unpredictable numbers from the system.
std::uint64_t system_seed();

/// A loop of the engine, seeded from the system's randomness. On the thread that will run it.
Result<std::unique_ptr<Loop>> make_loop(Engine engine, unsigned index);

class ThreadHost final : public WorkerHost {
 public:
  using MakeObserver = std::function<std::unique_ptr<ExchangeObserver>(Loop&)>;
  using BeforeThreads = std::function<Status()>;

  /// `control` is the loop of the thread that owns the Server. `before_threads` runs once, before
  /// the first thread begins: the listeners are bound then and nothing is served yet.
  ThreadHost(Loop& control, Engine engine, MakeObserver make_observer,
             BeforeThreads before_threads);
  ~ThreadHost() override;

  Result<Loop*> start(unsigned index) override;
  /// Waits for the thread to end, which destroys the loop and what its slots hold.
  void retire(unsigned index) override;
  void post(std::function<void()> work) override { control_.post(std::move(work)); }
  std::unique_ptr<ExchangeObserver> make_observer(Loop& loop) override;
  /// As many as the process may use processors.
  unsigned default_workers() const override;

  /// Of the workers' loops; empty before the first.
  std::string_view engine_name() const { return engine_name_; }

 private:
  struct Thread {
    Loop* loop = nullptr;  // of the thread, while it runs
    std::thread thread;
  };
  Loop& control_;
  Engine engine_;
  MakeObserver make_observer_;
  BeforeThreads before_threads_;
  std::string_view engine_name_;
  std::vector<Thread> threads_;
};

}  // namespace weir

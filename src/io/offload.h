// Offload: a few threads for work that would block a loop because it is slow by design.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/task.h"
#include "io/loop.h"

namespace weir {

struct OffloadLimits {
  unsigned threads = 2;
  std::size_t waiting = 64;  // that no thread has begun yet
};

/// Shared by all workers; outlives what waits for it. Its threads start with the first work. On a
/// simulated loop there are no threads: work is done at once, so that a seed replays.
class Offload final : private Cancellable {
 public:
  explicit Offload(OffloadLimits limits) : limits_(limits) {}
  /// Waits for what has been begun; what nobody waits for any more is dropped.
  ~Offload();
  Offload(const Offload&) = delete;
  Offload& operator=(const Offload&) = delete;

  /// What `work()` returns. It owns all that it looks at: when `stop` says so the caller goes on,
  /// and work that a thread has begun ends on its own. Errors: `overloaded` if too much waits, and
  /// the reason of `stop`.
  template <class F>
  Task<Result<std::invoke_result_t<F&>>> run(Loop& loop, F work, StopToken stop);

 private:
  struct Job;
  struct Wait;
  using Work = std::function<void()>;

  Task<Status> wait_for(Loop& loop, Work work, StopToken stop);
  bool add(const std::shared_ptr<Job>& job);
  void cancel(Operation& operation, const Error& why) override;
  void start_thread();
  void serve();

  const OffloadLimits limits_;
  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> waiting_;
  std::vector<std::thread> threads_;
  unsigned idle_ = 0;
  bool stopping_ = false;
};

template <class F>
Task<Result<std::invoke_result_t<F&>>> Offload::run(Loop& loop, F work, StopToken stop) {
  struct Kept {
    explicit Kept(F what) : work(std::move(what)) {}
    F work;
    std::optional<std::invoke_result_t<F&>> result;
  };
  auto kept = std::make_shared<Kept>(std::move(work));
  Work shared = [kept] { kept->result.emplace(kept->work()); };
  Status done = co_await wait_for(loop, std::move(shared), stop);
  if (!done) co_return fail(done.error());
  co_return std::move(*kept->result);
}

}  // namespace weir

#include "app/thread_host.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/random.h>

#include <future>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "io/epoll_loop.h"
#include "io/uring_loop.h"

namespace weir {
namespace {

using MadeLoop = std::promise<Result<Loop*>>;

// The ring of io_uring belongs to the thread that made it: a loop is made, run and destroyed there,
// together with the connections that its slots keep.
void run_worker(Engine engine, unsigned index, MadeLoop made) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the control thread's
  pthread_setname_np(pthread_self(), fmt::format("worker{}", index).c_str());
  Result<std::unique_ptr<Loop>> loop = make_loop(engine, index);
  if (!loop) {
    made.set_value(fail(loop.error()));
    return;
  }
  made.set_value(loop->get());
  (*loop)->run();
}

}  // namespace

std::uint64_t system_seed() {
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) {
    seed = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  }
  return seed;
}

Result<std::unique_ptr<Loop>> make_loop(Engine engine, unsigned index) {
  if (engine != Engine::epoll) {
    Result<std::unique_ptr<Loop>> loop = make_uring_loop(index, system_seed());
    if (loop || engine == Engine::io_uring) return loop;
  }
  return make_epoll_loop(index, system_seed());
}

ThreadHost::ThreadHost(Loop& control, Engine engine, MakeObserver make_observer,
                       BeforeThreads before_threads)
    : control_(control),
      engine_(engine),
      make_observer_(std::move(make_observer)),
      before_threads_(std::move(before_threads)) {}

ThreadHost::~ThreadHost() {
  for (unsigned i = 0; i < threads_.size(); ++i) retire(i);
}

Result<Loop*> ThreadHost::start(unsigned index) {
  if (before_threads_) {
    Status ready = std::exchange(before_threads_, nullptr)();
    if (!ready) return fail(ready.error());
  }
  if (index >= threads_.size()) threads_.resize(index + 1);
  Thread& worker = threads_[index];
  MadeLoop made;
  std::future<Result<Loop*>> loop = made.get_future();
  try {
    worker.thread = std::thread(run_worker, engine_, index, std::move(made));
  } catch (const std::system_error&) {
    return fail(ErrorCode::limit, Origin::weir, "the system gives no more threads");
  }
  Result<Loop*> result = loop.get();
  if (result) {
    worker.loop = *result;
    engine_name_ = worker.loop->engine();
  } else {
    worker.thread.join();
  }
  return result;
}

void ThreadHost::retire(unsigned index) {
  Thread& worker = threads_[index];
  if (worker.loop == nullptr) return;
  std::exchange(worker.loop, nullptr)->stop();
  worker.thread.join();
}

std::unique_ptr<ExchangeObserver> ThreadHost::make_observer(Loop& loop) {
  return make_observer_(loop);
}

// What the process may use, not what the machine has: containers and taskset count.
unsigned ThreadHost::default_workers() const {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int count = CPU_COUNT(&set);
  return count > 0 ? static_cast<unsigned>(count) : 1;
}

}  // namespace weir

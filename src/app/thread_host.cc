#include "app/thread_host.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/random.h>

#include "io/epoll_loop.h"
#include "io/uring_loop.h"

namespace weir {
namespace {

std::uint64_t system_seed() {
  std::uint64_t seed = 0;
  if (::getrandom(&seed, sizeof seed, 0) != sizeof seed) {
    seed = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  }
  return seed;
}

}  // namespace

Result<std::unique_ptr<Loop>> make_loop(Engine engine, unsigned index) {
  if (engine != Engine::epoll) {
    Result<std::unique_ptr<Loop>> loop = make_uring_loop(index, system_seed());
    if (loop || engine == Engine::io_uring) return loop;
  }
  return make_epoll_loop(index, system_seed());
}

ThreadHost::ThreadHost(Loop& control, Engine engine, MakeObserver make_observer)
    : control_(control), engine_(engine), make_observer_(std::move(make_observer)) {}

ThreadHost::~ThreadHost() { join(); }

Result<Loop*> ThreadHost::start(unsigned index) {
  // The ring of io_uring belongs to the thread that made it: the loop is made where it runs.
  Result<std::unique_ptr<Loop>> loop = fail(ErrorCode::internal, Origin::weir);
  std::atomic<bool> made{false};
  if (index >= threads_.size()) threads_.resize(index + 1);
  Thread& thread = threads_[index];
  thread.thread = std::thread([&loop, &made, index, engine = engine_] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the control thread's
    pthread_setname_np(pthread_self(), ("worker" + std::to_string(index)).c_str());
    loop = make_loop(engine, index);
    Loop* own = loop ? loop->get() : nullptr;
    made.store(true);
    made.notify_one();
    if (own != nullptr) own->run();
  });
  made.wait(false);
  if (!loop) {
    thread.thread.join();
    return fail(loop.error());
  }
  thread.loop = std::move(*loop);
  return thread.loop.get();
}

void ThreadHost::retire(unsigned index) {
  Thread& thread = threads_[index];
  if (!thread.loop) return;
  thread.loop->stop();
  thread.thread.join();
  thread.loop.reset();
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

void ThreadHost::join() {
  for (unsigned i = 0; i < threads_.size(); ++i) retire(i);
}

}  // namespace weir

#include "io/offload.h"

#include <signal.h>

#include <algorithm>
#include <system_error>

namespace weir {

/// Belongs to the loop that waits and to the thread that works.
struct Offload::Job {
  Work work;
  Wait* wait = nullptr;  // touched on the loop only; null once nobody waits
  std::mutex mutex;      // of the two below
  Loop* loop = nullptr;  // null once nobody waits: the loop may be gone
  bool told = false;     // that it is done
};

struct Offload::Wait : Operation {
  Wait(Offload& to, Loop& on, Work what) : offload(to), loop(on), job(std::make_shared<Job>()) {
    job->work = std::move(what);
    job->wait = this;
    job->loop = &on;
  }

  bool start() {
    if (loop.engine() == "sim") {
      job->work();
      return true;
    }
    if (!offload.add(job)) {
      result = fail(ErrorCode::overloaded, Origin::weir, "too much slow work waits");
      return true;
    }
    pend(offload);
    return false;
  }

  Offload& offload;
  Loop& loop;
  std::shared_ptr<Job> job;
  Status result{};
};

Offload::~Offload() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& each : threads_) each.join();
}

Task<Status> Offload::wait_for(Loop& loop, Work work, StopToken stop) {
  OperationAwaiter<Wait> wait(stop, *this, loop, std::move(work));
  co_return co_await wait;
}

bool Offload::add(const std::shared_ptr<Job>& job) {
  {
    std::lock_guard lock(mutex_);
    bool starts = idle_ <= waiting_.size() && threads_.size() < limits_.threads;
    // A thread that is free or starts takes one more than may wait.
    std::size_t taken = idle_ + (starts ? 1 : 0);
    if (waiting_.size() >= limits_.waiting + taken) return false;
    if (starts) start_thread();
    if (threads_.empty()) return false;
    waiting_.push_back(job);
  }
  changed_.notify_one();
  return true;
}

// The system may have no thread left; those that there are go on.
void Offload::start_thread() {
  try {
    threads_.emplace_back([this] { serve(); });
    ++idle_;
  } catch (const std::system_error&) {
  }
}

// What is done beats this: the loop has it in its queue already.
void Offload::cancel(Operation& operation, const Error& why) {
  auto& wait = static_cast<Wait&>(operation);
  {
    std::lock_guard lock(wait.job->mutex);
    if (wait.job->told) return;
    wait.job->loop = nullptr;
  }
  wait.job->wait = nullptr;
  {
    std::lock_guard lock(mutex_);
    std::erase(waiting_, wait.job);
  }
  wait.result = fail(why);
  wait.loop.complete_soon(wait);
}

// A thread counts as idle from its start until it takes something.
void Offload::serve() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the control thread's
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    std::shared_ptr<Job> job = std::move(waiting_.front());
    waiting_.pop_front();
    --idle_;
    lock.unlock();
    job->work();
    job->work = nullptr;
    {
      std::lock_guard telling(job->mutex);
      job->told = true;
      if (job->loop != nullptr) {
        job->loop->post([job] { job->wait->complete(); });
      }
    }
    job.reset();
    lock.lock();
    ++idle_;
  }
}

}  // namespace weir

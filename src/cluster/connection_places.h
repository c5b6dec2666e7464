// ConnectionPlaces: the connections to one endpoint, or to all of a cluster, over all workers,
// where their number is limited.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "cluster/endpoint_limits.h"
#include "core/list.h"
#include "core/result.h"
#include "core/task.h"
#include "io/loop.h"

namespace weir {

/// Each connection has a place from before it is opened until it is closed, idle or not. Whoever
/// finds none waits, first come, first served; then those who keep idle connections are asked to
/// close one. Touched only where there is a limit, and only when a connection is opened or closed.
class ConnectionPlaces final : private Cancellable,
                               public std::enable_shared_from_this<ConnectionPlaces> {
 public:
  /// Held by what holds the connection, on whatever thread. Null where nothing is limited.
  using Place = std::shared_ptr<const void>;

  /// Somebody on `loop` who may have idle connections to the endpoint, and is asked for one by
  /// `spare`, on that loop. It may be called once more after the keeper has gone.
  class Keeper : private Link {
   public:
    Keeper(std::shared_ptr<ConnectionPlaces> places, Loop& loop, std::function<void()> spare);
    ~Keeper();

   private:
    friend class ConnectionPlaces;
    std::shared_ptr<ConnectionPlaces> places_;
    Loop& loop_;
    std::function<void()> spare_;
  };

  /// Waits for one if there is none. Errors: queue_full, queue_timeout, and why it was stopped.
  Task<Result<Place>> take(Loop& loop, EndpointLimits limits, StopToken stop);

  std::uint32_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  /// There was one at least.
  bool used() const { return used_.load(std::memory_order_relaxed); }
  /// Connections that are open or are being opened.
  std::uint32_t open() const { return open_.load(std::memory_order_relaxed); }

 private:
  struct Wait : Operation {
    Wait(ConnectionPlaces& of, Loop& on, const EndpointLimits& most)
        : places(of), loop(on), limits(most) {
      link.wait = this;
    }
    bool start() { return places.start(*this); }

    struct Linked : Link {
      Wait* wait = nullptr;
    };
    ConnectionPlaces& places;
    Loop& loop;
    const EndpointLimits& limits;
    Linked link;
    Result<Place> result{};
  };

  void cancel(Operation& operation, const Error& why) override;
  bool start(Wait& wait);
  void serve();
  Place make();
  void ended();

  std::mutex mutex_;  // guards all but the reading of these
  std::atomic<bool> used_{false};
  std::atomic<std::uint32_t> open_{0};
  std::atomic<std::uint32_t> waiting_{0};
  Link waits_;  // in the order in which they came
  Link keepers_;
};

}  // namespace weir

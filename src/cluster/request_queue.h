// RequestQueue: requests that wait until an endpoint of a cluster may take one more.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "cluster/endpoint_set.h"
#include "io/loop.h"

namespace weir {

/// One per cluster, for all workers: first come, first served, but for requests that cannot use
/// what has become free. Whoever ends a request hands its place on; nobody who comes later gets
/// between. Touched only in clusters that have limits.
class RequestQueue final : private Cancellable {
 public:
  /// Who waits, in the frame of whoever waits. The result is an endpoint on which the request has
  /// a place: `Endpoint::in_flight` counts it already. Errors: queue_full, and why it was stopped.
  class Wait : public Operation {
   public:
    Wait(RequestQueue& queue, Loop& loop, const Subset* subset, std::vector<const Endpoint*> tried,
         std::uint64_t epoch, std::uint32_t most)
        : queue_(queue),
          loop_(loop),
          subset_(subset),
          tried_(std::move(tried)),
          epoch_(epoch),
          most_(most) {}
    bool start() { return queue_.start(*this); }

    Result<std::shared_ptr<Endpoint>> result{};

   private:
    friend class RequestQueue;
    struct Place : Link {
      Wait* wait = nullptr;
    };
    bool suits(const EndpointSet& set, std::uint32_t index) const;

    RequestQueue& queue_;
    Loop& loop_;
    const Subset* subset_;
    std::vector<const Endpoint*> tried_;
    std::uint64_t epoch_;
    std::uint32_t most_;
    Place place_;
  };

  /// Requests that wait. Whoever comes while there are any waits behind them.
  std::uint32_t waiting() const { return waiting_.load(std::memory_order_seq_cst); }
  /// Changes whenever a place becomes free. Read before looking for one, and given to Wait: so that
  /// none is missed that becomes free between the two.
  std::uint64_t epoch() const { return epoch_.load(std::memory_order_seq_cst); }

  /// What is picked from now on, and how many requests an endpoint may have.
  void use(std::shared_ptr<const EndpointSet> set, std::uint32_t max_requests);
  /// A request on `endpoint` has ended: somebody who waits may have its place. Any thread.
  void ended(Endpoint& endpoint);
  /// Endpoints may have become available, or the limits larger. Any thread.
  void look_again();

 private:
  void cancel(Operation& operation, const Error& why) override;
  bool start(Wait& wait);
  bool serve(std::uint32_t index);
  void serve_all();
  void grant(Wait& wait, std::shared_ptr<Endpoint> endpoint);

  std::atomic<std::uint32_t> waiting_{0};
  std::atomic<std::uint64_t> epoch_{0};
  std::mutex mutex_;
  Link places_;  // in the order in which they came
  std::shared_ptr<const EndpointSet> set_ = std::make_shared<EndpointSet>();
  std::uint32_t max_requests_ = 0;
};

}  // namespace weir

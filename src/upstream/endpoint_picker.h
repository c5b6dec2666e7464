// EndpointPicker: at which endpoint each attempt of a request is made.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "upstream/attempt.h"

namespace weir {

/// By the balancer, the client's cookie, what was tried, and how much each endpoint may have. Lives
/// in the frame that sends the request.
class EndpointPicker {
 public:
  EndpointPicker(Exchange& exchange, Pool& pool, const UpstreamOptions& options);

  /// One that was not tried yet. `again`: one that was tried, if all were. Where endpoints have
  /// limits, it counts the request already. Nothing: see `none` and `full`.
  std::optional<PickedEndpoint> pick(bool again);
  /// It is not used after all.
  void put_back(const PickedEndpoint& at);
  /// There are endpoints, but each has as many requests as it may: `wait` may do.
  bool full() const { return full_; }
  /// Waits for its turn, then the same as `pick`. Errors: queue_full, queue_timeout, and why the
  /// exchange stopped.
  Task<Result<PickedEndpoint>> wait();
  /// Why there is none at all.
  Error none();

  std::size_t tried() const { return tried_count_; }
  /// The last one counts as not tried.
  void forget_last() {
    if (tried_count_ > 0) --tried_count_;
  }
  /// The endpoint of this index answered: with sticky sessions the client is to come back to it.
  void answered(std::uint32_t index, Response& response);

 private:
  static constexpr std::size_t kMaxTried = 16;

  std::optional<std::uint32_t> pick(const EndpointSet& set, bool again);
  std::optional<std::uint32_t> pick_limited(const EndpointSet& set, bool again);
  std::optional<std::uint32_t> home(const EndpointSet& set) const;
  std::vector<const Endpoint*> tried(const EndpointSet& set) const;
  PickedEndpoint take(std::shared_ptr<Endpoint> endpoint, std::uint32_t index);
  Error why_not(const Error& error);

  Exchange& exchange_;
  Pool& pool_;
  const UpstreamOptions& options_;
  std::optional<std::uint64_t> hash_;  // of the balancer's key
  std::optional<Alias> brought_;       // by the client: of the endpoint that it is with
  std::optional<std::uint32_t> home_;  // where that is, if it is available
  bool full_ = false;
  std::uint64_t epoch_ = 0;  // of the queue, before the pick
  std::size_t tried_count_ = 0;
  std::array<std::uint32_t, kMaxTried> tried_;
};

}  // namespace weir

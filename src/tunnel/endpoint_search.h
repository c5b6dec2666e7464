// EndpointSearch: picks endpoints for what is not HTTP, each of them once.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "core/task.h"
#include "io/loop.h"
#include "tunnel/endpoint_lease.h"

namespace weir {

/// One search for one client. What it names outlives it.
class EndpointSearch {
 public:
  EndpointSearch(Loop& loop, const TunnelUpstream& upstream, const IpAddress& client)
      : loop_(loop), upstream_(upstream), client_(client) {}

  /// Not this one, as if it had been tried. It is compared, nothing else: it may be gone.
  void avoid(const Endpoint* endpoint) { avoided_ = endpoint; }

  /// This one, if it can be had.
  void prefer(std::shared_ptr<Endpoint> endpoint) { preferred_ = std::move(endpoint); }

  /// `again`: an endpoint was tried before. Errors: `no_endpoint` when there is none left that has
  /// room, and those of Admission::ask.
  Result<EndpointLease> next(bool again);

  /// The same, but waits where every endpoint has as many as it may. Also `queue_full` and
  /// `queue_timeout`.
  Task<Result<EndpointLease>> next_in_turn(bool again, StopToken stop);

 private:
  static constexpr std::size_t kMaxTried = 16;
  void look();
  void exclude_avoided();
  std::optional<std::uint32_t> pick();
  Result<Admission> ask(bool again);
  EndpointLease lease(std::shared_ptr<Endpoint> endpoint, Admission admission);
  Task<Result<std::shared_ptr<Endpoint>>> wait(std::uint64_t epoch, StopToken stop);
  std::optional<std::uint32_t> preferred() const;

  Loop& loop_;
  const TunnelUpstream& upstream_;
  IpAddress client_;
  const Endpoint* avoided_ = nullptr;
  std::shared_ptr<Endpoint> preferred_;
  std::shared_ptr<const EndpointSet> set_;
  std::size_t tried_count_ = 0;
  std::array<std::uint32_t, kMaxTried> tried_{};
};

}  // namespace weir

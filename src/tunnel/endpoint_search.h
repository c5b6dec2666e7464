// EndpointSearch: picks endpoints for what is not HTTP, each of them once.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

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

  /// `again`: an endpoint was tried before. Errors: `no_endpoint` when there is none left, and
  /// those of Admission::ask.
  Result<EndpointLease> next(bool again);

 private:
  static constexpr std::size_t kMaxTried = 16;
  void exclude_avoided();
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

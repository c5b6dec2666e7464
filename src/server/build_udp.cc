#include "server/build_udp.h"

namespace weir {
namespace {

constexpr std::uint32_t kQuicAmplification = 3;  // RFC 9000, 8.1

std::unique_ptr<ListenerPlan> listener(const UdpConfig& config, TunnelUpstreams& upstreams) {
  auto plan = std::make_unique<ListenerPlan>();
  plan->kind = ListenerKind::udp;
  plan->name = config.label();
  plan->address = to_address(*config.address);
  plan->position = config.address.position;
  plan->max_connections = config.limits.max_sessions;
  plan->max_connections_per_client = config.limits.max_sessions_per_client.value_or(0);
  auto udp = std::make_shared<UdpPlan>();
  udp->upstream = upstreams.get(*config.upstream);
  udp->idle_timeout = config.idle_timeout;
  udp->replies = config.replies.value_or(0);
  udp->amplification = config.amplification.value_or(config.quic ? kQuicAmplification : 0);
  udp->quic = config.quic;
  plan->udp = std::move(udp);
  return plan;
}

}  // namespace

void build_udp_listeners(Snapshot& snapshot, TunnelUpstreams& upstreams) {
  for (const UdpConfig& config : snapshot.config.udp) {
    snapshot.listeners.push_back(listener(config, upstreams));
  }
}

}  // namespace weir

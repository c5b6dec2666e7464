#include "tunnel/endpoint_connect.h"

#include <vector>

#include "cluster/connect.h"
#include "cluster/endpoint_view.h"
#include "core/hash.h"

namespace weir {
namespace {

constexpr std::size_t kMaxTried = 16;

/// The endpoints that a tunnel has tried.
class Search {
 public:
  Search(Loop& loop, const TunnelUpstream& upstream, const TunnelClient& client)
      : loop_(loop), upstream_(upstream), client_(client) {}

  /// Errors: `no_endpoint` when there is none left, and those of Admission::ask.
  Result<EndpointLease> next(bool again);

 private:
  Loop& loop_;
  const TunnelUpstream& upstream_;
  const TunnelClient& client_;
  std::shared_ptr<const EndpointSet> set_;
  std::size_t tried_count_ = 0;
  std::array<std::uint32_t, kMaxTried> tried_{};
};

// The address is written as HTTP's `client_ip` is, so that both give a client the same endpoint.
std::uint64_t hash_of(const Address& client) {
  char text[46];
  return stable_hash({text, client.ip().write(text)});
}

Result<EndpointLease> Search::next(bool again) {
  Cluster& cluster = *upstream_.cluster;
  EndpointView& view = EndpointView::of(loop_, cluster);
  if (const auto& current = view.endpoints(cluster); current != set_) {
    set_ = current;  // indices mean something else from now on
    tried_count_ = 0;
  }
  PickFacts facts{.random = loop_.random(),
                  .cursor = view.cursor(),
                  .excluded = std::span(tried_.data(), tried_count_),
                  .now = loop_.now()};
  if (goes_by_key(upstream_.balance.algorithm)) facts.hash = hash_of(client_.source);
  if (upstream_.balance.max_load > 0) {
    facts.in_flight = cluster.in_flight.load(std::memory_order_relaxed);
  }
  std::optional<std::uint32_t> index = set_->pick(facts);
  if (!index) return fail(ErrorCode::no_endpoint, Origin::upstream, "no endpoint is available");
  Result<Admission> admission =
      Admission::ask(cluster.admission(), upstream_.admission, again, loop_.now());
  if (!admission) return fail(admission.error());
  if (tried_count_ < kMaxTried) tried_[tried_count_++] = *index;
  return EndpointLease(upstream_, set_->endpoints[*index], std::move(*admission));
}

std::string proxy_header(const TunnelUpstream& upstream, const TunnelClient& client) {
  if (!upstream.proxy_protocol) return {};
  std::vector<ProxyTlv> tlvs;
  if (!client.alpn.empty()) tlvs.push_back({ProxyTlv::alpn, client.alpn});
  if (!client.server_name.empty()) tlvs.push_back({ProxyTlv::authority, client.server_name});
  return write_proxy_header(*upstream.proxy_protocol, client.source, client.destination, tlvs);
}

}  // namespace

Task<Result<TunnelConnection>> connect_endpoint(Loop& loop, const TunnelUpstream& upstream,
                                                const TunnelClient& client, StopToken stop,
                                                std::uint32_t& attempts) {
  Search search(loop, upstream, client);
  Error last;
  for (std::uint32_t tried = 0; tried < upstream.attempts; ++tried) {
    Result<EndpointLease> lease = search.next(tried > 0);
    if (!lease && tried > 0) break;  // the endpoint that failed says more
    if (!lease) co_return fail(lease.error());
    Result<Admission::Waiting> waiting = lease->wait();
    if (!waiting) co_return fail(waiting.error());
    ++attempts;
    Endpoint& endpoint = lease->endpoint();
    TimePoint began = loop.now();
    ConnectPlan to(endpoint, upstream.tls, upstream.connect_timeout);
    to.proxy_header = proxy_header(upstream, client);
    to.alpn = client.alpn;
    Result<std::unique_ptr<Stream>> stream = co_await connect(loop, std::move(to), stop);
    if (stop.stopped() && !stream) co_return fail(stop.reason());
    lease->tell(upstream, stream.has_value(), loop.now() - began, loop.now());
    if (stream) co_return TunnelConnection{std::move(*stream), std::move(*lease)};
    last = stream.error();
  }
  co_return fail(last);
}

}  // namespace weir

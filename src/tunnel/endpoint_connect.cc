#include "tunnel/endpoint_connect.h"

#include <vector>

#include "cluster/connect.h"
#include "io/deadline.h"
#include "tunnel/endpoint_search.h"

namespace weir {
namespace {

constexpr Duration kConnectTimeout = std::chrono::seconds(5);  // as upstreams have it by default

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
  EndpointSearch search(loop, upstream, client.source.ip());
  Error last;
  for (std::uint32_t tried = 0; tried < upstream.attempts; ++tried) {
    Result<EndpointLease> lease = co_await search.next_in_turn(tried > 0, stop);
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
    if (client.keep_source) to.source = client.source.ip();
    to.limits = upstream.limits;
    Result<Connected> made = co_await connect(loop, std::move(to), stop);
    if (stop.stopped() && !made) co_return fail(stop.reason());
    last = made ? Error() : made.error();
    if (last.origin == Origin::weir && !made) continue;  // no place: the endpoint may be well
    lease->tell(upstream, made.has_value(), loop.now() - began, loop.now());
    if (!made) continue;
    if (made->place) lease->take(std::move(made->place));
    co_return TunnelConnection{std::move(*lease), std::move(made->stream)};
  }
  co_return fail(last);
}

Task<Result<TunnelConnection>> connect_destination(Loop& loop, const TunnelClient& client,
                                                   StopToken stop) {
  Deadline patience(loop, kConnectTimeout, stop);
  ConnectOptions options;
  if (client.keep_source) options.source = client.source.ip();
  auto stream = co_await loop.connect(client.destination, patience.token(), options);
  if (stream) co_return TunnelConnection{{}, std::move(*stream)};
  if (stop.stopped()) co_return fail(stop.reason());
  bool late = stream.error().code == ErrorCode::timeout;
  Error error =
      late ? Error(ErrorCode::connect_timeout, Origin::upstream, "connect") : stream.error();
  co_return fail(error.with(Origin::upstream));
}

}  // namespace weir

#include "upstream/dial.h"

#include <utility>

#include "cluster/connect.h"

namespace weir {

Task<Result<Dialled>> dial(Loop& loop, Dial to, StopToken stop) {
  ConnectPlan plan(to.endpoint, to.tls, to.timeout);
  plan.address = to.address;
  plan.other = to.other;
  plan.host = std::move(to.host);
  plan.proxy_header = std::move(to.proxy_header);
  // A profile may offer HTTP/2 as well.
  if (to.protocol == UpstreamProtocol::http1) plan.alpn = "http/1.1";
  plan.limits = to.limits;
  Result<Connected> made = co_await connect(loop, std::move(plan), stop);
  if (!made) co_return fail(made.error());
  bool http2 = to.protocol == UpstreamProtocol::http2;
  if (to.tls) {
    bool agreed = made->stream->tls()->alpn == "h2";
    if (http2 && !agreed) {
      co_return fail(ErrorCode::unsupported, Origin::upstream,
                     "the origin did not agree on HTTP/2 (ALPN)", Retry::always);
    }
    http2 = agreed;
  }
  co_return Dialled{std::move(made->stream), http2, std::move(made->place)};
}

}  // namespace weir

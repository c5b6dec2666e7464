#include "upstream/fetch.h"

#include <utility>

#include "io/deadline.h"

namespace weir {
namespace {

Task<Result<Fetched>> collect(Response& response, std::size_t most) {
  Fetched fetched{response.status, {}};
  while (response.body != nullptr) {
    Result<Slice> piece = co_await response.body->read();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) break;
    if (fetched.body.size() + piece->size() > most) {
      co_return fail(ErrorCode::body_too_large, Origin::upstream, "larger than expected");
    }
    fetched.body += piece->view();
  }
  co_return fetched;
}

}  // namespace

Task<Result<Fetched>> fetch(Loop& loop, const Upstream& upstream, FetchRequest request,
                            FetchLimits limits, StopToken stop) {
  Deadline deadline(loop, limits.time, stop);
  ConnectionFacts nobody;
  auto exchange = std::make_unique<Exchange>(loop, nobody, deadline.token());
  Request& own = exchange->request();
  bool post = !request.body.empty();
  own.method = post ? Method::post : Method::get;
  own.method_text = post ? "POST" : "GET";
  own.headers.set(HeaderId::host, request.host);
  if (post) own.headers.set(HeaderId::content_type, request.content_type);
  for (const auto& [name, value] : request.fields) own.headers.set(name, value);
  if (post) own.body = exchange->own<MemoryBody>(Slice::unowned(request.body));
  UpstreamRequest sent{
      {own.method, own.method_text, request.target, &own.headers, own.body, {}, false},
      &own.headers,
      false};
  Result<Response> response = co_await upstream.send(*exchange, sent, upstream.options());
  Result<Fetched> fetched = fail(ErrorCode::internal, Origin::weir);
  if (response) {
    fetched = co_await collect(*response, limits.body_bytes);
  } else {
    fetched = fail(response.error());
  }
  co_await exchange->finish();
  co_return fetched;
}

}  // namespace weir

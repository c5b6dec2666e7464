#include "middleware/forward_auth.h"

#include <fmt/format.h>

#include "http/derived_exchange.h"
#include "http/error_response.h"
#include "http/grpc.h"
#include "http/h1/framing.h"
#include "http/owned_fields.h"
#include "http/trace.h"

namespace weir {
namespace {

constexpr std::size_t kMostDropped = 64 * 1024;  // of a good answer; above, its connection closes

// Of the body that does not come along, of what the client has already of another resource, and of
// the client's own claims.
constexpr HeaderSet kNotAsked(HeaderId::content_length, HeaderId::content_type,
                              HeaderId::content_encoding, HeaderId::content_range, HeaderId::expect,
                              HeaderId::range, HeaderId::if_range, HeaderId::if_match,
                              HeaderId::if_none_match, HeaderId::if_modified_since,
                              HeaderId::if_unmodified_since, HeaderId::trailer, HeaderId::forwarded,
                              HeaderId::x_forwarded_for, HeaderId::x_forwarded_host,
                              HeaderId::x_forwarded_port, HeaderId::x_forwarded_proto,
                              HeaderId::x_real_ip, HeaderId::accept_encoding);

bool is_not_asked(const Header& field) {
  if (field.id() != HeaderId::unknown) return kNotAsked.has(field.id());
  return istarts_with(field.name(), "x-forwarded-") || field.name().find('_') != std::string::npos;
}

std::string_view uri_of(const Target& target) {
  return target.form == TargetForm::authority ? target.authority.text : target.path_query;
}

void describe(Exchange& exchange, Headers& to) {
  const Request& request = exchange.request();
  Arena& arena = to.arena();
  h1::remove_hop_by_hop(to);
  to.remove_if(is_not_asked);
  if (exchange.client_ip() != IpAddress()) {
    to.add(HeaderId::x_forwarded_for, arena.copy(exchange.client_ip().text()));
  }
  to.add(HeaderId::x_forwarded_proto, request.scheme);
  if (!request.authority.text.empty()) {
    to.add(HeaderId::x_forwarded_host, request.authority.text);
  }
  to.add("X-Forwarded-Method", request.method_text);
  to.add("X-Forwarded-Uri", uri_of(request.target));
  to.set(HeaderId::x_request_id, exchange.request_id());
}

Task<Result<std::string>> collect(Response& answer, std::size_t most) {
  std::string body;
  while (answer.body != nullptr) {
    Result<Slice> piece = co_await answer.body->read();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) break;
    if (body.size() + piece->size() > most) {
      co_return fail(ErrorCode::body_too_large, Origin::upstream, "larger than expected");
    }
    body += piece->view();
  }
  co_return body;
}

// The question ends before the exchange that it is part of, so both have one trace.
TraceSpan* begin_span(Exchange& exchange, Exchange& question) {
  TraceSpan* whole = exchange.span();
  if (whole == nullptr) return nullptr;
  TraceSpan* span = whole->trace->begin_span(*whole, SpanKind::internal, "forward_auth");
  question.set_span(span != nullptr ? span : whole);
  return span;
}

bool is_good(std::uint16_t status) { return status >= 200 && status < 300; }

// A call of gRPC gets its own kind of refusal.
Response denial(Exchange& exchange, const Response& answer, std::string_view body) {
  exchange.outcome().error = Error(ErrorCode::auth_denied, Origin::client, "by the auth upstream");
  if (grpc::is_call(exchange.request())) {
    return error_response(exchange, answer.status, name(ErrorCode::auth_denied),
                          "The request was refused.");
  }
  Response response(exchange.arena());
  response.status = answer.status;
  response.headers = answer.headers.clone(exchange.arena());
  response.headers.remove(HeaderId::server);
  response.headers.remove("X-Powered-By");
  response.body = exchange.own<MemoryBody>(Slice::unowned(exchange.arena().copy(body)));
  return response;
}

}  // namespace

std::optional<config::Problem> check_auth_target(std::string_view text) {
  Arena arena;
  if (text.starts_with('/') && parse_target(text, TargetRule::ordinary, arena)) return std::nullopt;
  return config::Problem{config::Code::bad_text, fmt::format("\"{}\" is no path", text),
                         "write it like /verify"};
}

ForwardAuthMiddleware::ForwardAuthMiddleware(const ForwardAuthConfig& config,
                                             const BuildParts& parts)
    : upstream_(parts.upstreams.find(*config.upstream)->second),
      target_(config.target),
      copy_(config.copy),
      timeout_(config.timeout) {}

Task<Result<Response>> ForwardAuthMiddleware::handle(Exchange& exchange, Next next) const {
  clear_owned(exchange.request().headers, copy_);
  auto question = std::make_unique<DerivedExchange>(exchange, timeout_, exchange.stop());
  TraceSpan* span = begin_span(exchange, **question);
  Result<std::optional<Response>> denied = co_await ask(exchange, *question);
  co_await (*question)->finish();
  question.reset();
  if (span != nullptr) span->ended = exchange.loop().now();
  if (exchange.stop().stopped()) co_return fail(exchange.stop().reason());
  if (!denied) co_return fail(ErrorCode::auth_unavailable, Origin::weir, "no good answer");
  if (*denied) co_return std::move(**denied);
  co_return co_await next(exchange);
}

/// What the client gets, or nothing if the request may go on.
Task<Result<std::optional<Response>>> ForwardAuthMiddleware::ask(Exchange& exchange,
                                                                 DerivedExchange& question) const {
  Headers& headers = question->request().headers;
  describe(exchange, headers);
  UpstreamRequest sent{
      {Method::get, "GET", target_, &headers, nullptr, {}, false}, &headers, true, {}};
  Result<Response> answer = co_await upstream_->send(*question, sent, upstream_->options());
  if (!answer) co_return fail(answer.error());
  if (answer->status < 200) co_return fail(ErrorCode::bad_gateway, Origin::upstream, "no answer");
  bool good = is_good(answer->status);
  Result<std::string> body = co_await collect(*answer, good ? kMostDropped : kMostBytes);
  if (good) {
    take(*answer, exchange.request());
    co_return std::nullopt;
  }
  if (!body) co_return fail(body.error());
  co_return denial(exchange, *answer, *body);
}

void ForwardAuthMiddleware::take(const Response& answer, Request& request) const {
  Arena& arena = request.headers.arena();
  for (const std::string& name : copy_) {
    answer.headers.for_each(
        name, [&](std::string_view value) { request.headers.add(name, arena.copy(value)); });
  }
}

}  // namespace weir

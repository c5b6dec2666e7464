#include "middleware/grpc_web.h"

#include "core/base64.h"
#include "http/error_response.h"
#include "http/grpc.h"

namespace weir {
namespace {

constexpr std::string_view kWeb = "application/grpc-web";
constexpr std::string_view kText = "application/grpc-web-text";

/// What follows `prefix` in a Content-Type: nothing, `+proto`, `;...`.
std::optional<std::string_view> after(std::string_view type, std::string_view prefix) {
  if (!istarts_with(type, prefix)) return std::nullopt;
  std::string_view rest = type.substr(prefix.size());
  if (!rest.empty() && rest[0] != '+' && rest[0] != ';' && rest[0] != ' ') return std::nullopt;
  return rest;
}

/// The request's messages out of their base64.
class DecodedBody final : public Body {
 public:
  explicit DecodedBody(Body& text) : text_(text) {}

  Task<Result<Slice>> read() override {
    while (true) {
      Result<Slice> piece = co_await text_.read();
      if (!piece) co_return piece;
      if (piece->empty()) {
        if (decoder_.complete()) co_return Slice();
        co_return fail(ErrorCode::truncated, Origin::client, "base64 ends in the middle");
      }
      Result<Slice> messages = decoder_.decode(piece->view());
      if (!messages || !messages->empty()) co_return messages;
    }
  }
  std::optional<Slice> try_read() override { return std::nullopt; }
  std::optional<std::uint64_t> length() const override { return std::nullopt; }

 private:
  Body& text_;
  Base64Decoder decoder_;
};

/// The response's messages and then its trailers as one message more.
class WebBody final : public Body {
 public:
  WebBody(Body& origin, bool text) : origin_(origin), text_(text) {}

  Task<Result<Slice>> read() override {
    if (ended_) co_return Slice();
    Result<Slice> piece = co_await origin_.read();
    if (!piece) co_return piece;
    co_return wrap(std::move(*piece));
  }
  std::optional<Slice> try_read() override {
    if (ended_) return Slice();
    std::optional<Slice> piece = origin_.try_read();
    if (!piece) return std::nullopt;
    return wrap(std::move(*piece));
  }
  std::optional<std::uint64_t> length() const override { return std::nullopt; }

 private:
  Slice wrap(Slice piece) {
    if (piece.empty()) {
      ended_ = true;
      piece = trailer_message();
    }
    return text_ ? base64_encode(piece.view()) : std::move(piece);
  }

  Slice trailer_message() const {
    std::string lines;
    if (const Headers* trailers = origin_.trailers()) {
      for (const Header& each : *trailers) {
        std::string name(each.name());
        for (char& c : name) c = ascii_lower(c);
        lines.append(name).append(": ").append(each.value()).append("\r\n");
      }
    } else {
      lines = "grpc-status: 2\r\ngrpc-message: the call ended without a status\r\n";
    }
    auto size = static_cast<std::uint32_t>(lines.size());
    std::string message = "\x80";
    for (int shift = 24; shift >= 0; shift -= 8) message += static_cast<char>(size >> shift);
    return copy_slice(message + lines);
  }

  Body& origin_;
  bool text_;
  bool ended_ = false;
};

Task<Result<Response>> bridge(Exchange& exchange, Next next, std::string_view rest, bool text) {
  Request& request = exchange.request();
  std::string_view asked = request.headers.get(HeaderId::content_type);
  request.headers.set(HeaderId::content_type, exchange.arena().concat({"application/grpc", rest}));
  request.te_trailers = true;
  if (text && request.body != nullptr) request.body = exchange.own<DecodedBody>(*request.body);
  Result<Response> response = co_await next(exchange);
  if (!response) {
    const Error& error = response.error();
    if (error.code == ErrorCode::client_gone || error.code == ErrorCode::cancelled) {
      co_return response;
    }
    exchange.outcome().error = error;
    response = error_response(exchange, error);
  }
  // What is no answer to a call, a redirect to a login say, is for the browser as it is.
  if (!grpc::is_grpc(response->headers.get(HeaderId::content_type))) co_return response;
  response->headers.set(HeaderId::content_type, asked);
  response->announced_length.reset();
  if (response->body != nullptr) response->body = exchange.own<WebBody>(*response->body, text);
  co_return response;
}

}  // namespace

Task<Result<Response>> GrpcWebMiddleware::handle(Exchange& exchange, Next next) const {
  std::string_view type = exchange.request().headers.get(HeaderId::content_type);
  if (auto rest = after(type, kText)) return bridge(exchange, next, *rest, true);
  if (auto rest = after(type, kWeb)) return bridge(exchange, next, *rest, false);
  return next(exchange);
}

}  // namespace weir

#include "middleware/body_limit.h"

#include "http/exchange.h"

namespace weir {
namespace {

Error too_large() {
  return Error(ErrorCode::body_too_large, Origin::client, "more than the route's limit");
}

Task<Result<Response>> refuse() { co_return fail(too_large()); }

/// Counts the bytes of another body.
class LimitedBody final : public Body {
 public:
  LimitedBody(Body& source, std::uint64_t most) : source_(source), left_(most) {}

  Task<Result<Slice>> read() override {
    if (exceeded_) co_return fail(too_large());
    Result<Slice> piece = co_await source_.read();
    if (piece && !count(*piece)) co_return fail(too_large());
    co_return piece;
  }
  std::optional<Slice> try_read() override {
    if (exceeded_) return std::nullopt;
    std::optional<Slice> piece = source_.try_read();
    if (piece && !count(*piece)) return std::nullopt;
    return piece;
  }
  void let_pass() override { source_.let_pass(); }
  std::optional<std::uint64_t> length() const override { return source_.length(); }
  const Headers* trailers() const override { return source_.trailers(); }

 private:
  bool count(const Slice& piece) {
    exceeded_ = piece.size() > left_;
    if (!exceeded_) left_ -= piece.size();
    return !exceeded_;
  }

  Body& source_;
  std::uint64_t left_;
  bool exceeded_ = false;  // for `read` to tell, where `try_read` found it
};

}  // namespace

Task<Result<Response>> BodyLimitMiddleware::handle(Exchange& exchange, Next next) const {
  Body*& body = exchange.request().body;
  if (body == nullptr) return next(exchange);
  std::optional<std::uint64_t> length = body->length();
  if (length && *length > most_) return refuse();
  if (!length) body = exchange.own<LimitedBody>(*body, most_);
  return next(exchange);
}

}  // namespace weir

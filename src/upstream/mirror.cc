#include "upstream/mirror.h"

#include "expression/exchange_facts.h"
#include "expression/header_edits.h"
#include "http/recorded_body.h"
#include "http/trace.h"

namespace weir {
namespace {

constexpr std::string_view kMark = "X-Weir-Mirror";
constexpr std::uint64_t kMostAnswer = 1048576;  // bytes; then the connection is closed instead

Task<Status> drop_answer(Response& response) {
  std::uint64_t dropped = 0;
  while (response.body != nullptr && dropped <= kMostAnswer) {
    Result<Slice> piece = co_await response.body->read();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) break;
    dropped += piece->size();
  }
  co_return Status();
}

void count(MirrorCounters& counters, const Status& outcome) {
  std::atomic<std::uint64_t>& of = outcome                                    ? counters.answered
                                   : outcome.error().code == ErrorCode::limit ? counters.too_large
                                                                              : counters.failed;
  of.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

// --- the scope ---------------------------------------------------------------------------------

const SlotKey& MirrorScope::key() {
  static const SlotKey key;
  return key;
}

MirrorScope& MirrorScope::of(Loop& loop) {
  return loop.slots().get<MirrorScope>(key(), [] { return std::make_unique<MirrorScope>(); });
}

Task<void> MirrorScope::finish(Loop& loop) {
  auto* self = loop.slots().find<MirrorScope>(key());
  if (self == nullptr) co_return;
  self->scope_.stop(Error(ErrorCode::shutting_down, Origin::weir, "the worker ends"));
  co_await self->scope_.join();
}

bool MirrorScope::enter(std::uint64_t bytes) {
  if (running_ >= kMost || bytes > kMostBytes - bytes_) return false;
  ++running_;
  bytes_ += bytes;
  return true;
}

void MirrorScope::leave(std::uint64_t bytes) {
  --running_;
  bytes_ -= bytes;
}

// --- the copies --------------------------------------------------------------------------------

Mirror::Mirror(const MirrorConfig& config, std::shared_ptr<const Upstream> upstream,
               config::Diagnostics& diagnostics)
    : upstream_(std::move(upstream)),
      options_(upstream_->options()),
      percent_(config.percent),
      max_body_(config.max_body.bytes),
      timeout_(config.timeout) {
  options_.retries = {.attempts = 1};
  if (config.when->empty()) return;
  auto compiled = expression::Expression::compile(*config.when, expression::Stage::route);
  if (compiled) {
    when_ = std::move(*compiled);
  } else {
    report(compiled.error(), config.when.position, diagnostics);
  }
}

// A copy has no copy: it may come back to Weir. What becomes a tunnel is no request to be repeated.
bool Mirror::wants(Exchange& exchange) const {
  const Request& request = exchange.request();
  if (!request.upgrade.empty() || request.method == Method::connect) return false;
  if (request.headers.has(HeaderId::unknown) && request.headers.has(kMark)) return false;
  if (when_ && !when_->evaluate(expression::ExchangeFacts(exchange))) return false;
  return exchange.loop().random().unit() * 100 < percent_;
}

// The most bytes that a copy of the body can have; nothing if that is too many.
std::optional<std::uint64_t> Mirror::weigh(const Body* body) const {
  if (body == nullptr) return 0;
  std::uint64_t bytes = body->length().value_or(max_body_);
  if (bytes > max_body_) return std::nullopt;
  return bytes;
}

void Mirror::copy(Exchange& exchange, UpstreamRequest& request) const {
  if (!wants(exchange)) return;
  MirrorCounters& counters = upstream_->cluster()->mirrors;
  Loop& loop = exchange.loop();
  MirrorScope& scope = MirrorScope::of(loop);
  std::optional<std::uint64_t> bytes = weigh(request.message.body);
  if (!bytes || !scope.enter(*bytes)) {
    (bytes ? counters.dropped : counters.too_large).fetch_add(1, std::memory_order_relaxed);
    return;
  }
  auto derived = std::make_unique<DerivedExchange>(exchange, timeout_, scope.scope().token());
  Exchange& copied = **derived;
  Trace::follow(exchange, copied, "mirror");
  UpstreamRequest copy = request;
  copy.message.method_text = copied.request().method_text;
  copy.message.target = copied.arena().copy(request.message.target);
  copy.message.headers = copy.headers = &copied.request().headers;
  copy.deadline = {};  // it has its own
  copy.headers->set(kMark, "1");
  if (Body* body = request.message.body) {
    using Reader = RecordedBody::Reader;
    std::shared_ptr<RecordedBody> record = RecordedBody::of(exchange, *body, max_body_);
    request.message.body = exchange.own<Reader>(record, Reader::Role::leads, exchange.stop());
    copy.message.body = copied.own<Reader>(record, Reader::Role::follows, copied.stop());
  }
  scope.scope().spawn(run(loop, std::move(derived), copy, *bytes));
}

Task<void> Mirror::run(Loop& loop, std::unique_ptr<DerivedExchange> exchange,
                       UpstreamRequest request, std::uint64_t bytes) const {
  co_await loop.yield();  // the request itself goes first
  Result<Response> response = co_await upstream_->send(**exchange, request, options_);
  Status outcome = response ? co_await drop_answer(*response) : fail(response.error());
  count(upstream_->cluster()->mirrors, outcome);
  co_await (*exchange)->finish();  // lets go of the configuration, and so of this object
  MirrorScope::of(loop).leave(bytes);
}

}  // namespace weir

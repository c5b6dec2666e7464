#include "http/trace.h"

namespace weir {
namespace {

constexpr std::string_view kTraceState = "tracestate";
constexpr std::size_t kIdDigits = 32;
constexpr std::size_t kSpanDigits = 16;
constexpr std::uint64_t kDrawnBits = (std::uint64_t{1} << 56) - 1;

std::uint64_t new_span_id(Loop& loop) {
  std::uint64_t id = loop.random().next();
  return id != 0 ? id : 1;
}

// The lower seven bytes decide, and are random: as W3C Trace Context Level 2 has it.
TraceId new_trace_id(Loop& loop) {
  TraceId id{loop.random().next(), loop.random().next()};
  if (id.high == 0) id.high = 1;
  return id;
}

// One field, or the caller has not said what it means.
std::optional<TraceParent> parent_of(const Headers& headers) {
  if (headers.count(HeaderId::traceparent) != 1) return std::nullopt;
  return parse_traceparent(headers.get(HeaderId::traceparent));
}

bool is_fault(ErrorCode code) {
  return code != ErrorCode::none && code != ErrorCode::cancelled && code != ErrorCode::client_gone;
}

}  // namespace

bool is_server_error(const Outcome& outcome) {
  return outcome.status >= 500 ||
         (outcome.error.origin != Origin::client && is_fault(outcome.error.code));
}

Trace& Trace::make(Exchange& exchange, TraceSink& sink, SpanKind kind, std::string_view name) {
  // Not `own`: its spans are asked for when everything that is owned has gone.
  auto* trace =
      new (exchange.arena().allocate(sizeof(Trace), alignof(Trace))) Trace(exchange, sink);
  TraceSpan& root = trace->root_;
  root.trace = trace;
  root.id = new_span_id(exchange.loop());
  root.kind = kind;
  root.name = name;
  root.started = exchange.outcome().started;
  if (root.started == TimePoint()) root.started = exchange.loop().now();
  exchange.set_span(&root);
  exchange.at_end([trace](Exchange&) { trace->finish(); });
  return *trace;
}

void Trace::begin(Exchange& exchange, const TraceRules& rules, TraceSink& sink) {
  Trace& trace = make(exchange, sink, SpanKind::server, {});
  trace.keep_errors_ = rules.keep_errors;
  trace.keep_slow_ = rules.keep_slow;
  Headers& headers = exchange.request().headers;
  std::optional<TraceParent> parent;
  if (headers.has(HeaderId::traceparent)) {
    if (rules.trust_anyone || exchange.peer_trusted()) parent = parent_of(headers);
    headers.remove(HeaderId::traceparent);
  }
  if (parent) {
    trace.id_ = parent->trace;
    trace.root_.parent = parent->span;
    trace.sampled_ = parent->sampled;
    trace.told_ = true;
    trace.state_ = read_tracestate(headers).value_or(std::string_view());
  } else {
    trace.id_ = new_trace_id(exchange.loop());
    trace.draw(rules.share);
  }
  if (headers.has(HeaderId::unknown)) headers.remove(kTraceState);
}

void Trace::follow(Exchange& from, Exchange& derived, std::string_view name) {
  if (from.span() == nullptr) return;
  const Trace& first = *from.span()->trace;
  Trace& trace = make(derived, first.sink_, SpanKind::internal, name);
  trace.id_ = first.id_;
  trace.root_.parent = from.span()->id;
  trace.keep_errors_ = first.keep_errors_;
  trace.sampled_ = first.sampled_;
  trace.told_ = true;
  trace.state_ = derived.arena().copy(first.state_);
}

void Trace::draw(std::uint64_t share) {
  if (!told_) sampled_ = (id_.low & kDrawnBits) < share;
}

std::string_view Trace::id_text() {
  if (id_text_.empty()) {
    char* text = exchange_.arena().allocate(kIdDigits + kSpanDigits);
    write_trace_id(id_, text);
    write_span_id(root_.id, text + kIdDigits);
    id_text_ = {text, kIdDigits + kSpanDigits};
  }
  return id_text_.substr(0, kIdDigits);
}

std::string_view Trace::span_text() {
  id_text();
  return id_text_.substr(kIdDigits);
}

TraceSpan* Trace::begin_span(const TraceSpan& within, SpanKind kind, std::string_view name) {
  if (!recording()) return nullptr;
  if (spans_ == kMostSpans) {
    ++left_out_;
    return nullptr;
  }
  ++spans_;
  auto* span = exchange_.arena().make<TraceSpan>();
  span->trace = this;
  span->id = new_span_id(exchange_.loop());
  span->parent = within.id;
  span->kind = kind;
  span->name = name;
  span->started = exchange_.loop().now();
  last_->next = span;
  last_ = span;
  return span;
}

void Trace::write_fields(const TraceSpan& span, Headers& headers) const {
  char* text = headers.arena().allocate(kTraceParentSize);
  write_traceparent({id_, span.id, sampled_}, text);
  headers.set(HeaderId::traceparent, {text, kTraceParentSize});
  if (!state_.empty()) headers.set(kTraceState, state_);
}

void Trace::finish() {
  root_.ended = exchange_.outcome().ended;
  if (root_.ended == TimePoint()) root_.ended = exchange_.loop().now();
  if (!is_kept()) return;
  for (TraceSpan* span = root_.next; span != nullptr; span = span->next) {
    if (span->ended == TimePoint()) span->ended = root_.ended;
  }
  sink_.trace_ended(*this, exchange_);
}

bool Trace::is_kept() const {
  if (sampled_) return true;
  if (keep_slow_ > Duration::zero() && root_.ended - root_.started >= keep_slow_) return true;
  return keep_errors_ && (is_server_error(exchange_.outcome()) || has_failed_attempt());
}

// A request that another attempt has saved tells of the endpoint all the same; an exchange without
// a client has no other outcome.
bool Trace::has_failed_attempt() const {
  for (const TraceSpan* span = root_.next; span != nullptr; span = span->next) {
    if (span->status >= 500 || is_fault(span->error)) return true;
  }
  return false;
}

}  // namespace weir

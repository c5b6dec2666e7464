// Trace: what is remembered of one request for distributed tracing: its ids, and a span for each
// part of its way. Nothing of it exists when tracing is off.
#pragma once

#include "http/exchange.h"
#include "http/traceparent.h"

namespace weir {

class Trace;

/// As OTLP numbers them.
enum class SpanKind : std::uint8_t { internal = 1, server = 2, client = 3 };

/// One part of a request's way. Lives in the arena of the exchange of its trace, and needs no
/// destructor: it is still there when all else of the exchange has gone.
struct TraceSpan {
  Trace* trace = nullptr;
  TraceSpan* next = nullptr;  // in the order of beginning
  std::uint64_t id = 0;
  std::uint64_t parent = 0;  // 0: the trace begins here
  std::string_view name;     // of internal ones; static
  TimePoint started{};
  TimePoint ended{};
  SpanKind kind = SpanKind::internal;

  // Of an attempt at an endpoint (kind client).
  Version version = Version::http_1_1;
  bool reused = false;  // went over a connection that was there
  ErrorCode error = ErrorCode::none;
  std::uint16_t status = 0;    // 0: no response
  std::uint16_t repeated = 0;  // which attempt of its request it is, from 0
  Peer endpoint;
  Duration connect{-1};   // -1: no connection was made
  Duration response{-1};  // until the response head; -1: there was none
  std::string_view upstream;
};

/// How much is traced, and whose word counts. Part of a configuration.
struct TraceRules {
  std::uint64_t share = 0;    // of traces that begin here, as `trace_share` gives it
  bool keep_errors = false;   // requests that failed are kept, whatever was drawn
  Duration keep_slow{0};      // those that took this long as well; zero: no
  bool trust_anyone = false;  // else the traceparent of trusted proxies alone is continued
};

/// A part of all traces, from 0 to 1: how many of the values that 56 random bits can have.
constexpr std::uint64_t trace_share(double part) {
  return static_cast<std::uint64_t>(part * static_cast<double>(std::uint64_t{1} << 56));
}

/// Takes traces that have ended and are to be kept.
class TraceSink {
 public:
  /// Everything of the trace and of `exchange` but what its scope and steps owned is still there.
  virtual void trace_ended(const Trace& trace, Exchange& exchange) = 0;

 protected:
  ~TraceSink() = default;
};

/// One for each exchange that is traced, in its arena.
class Trace {
 public:
  /// Of an attempt, a retry loop or a misbehaving chain; above, spans are left out.
  static constexpr std::uint16_t kMostSpans = 64;

  /// Continues the trace that the request names, or begins one. Takes both fields out of the
  /// request: each request of its own says what is true for it. `rules` and `sink` outlive the
  /// exchange; neither is needed after `Exchange::finish`.
  static void begin(Exchange& exchange, const TraceRules& rules, TraceSink& sink);
  /// The same trace for an exchange that may outlive the one that it was made from.
  static void follow(Exchange& from, Exchange& derived, std::string_view name);

  TraceId id() const { return id_; }
  /// Of the caller, as one field; empty if there is none.
  std::string_view state() const { return state_; }
  bool sampled() const { return sampled_; }
  /// Spans are made: it is sampled, or may be kept for how it ends.
  bool recording() const { return sampled_ || keep_errors_ || keep_slow_ > Duration::zero(); }
  /// Draws again, with the share of a route, unless a caller has decided.
  void draw(std::uint64_t share);

  const TraceSpan& root() const { return root_; }
  /// Of several exchanges: of this one, and of those that lived inside it.
  std::uint16_t left_out() const { return left_out_; }
  /// The root's 32 and 16 digits, in the exchange's arena.
  std::string_view id_text();
  std::string_view span_text();

  /// A part of what `within` is; null if nobody would see it. It has ended when `ended` is set, or
  /// else with the trace.
  TraceSpan* begin_span(const TraceSpan& within, SpanKind kind, std::string_view name);

  /// For what a span says: it may belong to an exchange that ends before the trace does.
  std::string_view copy(std::string_view text) { return exchange_.arena().copy(text); }

  /// Sets both fields for a request that `span` makes.
  void write_fields(const TraceSpan& span, Headers& headers) const;

 private:
  Trace(Exchange& exchange, TraceSink& sink) : exchange_(exchange), sink_(sink) {}
  static Trace& make(Exchange& exchange, TraceSink& sink, SpanKind kind, std::string_view name);
  void finish();
  bool is_kept() const;
  bool has_failed_attempt() const;

  Exchange& exchange_;
  TraceSink& sink_;
  TraceId id_;
  TraceSpan root_;
  TraceSpan* last_ = &root_;
  Duration keep_slow_{0};
  std::string_view state_;    // of the caller, passed on
  std::string_view id_text_;  // both ids, once they were asked for
  std::uint16_t spans_ = 1;
  std::uint16_t left_out_ = 0;
  bool keep_errors_ = false;
  bool sampled_ = false;
  bool told_ = false;  // by a caller whether it is sampled
};

/// It failed, and not by its client's doing.
bool is_server_error(const Outcome& outcome);

}  // namespace weir

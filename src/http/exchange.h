// Exchange: one request and its response, from the first byte to the last, and all they own.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/arena.h"
#include "core/recycle.h"
#include "core/scope.h"
#include "http/message.h"
#include "io/loop.h"
#include "io/tls/facts.h"

namespace weir {

/// What is known of the connection that an exchange came on. Lives as long as the connection.
struct ConnectionFacts {
  ConnectionFacts() = default;
  ConnectionFacts(const Peer& who, std::string_view at, bool over_tls = false,
                  const TlsFacts* told = nullptr)
      : peer(who), secure(over_tls), listener(at), tls(told) {}

  /// Where the client connected to.
  Address local() const { return stream != nullptr ? stream->local() : Address(); }

  // In the order that takes the least room: every idle connection has them.
  Peer peer;                       // who connected, or whom a PROXY header told of
  bool secure = false;             // TLS ended here
  std::string_view listener;       // the listener's name
  const TlsFacts* tls = nullptr;   // what its handshake told; null in clear
  const Stream* stream = nullptr;  // null: there is no connection
};

/// How an exchange ended; known to whatever registered with `at_end`.
struct Outcome {
  std::uint16_t status = 0;          // sent to the client; 0 if none was
  Error error;                       // code none if nothing went wrong
  std::uint64_t bytes_received = 0;  // body bytes from the client
  std::uint64_t bytes_sent = 0;      // body bytes to the client
  TimePoint started;                 // the head was complete
  TimePoint responded;               // the response head was handed to the socket
  TimePoint ended;
};

/// What the upstream side did, for logs and metrics. Text lives as long as the snapshot.
struct UpstreamFacts {
  std::string_view name;
  Address endpoint;
  std::uint16_t status = 0;
  std::uint16_t attempts = 0;
  bool reused = false;  // the last attempt went over a pooled connection
  Version version = Version::http_1_1;
  Duration connect{-1};   // -1: no connection was made
  Duration response{-1};  // until the response head; -1: there was none
};

/// What a cache did for an exchange, for metrics and logs.
enum class CacheUse : std::uint8_t {
  none,       // there is none on its way
  hit,        // answered from it
  stale,      // the same, although no longer fresh
  renewed,    // answered from it, after the origin had said that nothing has changed
  collapsed,  // got what another had asked the origin for
  miss,       // the origin was asked for the cache
  pass        // went past it
};

inline constexpr std::size_t kCacheUses = 7;

std::string_view name(CacheUse use);

/// Sends an interim response (1xx) to the client at once; set by the session.
class InterimSink {
 public:
  virtual Task<Status> send_interim(const Response& response) = 0;

 protected:
  ~InterimSink() = default;
};

class Exchange;
struct TraceSpan;

/// What an exchange keeps of its service's configuration while it runs.
class ExchangePin {
 public:
  /// `derived` keeps the same, to its own end.
  virtual void share(Exchange& derived) = 0;

 protected:
  ~ExchangePin() = default;
};

class Exchange : public Recycled<Exchange> {
 public:
  Exchange(Loop& loop, const ConnectionFacts& connection, StopToken parent)
      : connection_(connection), loop_(loop), scope_(parent), request_(arena_) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  Loop& loop() { return loop_; }
  Arena& arena() { return arena_; }
  Request& request() { return request_; }
  const Request& request() const { return request_; }
  const ConnectionFacts& connection() const { return connection_; }

  /// Everything that runs beside the handler: upload, attempts, mirrors. Stops when the client
  /// goes away, a limit is reached or the process must end.
  Scope& scope() { return scope_; }
  StopToken stop() { return scope_.token(); }

  /// Runs `f(exchange)` exactly once when the exchange has ended, in reverse order of
  /// registration, with `outcome()` final. `f` is at most a few pointers.
  template <class F>
  void at_end(F f) {
    static_assert(std::is_trivially_destructible_v<F>);
    auto* step = arena_.make<EndStep<F>>(std::move(f));
    step->previous = last_;
    last_ = step;
  }

  /// An object that lives until the end of the exchange, in its arena.
  template <class T, class... Args>
  T* own(Args&&... args) {
    auto* step = arena_.make<Owned<T>>(std::forward<Args>(args)...);
    step->previous = last_;
    last_ = step;
    return &step->object;
  }

  Outcome& outcome() { return outcome_; }
  const Outcome& outcome() const { return outcome_; }
  UpstreamFacts& upstream() { return upstream_; }
  const UpstreamFacts& upstream() const { return upstream_; }

  /// The route that matched; empty before routing.
  std::string_view route() const { return route_; }
  void set_route(std::string_view name) { route_ = name; }

  /// Who the client has proved to be (a user's name); empty if nobody asked. A name that was not
  /// proved never stands here.
  std::string_view identity() const { return identity_; }
  void set_identity(std::string_view name) { identity_ = name; }

  /// The client: the peer, or who a trusted proxy says it is.
  const IpAddress& client_ip() const { return client_ip_; }
  void set_client_ip(const IpAddress& ip) { client_ip_ = ip; }
  /// The peer is a proxy whose forwarding fields are believed.
  bool peer_trusted() const { return peer_trusted_; }
  void set_peer_trusted(bool trusted) { peer_trusted_ = trusted; }

  /// The identifier of this exchange in logs, error pages and X-Request-Id: what a trusted proxy
  /// sent, or 32 hex digits made on first use.
  std::string_view request_id();
  void set_request_id(std::string_view id) { request_id_ = id; }

  /// Status and fields of the response as sent, for logs. Null before the response head.
  const Headers* response_headers() const { return response_headers_; }
  void set_response_headers(const Headers* headers) { response_headers_ = headers; }

  /// Every response over TLS says this instead of whatever it says itself (RFC 6797, 7.1); nothing
  /// if `policy` is empty or the connection is in clear.
  void set_transport_security(Headers& headers, std::string_view policy) {
    if (policy.empty() || !connection_.secure) return;
    headers.set("Strict-Transport-Security", arena_.copy(policy));
  }

  CacheUse cache_use() const { return cache_use_; }
  void set_cache_use(CacheUse use) { cache_use_ = use; }

  /// Null without a service.
  ExchangePin* pin() const { return pin_; }
  void set_pin(ExchangePin* pin) { pin_ = pin; }

  /// What this exchange is in its trace; null if nothing is traced.
  TraceSpan* span() const { return span_; }
  void set_span(TraceSpan* span) { span_ = span; }

  InterimSink* interim_sink = nullptr;

  /// Stops and awaits the scope, then runs what `at_end` registered. Called once, by whoever
  /// made the exchange.
  Task<void> finish();
  /// The same without a coroutine, when nothing runs in the scope.
  void finish_idle();

 private:
  struct Step {
    Step* previous = nullptr;
    void (*run)(Step*, Exchange&) = nullptr;
  };
  template <class F>
  struct EndStep : Step {
    explicit EndStep(F f) : function(std::move(f)) {
      run = [](Step* self, Exchange& exchange) { static_cast<EndStep*>(self)->function(exchange); };
    }
    F function;
  };
  template <class T>
  struct Owned : Step {
    template <class... Args>
    explicit Owned(Args&&... args) : object(std::forward<Args>(args)...) {
      run = [](Step* self, Exchange&) { static_cast<Owned*>(self)->object.~T(); };
    }
    union {
      T object;
    };
    ~Owned() {}
  };
  void unwind();

  const ConnectionFacts& connection_;
  Loop& loop_;
  Arena arena_;
  Scope scope_;
  Request request_;
  Outcome outcome_;
  UpstreamFacts upstream_;
  std::string_view route_;
  std::string_view identity_;
  std::string_view request_id_;
  const Headers* response_headers_ = nullptr;
  IpAddress client_ip_;
  bool peer_trusted_ = false;
  CacheUse cache_use_ = CacheUse::none;
  ExchangePin* pin_ = nullptr;
  TraceSpan* span_ = nullptr;
  Step* last_ = nullptr;
};

}  // namespace weir

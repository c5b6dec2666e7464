// Attempt: one try of a request at one endpoint: its connection, its times, and what came of it.
#pragma once

#include <atomic>
#include <memory>

#include "http/exchange.h"
#include "http/trace.h"
#include "upstream/pool.h"
#include "upstream/upstream.h"

namespace weir {

namespace h2 {
class ClientExchange;
}
namespace fastcgi {
class ClientExchange;
}

/// An endpoint, and its place in the set that it was picked from. Where endpoints have limits it
/// counts the request already.
struct PickedEndpoint {
  std::shared_ptr<Endpoint> endpoint;
  std::uint32_t index = 0;
};

/// What the request and its earlier attempts ask of an attempt.
struct AttemptTerms {
  bool certain = false;      // the request cannot be repeated
  bool fresh_only = false;   // idle connections are not to be trusted
  bool http1 = false;        // the endpoint's HTTP/2 does not serve
  bool replayable = false;   // `body` can be read again by another attempt
  bool cancellable = false;  // it may be stopped while its exchange goes on
  Body* body = nullptr;      // what it reads of the request's body; null if there is none
};

/// `connect` unless `connected`, then `ask`, then one of `succeeded`, `failed` and `lost`. Owned by
/// the exchange, as the connection is on loan until the response has ended. It counts as under way
/// at its endpoint from its making to its failure or to the end of the response.
class Attempt final : public h1::ConnectionHome {
 public:
  /// Takes an idle connection, or a session with room, if there is one.
  Attempt(Exchange& exchange, Pool& pool, PickedEndpoint at, const UpstreamRequest& request,
          const UpstreamOptions& options, AttemptTerms terms, Admission admission);
  ~Attempt() { end(); }

  bool connected() const { return connection_.stream != nullptr || session_; }
  Task<Status> connect();
  /// Sends the request; the connection and its exchange are the exchange's from here on.
  Task<Result<Response>> ask(const UpstreamRequest& request);
  /// What is under way ends soon with `why`. Only if it is cancellable.
  void cancel(const Error& why) { stop_.request(why); }

  /// Takes what is for Weir alone out of the response.
  void succeeded(Response& response);
  void failed(const Error& error);
  /// Its place among what the cluster admits is free for the next attempt of the request.
  void make_way() { admission_.end(); }
  /// Another attempt of the request was faster.
  void lost();
  /// The response is not wanted after all: its connection is used again if it has all come.
  void discard(Response& response);

  /// It failed because an idle connection was not what it seemed; the endpoint may be well.
  bool was_stale(const Error& error) const;
  bool was_sent() const { return sent_; }
  /// Of the endpoint, in the set that it was picked from.
  std::uint32_t index() const { return index_; }
  bool over_http2() const { return version_ == Version::http_2; }

 private:
  void give_back(h1::ClientConnection connection) override;
  void take(const UpstreamRequest& request);
  bool take_session(const UpstreamRequest& request);
  bool over_http1() const { return terms_.http1 || !options_.multiplexes(); }
  void report(AttemptResult result);
  AttemptResult result_of(const Error& error) const;
  StopToken stop() { return terms_.cancellable ? stop_.token() : exchange_.stop(); }
  void limit_time(Duration time);
  Error not_connected(const Error& error);
  void abandon();
  void tell_latency(const Error& error, Duration after);
  void tell(UpstreamFacts& facts) const;
  void begin_span();
  void tell_span(ErrorCode error, std::uint16_t status);
  void end();

  Admission admission_;
  Exchange& exchange_;
  Pool& pool_;
  const UpstreamOptions& options_;
  std::shared_ptr<Endpoint> endpoint_;
  std::uint32_t index_;
  AttemptTerms terms_;
  Version version_ = Version::http_1_1;
  bool reused_ = false;
  bool sent_ = false;
  bool ended_ = false;
  // Whose counts it is part of, beside its endpoint's; null: nobody asks. A tunnel lets go of the
  // configuration, and so of the pool, long before it ends.
  std::shared_ptr<Cluster> counted_;
  bool in_all_ = false;   // of all exchanges under way, for `max_load`
  bool limited_ = false;  // holds a place at an endpoint that has so many and no more
  h1::ClientConnection connection_;
  SessionPool::Session session_;
  StopSource stop_;                      // of a cancellable one
  Timer* limit_ = nullptr;               // per_try_timeout, if there is one
  h1::ClientExchange* http1_ = nullptr;  // over which it was sent
  h2::ClientExchange* http2_ = nullptr;
  fastcgi::ClientExchange* fastcgi_ = nullptr;
  TraceSpan* span_ = nullptr;  // null: of no use to anybody
  TimePoint asked_{};
  Duration connect_{-1};   // -1: no connection was made
  Duration response_{-1};  // until the response head; -1: there was none
};

}  // namespace weir

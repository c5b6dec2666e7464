#include "upstream/attempt.h"

#include "http/fastcgi/client_exchange.h"
#include "http/grpc.h"
#include "http/h2/client_exchange.h"
#include "upstream/dial.h"
#include "upstream/load_report.h"

namespace weir {

Attempt::Attempt(Exchange& exchange, Pool& pool, PickedEndpoint at, const UpstreamRequest& request,
                 const UpstreamOptions& options, AttemptTerms terms, Admission admission)
    : admission_(std::move(admission)),
      exchange_(exchange),
      pool_(pool),
      options_(options),
      endpoint_(std::move(at.endpoint)),
      index_(at.index),
      terms_(terms) {
  in_all_ = options.balance.max_load > 0;
  limited_ = options.limits.any();
  if (in_all_ || limited_) counted_ = pool.shared_cluster();
  if (in_all_) counted_->in_flight.fetch_add(1, std::memory_order_relaxed);
  if (!limited_) endpoint_->in_flight.fetch_add(1, std::memory_order_relaxed);
  endpoint_->requests.fetch_add(1, std::memory_order_relaxed);
  if (terms_.cancellable) stop_.follow(exchange.stop());
  if (options.retries.per_try > Duration::zero()) limit_time(options.retries.per_try);
  if (exchange.span() != nullptr) begin_span();
  take(request);
  reused_ = connected();
}

void Attempt::limit_time(Duration time) {
  struct Limit : Timer {
    explicit Limit(Attempt& of)
        : Timer([](Timer& self) {
            static_cast<Limit&>(self).attempt.cancel(
                Error(ErrorCode::response_timeout, Origin::upstream, "per_try_timeout"));
          }),
          attempt(of) {}
    Attempt& attempt;
  };
  limit_ = exchange_.own<Limit>(*this);
  exchange_.loop().timers().arm(*limit_, exchange_.loop().now() + time);
}

void Attempt::end() {
  if (std::exchange(ended_, true)) return;
  admission_.end();
  if (limited_) {
    counted_->queue().ended(*endpoint_);
  } else {
    endpoint_->in_flight.fetch_sub(1, std::memory_order_relaxed);
  }
  if (in_all_) counted_->in_flight.fetch_sub(1, std::memory_order_relaxed);
  if (span_ != nullptr) span_->ended = exchange_.loop().now();
}

// --- over what ---------------------------------------------------------------------------------

void Attempt::take(const UpstreamRequest& request) {
  if (!over_http1() && take_session(request)) return;
  if (!terms_.fresh_only) {
    connection_ = pool_.take(*endpoint_, index_, terms_.certain, options_.pool);
  }
}

// True if HTTP/2 is to be spoken, over a session that is there or is to be opened.
bool Attempt::take_session(const UpstreamRequest& request) {
  std::shared_ptr<SessionPool> sessions = pool_.sessions(endpoint_, index_, options_.pool.counted);
  bool may_fall_back = options_.protocol == UpstreamProtocol::automatic;
  if (may_fall_back && !request.message.upgrade.empty() && sessions->refuses_upgrades(options_)) {
    terms_.http1 = true;
    return false;
  }
  session_ = sessions->find(options_);
  return session_ || !sessions->speaks_http1(options_);
}

Task<Status> Attempt::connect() {
  Result<Admission::Waiting> waiting = admission_.wait();
  if (!waiting) co_return fail(waiting.error());
  Loop& loop = exchange_.loop();
  TimePoint started = loop.now();
  if (over_http1()) {
    Dial to(*endpoint_, options_);
    to.protocol = UpstreamProtocol::http1;
    if (options_.proxy_protocol) {
      const ConnectionFacts& from = exchange_.connection();
      to.proxy_header =
          write_proxy_header(*options_.proxy_protocol, from.peer.address(), from.local());
    }
    Result<Dialled> made = co_await dial(loop, std::move(to), stop());
    connect_ = loop.now() - started;
    if (!made) co_return fail(not_connected(made.error()));
    connection_.stream = std::move(made->stream);
    connection_.place = std::move(made->place);
  } else {
    std::shared_ptr<SessionPool> sessions =
        pool_.sessions(endpoint_, index_, options_.pool.counted);
    Result<SessionPool::Leased> made = co_await sessions->lease(options_, stop());
    connect_ = loop.now() - started;
    if (!made) co_return fail(not_connected(made.error()));
    session_ = std::move(made->session);
    connection_.stream = std::move(made->stream);
    connection_.place = std::move(made->place);
  }
  if (session_) co_return Status();
  connection_.born = loop.now();
  connection_.uses = 0;
  connection_.tls = options_.tls.get();
  pool_.counters().opened.add();
  co_return Status();
}

// That it waited for one of the connections that the endpoint may have, in vain, is counted.
Error Attempt::not_connected(const Error& error) {
  if (error.code == ErrorCode::queue_full) pool_.counters().queue_full.add();
  if (error.code == ErrorCode::queue_timeout) pool_.counters().queue_timed_out.add();
  return error;
}

Task<Result<Response>> Attempt::ask(const UpstreamRequest& request) {
  if (request.host_of_endpoint) request.headers->set(HeaderId::host, endpoint_->text);
  h1::ClientRequest message = request.message;
  message.body = terms_.body;
  message.replayable = terms_.replayable;
  sent_ = true;
  asked_ = exchange_.loop().now();
  tell_deadline(request.deadline, asked_, *request.headers);
  if (const TraceSpan* span = span_ != nullptr ? span_ : exchange_.span()) {
    span->trace->write_fields(*span, *request.headers);
  }
  if (request.fastcgi != nullptr) {
    fastcgi_ = exchange_.own<fastcgi::ClientExchange>(exchange_, std::move(connection_), *this,
                                                      options_.exchange, stop());
    return fastcgi_->run(message, *request.fastcgi);
  }
  if (!session_) {
    http1_ = exchange_.own<h1::ClientExchange>(exchange_, std::move(connection_), *this,
                                               options_.exchange, stop());
    return http1_->run(message);
  }
  version_ = Version::http_2;
  reused_ = session_->uses() > 0;
  (reused_ ? pool_.counters().reused : pool_.counters().opened).add();
  http2_ = exchange_.own<h2::ClientExchange>(exchange_, *session_, options_.exchange, stop());
  session_ = {};
  return http2_->run(message);
}

void Attempt::give_back(h1::ClientConnection connection) {
  pool_.put(*endpoint_, index_, std::move(connection), options_.pool);
  end();
}

// --- what came of it ---------------------------------------------------------------------------

void Attempt::succeeded(Response& response) {
  if (limit_ != nullptr) exchange_.loop().timers().disarm(*limit_);
  response_ = exchange_.loop().now() - asked_;
  UpstreamFacts& facts = exchange_.upstream();
  tell(facts);
  facts.status = response.status;
  if (span_ != nullptr) tell_span(ErrorCode::none, response.status);
  report(result_of_status(response.status));
  if (options_.balance.load_reports) {
    if (auto load = take_load_report(response.headers)) {
      endpoint_->load.report(*load, exchange_.loop().now());
    }
    bool call = grpc::is_grpc(response.headers.get(HeaderId::content_type));
    if (call && response.body != nullptr) {
      response.body = exchange_.own<ReportingBody>(exchange_, *response.body, endpoint_);
    }
  }
  if (options_.balance.algorithm == Balance::peak_ewma) {
    endpoint_->latency.answered(response_, exchange_.loop().now());
  }
  if (options_.retries.hedge.percentile > 0) pool_.response_times().record(response_);
}

void Attempt::failed(const Error& error) {
  report(result_of(error));
  if (span_ != nullptr) {
    // A connection that was stale is as little an error here as it is the endpoint's fault.
    bool counts = error.origin != Origin::client && !was_stale(error);
    tell_span(counts ? error.code : ErrorCode::cancelled, 0);
  }
  abandon();
  tell(exchange_.upstream());
  bool of_client = error.origin == Origin::client;
  bool peak_ewma = options_.balance.algorithm == Balance::peak_ewma;
  if (!sent_) {
    if (error.origin != Origin::upstream || error.code == ErrorCode::cancelled) return;
    endpoint_->connect_failures.fetch_add(1, std::memory_order_relaxed);
    if (peak_ewma) endpoint_->latency.failed(Duration::zero(), exchange_.loop().now());
    return;
  }
  if (!of_client) endpoint_->failures.fetch_add(1, std::memory_order_relaxed);
  if (peak_ewma) tell_latency(error, exchange_.loop().now() - asked_);
}

void Attempt::report(AttemptResult result) {
  TimePoint now = exchange_.loop().now();
  Duration took = sent_ ? now - asked_ : Duration::zero();
  pool_.cluster().outliers().tell(options_.outliers, *endpoint_, result, took, now);
  admission_.tell(result, took, now);
}

// Neither what a client or Weir itself ended, nor a connection that was stale, nor an upgrade that
// HTTP/2 does not have there, is a fault of the endpoint.
AttemptResult Attempt::result_of(const Error& error) const {
  bool known = error.origin == Origin::upstream && error.code != ErrorCode::cancelled;
  if (!known || was_stale(error)) return AttemptResult::unknown;
  if (!sent_) return AttemptResult::not_connected;
  bool understood = error.code != ErrorCode::unsupported;
  return understood ? AttemptResult::no_answer : AttemptResult::unknown;
}

void Attempt::lost() {
  if (span_ != nullptr) tell_span(ErrorCode::cancelled, 0);
  abandon();
  if (sent_ && options_.balance.algorithm == Balance::peak_ewma) {
    tell_latency(Error(ErrorCode::cancelled), exchange_.loop().now() - asked_);
  }
}

void Attempt::discard(Response& response) {
  static constexpr int kPieces = 16;  // more is not worth a connection
  for (int i = 0; response.body != nullptr && i < kPieces; ++i) {
    std::optional<Slice> piece = response.body->try_read();
    if (!piece || piece->empty()) break;
  }
  exchange_.upstream().status = 0;
  abandon();
}

// Its connection is not held until the end of the exchange.
void Attempt::abandon() {
  if (limit_ != nullptr) exchange_.loop().timers().disarm(*limit_);
  if (http1_ != nullptr) http1_->abandon();
  if (http2_ != nullptr) http2_->abandon();
  if (fastcgi_ != nullptr) fastcgi_->abandon();
  connection_.close();
  end();
}

bool Attempt::was_stale(const Error& error) const {
  return sent_ && reused_ && error.code == ErrorCode::reset;
}

void Attempt::tell(UpstreamFacts& facts) const {
  facts.endpoint = endpoint_->address;
  facts.version = version_;
  facts.reused = reused_;
  if (connect_ >= Duration::zero()) facts.connect = connect_;
  if (response_ >= Duration::zero()) facts.response = response_;
}

void Attempt::begin_span() {
  Trace& trace = *exchange_.span()->trace;
  span_ = trace.begin_span(*exchange_.span(), SpanKind::client, {});
  if (span_ == nullptr) return;
  span_->upstream = trace.copy(pool_.cluster().name());
  span_->endpoint = Peer(endpoint_->address);
  span_->repeated = static_cast<std::uint16_t>(exchange_.upstream().attempts - 1);
}

void Attempt::tell_span(ErrorCode error, std::uint16_t status) {
  span_->version = version_;
  span_->reused = reused_;
  span_->connect = connect_;
  span_->response = response_;
  span_->error = error;
  span_->status = status;
}

// A client that leaves says nothing good; the upload of a slow one nothing at all. A stale
// connection is no fault of the endpoint.
void Attempt::tell_latency(const Error& error, Duration after) {
  TimePoint now = exchange_.loop().now();
  if (error.origin == Origin::client || error.code == ErrorCode::cancelled) {
    if (terms_.body == nullptr) endpoint_->latency.abandoned(after, now);
  } else if (!was_stale(error)) {
    endpoint_->latency.failed(after, now);
  }
}

}  // namespace weir

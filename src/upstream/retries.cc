#include "upstream/retries.h"

#include <algorithm>
#include <charconv>

#include "http/grpc.h"

namespace weir {
namespace {

// Retry-After in seconds (RFC 9110, 10.2.3). A date is for people.
std::optional<Duration> retry_after(const Response& response) {
  std::string_view text = response.headers.get(HeaderId::retry_after);
  std::uint32_t seconds = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

RetryOn reason(const Attempt& attempt, const Error& error) {
  if (!attempt.was_sent()) return RetryOn::connect;
  if (error.retry == Retry::always) return RetryOn::refused_stream;
  return error.code == ErrorCode::reset ? RetryOn::reset : RetryOn::timeout;
}

}  // namespace

Retries::Retries(Exchange& exchange, Pool& pool, const UpstreamRequest& request,
                 const UpstreamOptions& options)
    : exchange_(exchange),
      pool_(pool),
      request_(request),
      options_(options),
      policy_(options.retries),
      picker_(exchange, pool, options),
      left_(options.retries.attempts),
      idempotent_(is_idempotent(request.message.method)) {
  Body* body = request.message.body;
  if (body != nullptr && policy_.body_limit > 0 && RecordedBody::fits(*body, policy_.body_limit)) {
    record_ = RecordedBody::of(exchange, *body, policy_.body_limit);
  }
  terms_.body = body;
  terms_.replayable = record_ != nullptr;
  terms_.certain = !idempotent_ || (body != nullptr && record_ == nullptr);
  terms_.cancellable = policy_.cuts_attempts_short();
}

// --- where to ----------------------------------------------------------------------------------

Attempt* Retries::begin() {
  if (left_ == 0) return nullptr;
  if (late(Duration::zero())) {
    last_ = Error(ErrorCode::timeout, Origin::upstream, "deadline");
    return nullptr;
  }
  std::optional<PickedEndpoint> at = picker_.pick(true);
  if (at) return attempt(std::move(*at));
  if (last_.code == ErrorCode::none) last_ = picker_.none();
  return nullptr;
}

Task<Attempt*> Retries::wait() {
  Result<PickedEndpoint> at = co_await picker_.wait();
  if (at) co_return attempt(std::move(*at));
  last_ = at.error();
  left_ = 0;
  co_return nullptr;
}

Attempt* Retries::begin_hedge() {
  if (left_ <= 1) return nullptr;
  std::optional<PickedEndpoint> at = picker_.pick(false);
  if (!at) return nullptr;
  if (!admit()) {
    picker_.put_back(*at);
    return nullptr;
  }
  if (!afford()) {
    admitted_.reset();
    picker_.put_back(*at);
    return nullptr;
  }
  --left_;
  pool_.retry_counters().hedged.add();
  return attempt(std::move(*at));
}

// Null if the breaker or a limit of the cluster refuses it.
Attempt* Retries::attempt(PickedEndpoint at) {
  if (!admitted_ && !admit()) {
    picker_.put_back(at);
    return nullptr;
  }
  ++exchange_.upstream().attempts;
  if (record_ != nullptr) {
    reader_ = exchange_.own<RecordedBody::Reader>(record_, RecordedBody::Reader::Role::leads,
                                                  exchange_.stop());
    terms_.body = reader_;
  }
  auto* made = exchange_.own<Attempt>(exchange_, pool_, std::move(at), request_, options_, terms_,
                                      std::move(*admitted_));
  admitted_.reset();
  return made;
}

// What is refused after the first attempt leaves the client with what that said.
bool Retries::admit() {
  bool again = exchange_.upstream().attempts > 0;
  Result<Admission> admission = Admission::ask(pool_.cluster().admission(), options_.admission,
                                               again, exchange_.loop().now());
  if (admission) {
    admitted_.emplace(std::move(*admission));
  } else if (!again) {
    last_ = admission.error();
  }
  return admission.has_value();
}

// --- what came of it ---------------------------------------------------------------------------

bool Retries::accepts(Attempt& attempt, Response& response, bool others) {
  attempt.succeeded(response);
  if (policy_.on_responses && counts_as_failure(response)) {
    // It is that endpoint's word; another one may be asked at once.
    std::optional<Duration> least = retry_after(response);
    if (!least || picker_.tried() < pool_.endpoints().endpoints.size()) least = Duration::zero();
    bool waits = *least <= policy_.most_backoff;
    if (!others && waits && left_ > 1) attempt.make_way();
    if (others || (waits && again(true, *least))) {
      last_ = Error(ErrorCode::bad_gateway, Origin::upstream, "no response that was accepted");
      attempt.discard(response);
      return false;
    }
  }
  if (reader_ != nullptr) record_->leave_to(*reader_);
  picker_.answered(attempt.index(), response);
  return true;
}

bool Retries::counts_as_failure(const Response& response) const {
  if (!body_is_there()) return false;
  if (policy_.has_status(response.status)) return idempotent_ && (!terms_.body || record_);
  return policy_.has(RetryOn::grpc_unavailable) && response.body == nullptr &&
         response.headers.get("grpc-status") == "14" &&
         grpc::is_grpc(response.headers.get(HeaderId::content_type)) && (!terms_.body || record_);
}

void Retries::failed(Attempt& attempt, const Error& error, bool others) {
  attempt.failed(error);
  last_ = error;
  pause_ = Duration::zero();
  if (others) return;
  if (falls_back(attempt, error)) {
    terms_.http1 = true;
    picker_.forget_last();
  } else if (!may_repeat(attempt, error)) {
    left_ = 0;
  } else if (attempt.was_stale(error) && !terms_.fresh_only) {
    terms_.fresh_only = true;
    picker_.forget_last();
  } else if (!policy_.has(reason(attempt, error))) {
    left_ = 0;
  } else {
    // What no endpoint had to work on adds no load.
    again(attempt.was_sent() && error.retry != Retry::always, Duration::zero());
  }
}

bool Retries::may_repeat(const Attempt& attempt, const Error& error) const {
  if (error.origin == Origin::client || error.code == ErrorCode::cancelled) return false;
  if (exchange_.stop().stopped() || !body_is_there()) return false;
  if (!attempt.was_sent() || error.retry == Retry::always) return true;
  return error.retry == Retry::if_unsent && idempotent_ && (terms_.body == nullptr || record_);
}

// The endpoint speaks HTTP/2 but no WebSocket over it (RFC 8441): HTTP/1.1 may do.
bool Retries::falls_back(const Attempt& attempt, const Error& error) const {
  return error.code == ErrorCode::unsupported && !request_.message.upgrade.empty() &&
         attempt.was_sent() && attempt.over_http2() &&
         options_.protocol == UpstreamProtocol::automatic;
}

// What is asked after the deadline is of no use to anybody.
bool Retries::late(Duration pause) {
  if (!request_.deadline.known() || !request_.deadline.passed(exchange_.loop().now() + pause)) {
    return false;
  }
  pool_.retry_counters().late.add();
  return true;
}

// --- whether one more --------------------------------------------------------------------------

bool Retries::again(bool costs, Duration least_pause) {
  if (left_ <= 1) {
    if (policy_.attempts > 1) pool_.retry_counters().exhausted.add();
  } else if (Duration pause = std::max(least_pause, draw_pause()); late(pause)) {
    pause_ = Duration::zero();
  } else if (admit()) {
    if (!costs || afford()) {
      --left_;
      pause_ = pause;
      ++repeated_;
      pool_.retry_counters().made.add();
      return true;
    }
    admitted_.reset();
  }
  left_ = 0;
  return false;
}

bool Retries::afford() {
  if (!policy_.budget) return true;
  if (pool_.cluster().afford_retry(*policy_.budget, exchange_.loop().now())) return true;
  pool_.retry_counters().over_budget.add();
  return false;
}

// Between half and all of what has doubled each time: requests that failed together part.
Duration Retries::draw_pause() {
  if (policy_.backoff == Duration::zero()) return Duration::zero();
  Duration most = std::min(policy_.most_backoff, policy_.backoff * (1 << repeated_));
  double part = 0.5 + exchange_.loop().random().unit() / 2;
  return std::chrono::duration_cast<Duration>(most * part);
}

}  // namespace weir

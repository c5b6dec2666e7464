#include "http/h1/server_session.h"

#include "http/h1/server_exchange.h"
#include "http/h2/server_session.h"
#include "io/tls/settle.h"

namespace weir::h1 {
namespace {

// How long a client that was told to go away may keep sending before the connection is cut:
// closing with unread bytes would reset it and could destroy the response under way.
constexpr Duration kLingerTime = std::chrono::seconds(5);
constexpr std::size_t kLingerBytes = 1 << 20;

}  // namespace

ServerSession::ServerSession(std::unique_ptr<Stream> stream, const ConnectionFacts& facts,
                             Service& service)
    : stream_(std::move(stream)),
      facts_(facts),
      service_(service),
      alarm_([](Timer& timer) { static_cast<Alarm&>(timer).session->on_alarm(); }),
      hangup_([](HangupWatch& watch) { static_cast<Hangup&>(watch).session->on_hangup(); }),
      began_early_(facts.tls != nullptr && facts.tls->early) {
  alarm_.session = this;
  hangup_.session = this;
  service_.counters().connections.add();
  service_.counters().open.add();
}

ServerSession::~ServerSession() {
  service_.counters().open.subtract();
  if (stream_) service_.closed(facts_.peer);
}

// The wait for a request: all that an idle connection has in its frame. True if bytes came.
struct ServerSession::IdleRead : OperationAwaiter<StreamRead> {
  explicit IdleRead(ServerSession& owner)
      : OperationAwaiter(owner.stop_.token(), *owner.stream_, 0), self(owner) {}
  bool await_resume() {
    if (!result) return false;
    self.unread_ = std::move(*result);
    return true;
  }
  ServerSession& self;
};

Scope::Child ServerSession::serve(Scope&, std::unique_ptr<ServerSession> session) {
  ServerSession& self = *session;
  while (true) {
    if (self.unread_.empty()) {
      if (self.service_.draining()) {  // what has been asked already is still answered
        std::optional<Result<Slice>> last = self.stream_->try_read(0);
        if (!last || !*last) break;
        self.unread_ = std::move(**last);
        continue;
      }
      if (self.service_.retiring() && self.move()) co_return;
      self.enter(Phase::idle, self.service_.limits().idle_timeout);
      self.service_.counters().idle.add();
      bool came = co_await IdleRead(self);
      self.service_.counters().idle.subtract();
      if (self.moving_ && self.move()) co_return;  // with a request that came just then
      if (!came) break;
    }
    if (std::exchange(self.fresh_, false) && self.may_be_http2() && co_await self.hand_over()) {
      co_return;
    }
    auto exchange = std::make_unique<ServerExchange>(self);
    self.current_ = exchange.get();
    bool again = co_await exchange->run();
    self.current_ = nullptr;
    self.stream_->watch_hangup(nullptr);
    if (!again) break;
  }
  if (self.early()) co_await self.settle_late();
  if (self.linger_) co_await self.close_gracefully();
  self.enter(Phase::none, {});
}

bool ServerSession::may_be_http2() const {
  return h2::ServerSession::is_preface(unread_.view()).value_or(true);
}

// Prior knowledge of HTTP/2 (RFC 9113, 3.3): its preface begins with a method that nobody has.
Task<bool> ServerSession::hand_over() {
  enter(Phase::head, service_.limits().header_timeout);
  std::optional<bool> http2;
  while (!(http2 = h2::ServerSession::is_preface(unread_.view()))) {
    Result<Slice> more = co_await stream_->read(stop_.token());
    if (!more) co_return false;
    unread_ = copy_slice(std::string(unread_.view()).append(more->view()));
  }
  if (!*http2) co_return false;
  enter(Phase::none, {});
  if (!service_.take_over_http2(stream_, facts_, unread_)) co_return false;
  service_.counters().connections.subtract();  // counted again by the session that goes on
  co_return true;
}

// What the client sends meanwhile waits in the kernel and is read by the other worker.
bool ServerSession::move() {
  if (!movable()) return false;
  enter(Phase::none, {});
  return service_.hand_over(stream_, facts_.peer, unread_.view());
}

void ServerSession::move_away() {
  if (phase_ != Phase::idle || !movable()) return;
  moving_ = true;
  stop_.request(Error(ErrorCode::shutting_down, Origin::weir, "the worker leaves"));
}

void ServerSession::drain() {
  if (phase_ == Phase::idle) {
    stop_.request(Error(ErrorCode::shutting_down, Origin::weir, "drain"));
  }
}

bool ServerSession::misdeed(Misdeed what) {
  TimePoint now = stream_->loop().now();
  const AbuseLimits& limits = service_.limits().abuse;
  if (budget_ == nullptr) budget_ = std::make_unique<AbuseBudget>(limits, now);
  if (budget_->spend(what, now, service_.counters().abuse)) return true;
  stop_.request(Error(ErrorCode::limit, Origin::client, "too many misdeeds"));
  return false;
}

// How an exchange ended.
void ServerSession::judge(const Error& error) {
  if (error.code == ErrorCode::none) {
    if (budget_ != nullptr) budget_->earn(AbuseBudget::kGoodExchange);
  } else if (std::optional<Misdeed> what = misdeed_of(error)) {
    misdeed(*what);
  }
}

void ServerSession::enter(Phase phase, Duration limit) {
  phase_ = phase;
  TimerWheel& timers = stream_->loop().timers();
  if (limit <= Duration::zero()) {
    timers.disarm(alarm_);
  } else {
    timers.arm(alarm_, stream_->loop().now() + limit);
  }
}

void ServerSession::on_alarm() {
  switch (phase_) {
    case Phase::idle:
      return stop_.request(Error(ErrorCode::idle_timeout, Origin::client, "no request"));
    case Phase::head:
      return stop_.request(Error(ErrorCode::header_timeout, Origin::client, "incomplete head"));
    case Phase::exchange: return watch_rate();
    case Phase::closing: return stop_.request(Error(ErrorCode::timeout, Origin::client, "linger"));
    case Phase::tunnel:
    case Phase::none: return;
  }
}

// Only time spent waiting for the client counts: a slow origin is not the client's fault.
void ServerSession::watch_rate() {
  const SessionLimits& limits = service_.limits();
  auto seconds = std::chrono::duration<double>(limits.rate_grace).count();
  std::uint64_t moved = current_->moved();
  bool slow = static_cast<double>(moved - current_->moved_at_last_look) < limits.min_rate * seconds;
  current_->moved_at_last_look = moved;
  if (slow && current_->waiting_for_client()) {
    return stop_.request(Error(ErrorCode::slow_peer, Origin::client, "below the minimum rate"));
  }
  enter(Phase::exchange, limits.rate_grace);
}

void ServerSession::on_hangup() {
  if (current_ == nullptr || service_.limits().half_close_keep) return;
  stop_.request(Error(ErrorCode::client_gone, Origin::client, "closed before the response"));
}

// The client has still to end its handshake. To close ahead of that would be a reset.
Task<void> ServerSession::settle_late() {
  enter(Phase::head, service_.limits().header_timeout);
  (void)co_await settle(*stream_, stop_.token());
}

Task<void> ServerSession::close_gracefully() {
  StopSource closing;
  stream_->shutdown_write();
  // The old source has stopped or will not be asked again: the alarm now ends the linger.
  struct Cut : Timer {
    using Timer::Timer;
    StopSource* source = nullptr;
  };
  Cut cut([](Timer& timer) {
    static_cast<Cut&>(timer).source->request(Error(ErrorCode::timeout, Origin::client, "linger"));
  });
  cut.source = &closing;
  enter(Phase::none, {});
  stream_->loop().timers().arm(cut, stream_->loop().now() + kLingerTime);
  unread_ = Slice();
  std::size_t dropped = 0;
  while (dropped < kLingerBytes) {
    Result<Slice> got = co_await stream_->read(closing.token());
    if (!got) break;
    dropped += got->size();
  }
}

}  // namespace weir::h1

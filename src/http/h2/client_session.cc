#include "http/h2/client_session.h"

#include <algorithm>

#include "http/h2/client_exchange.h"

namespace weir::h2 {
namespace {

// How long our GOAWAY may take to leave.
constexpr Duration kFarewell = std::chrono::seconds(2);
// Streams are looked at this often for an origin that is gone without a word.
constexpr Duration kLook = std::chrono::seconds(10);

}  // namespace

ClientSession::ClientSession(std::unique_ptr<Stream> stream, const ClientSessionLimits& limits,
                             ClientSessionHome& home)
    : limits_(limits),
      home_(&home),
      abuse_(home.abuse()),
      connection_(std::move(stream), Side::client, limits.http2, limits.fields, *this, *this),
      budget_(limits.abuse, connection_.loop().now()),
      alarm_([](Timer& timer) { static_cast<Alarm&>(timer).session->on_alarm(); }),
      born_(connection_.loop().now()),
      idle_since_(born_) {
  alarm_.session = this;
}

ClientSession::~ClientSession() = default;

ClientSession::Reference ClientSession::open(Scope& scope, std::unique_ptr<Stream> stream,
                                             const ClientSessionLimits& limits,
                                             ClientSessionHome& home) {
  Reference session(*new ClientSession(std::move(stream), limits, home));
  serve(scope, Reference(*session));
  return session;
}

Scope::Child ClientSession::serve(Scope&, Reference session) {
  ClientSession& self = *session;
  self.ping_.heard(self.loop().now());
  self.connection_.kick();
  while (!self.reading_.stopped()) {
    Result<Slice> got = co_await self.connection_.stream().read(self.reading_.token(), self.hint_);
    if (got) {
      self.receive(std::move(*got));
    } else {
      self.gone_ = !self.reading_.stopped();
      self.end(got.error());
    }
  }
  co_await self.finish();
}

void ClientSession::receive(Slice bytes) {
  ping_.heard(loop().now());
  bool fast = bytes.size() >= BufferPool::kBlockBytes / 2 && connection_.held == 0;
  hint_ = fast ? BufferPool::kBulkBytes : 0;
  Status fed = engine().feed(bytes);
  connection_.kick();
  if (!fed) return end(fed.error());
  if (connection_.settled()) flushed();
}

// --- streams -----------------------------------------------------------------------------------

std::uint32_t ClientSession::free_streams() const {
  if (home_ == nullptr || why_.code != ErrorCode::none) return 0;
  std::uint32_t most = std::min(limits_.http2.streams, connection_.engine().peer_streams());
  return count_ < most ? most - count_ : 0;
}

void ClientSession::joined(ClientExchange& exchange) {
  exchanges_.append(exchange);
  ++uses_;
  if (count_++ == 0) arm_alarm();
}

void ClientSession::left() {
  if (--count_ == 0) {
    idle_since_ = loop().now();
    if (home_ == nullptr) say_goodbye();
    arm_alarm();
  }
  if (home_ != nullptr) home_->stream_ended(*this);
  if (connection_.settled()) flushed();
}

// An origin may end each stream with a reset: many do so when they have answered early.
bool ClientSession::misdeed(Misdeed what) {
  if (what == Misdeed::reset && resets_++ < uses_) return true;
  return budget_.spend(what, loop().now(), abuse_);
}

void ClientSession::wait_for_settings(ClientExchange& exchange) { waiting_.append(exchange); }

void ClientSession::on_settings() {
  settings_seen_ = true;
  while (waiting_.linked()) {
    auto* exchange = static_cast<ClientExchange*>(waiting_.next());
    exchange->unlink();
    exchange->heard_.raise();
  }
  if (home_ != nullptr) home_->settings_came(*this);
}

// --- time --------------------------------------------------------------------------------------

void ClientSession::arm_alarm() {
  TimerWheel& timers = loop().timers();
  Duration interval = limits_.http2.ping_interval;
  if (count_ > 0 && interval > Duration::zero()) {
    timers.arm(alarm_, loop().now() + std::min(kLook, interval));
  } else if (count_ == 0 && home_ == nullptr) {
    timers.arm(alarm_, loop().now() + kFarewell);
  } else {
    timers.disarm(alarm_);
  }
}

void ClientSession::on_alarm() {
  if (why_.code != ErrorCode::none) {
    return connection_.stop_writing(Error(ErrorCode::timeout, Origin::upstream, "farewell"));
  }
  if (count_ == 0) {  // nobody needs it, and the origin does not take our goodbye
    gone_ = true;
    return end(Error(ErrorCode::timeout, Origin::upstream, "farewell"));
  }
  PingWatch::Verdict verdict = ping_.look(loop().now(), limits_.http2);
  if (verdict == PingWatch::Verdict::ping) engine().ping();
  if (verdict == PingWatch::Verdict::gone) {
    gone_ = true;
    return end(Error(ErrorCode::timeout, Origin::upstream, "no answer to a ping"));
  }
  connection_.kick();
  arm_alarm();
}

// --- the end -----------------------------------------------------------------------------------

void ClientSession::close() {
  leave_home();
  if (count_ > 0) return;  // `left` says goodbye
  say_goodbye();
  arm_alarm();
  if (connection_.settled()) flushed();
}

// Not before the last stream has ended: GOAWAY would overtake requests that have not left yet, and
// an origin that has no stream open when it comes may close at once (RFC 9113, 6.8).
void ClientSession::say_goodbye() {
  if (!engine().failed() && !std::exchange(said_goaway_, true)) engine().goaway();
  connection_.kick();
}

void ClientSession::stop(const Error& why) {
  gone_ = true;
  end(why);
}

void ClientSession::leave_home() {
  unlink();
  if (ClientSessionHome* home = std::exchange(home_, nullptr)) home->session_closed(*this);
}

void ClientSession::flushed() {
  if (!engine().finished() || (count_ > 0 && !engine().failed())) return;
  end(engine().failed() ? engine().failure()
                        : Error(ErrorCode::end_of_stream, Origin::upstream, "GOAWAY"));
}

void ClientSession::write_failed(const Error& why) {
  // What the origin said before it closed is still read, and wins.
  if (why.code != ErrorCode::reset) return end(why);
}

void ClientSession::end(const Error& why) {
  if (why_.code != ErrorCode::none) return;
  why_ = why;
  reading_.request(why);
}

Task<void> ClientSession::finish() {
  leave_home();
  if (gone_) connection_.stop_writing(why_);
  Error told = why_.code == ErrorCode::end_of_stream
                   ? Error(ErrorCode::reset, Origin::upstream, "the origin closed")
                   : why_.with(Origin::upstream);
  for (Link* list : {&exchanges_, &waiting_}) {
    while (list->linked()) static_cast<ClientExchange*>(list->next())->lose(told);
  }
  if (!gone_) {
    say_goodbye();
    loop().timers().arm(alarm_, loop().now() + kFarewell);
  }
  while (!connection_.settled()) (void)co_await connection_.settling().wait();
  connection_.stop_writing(why_);
  loop().timers().disarm(alarm_);
}

}  // namespace weir::h2

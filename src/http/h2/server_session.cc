#include "http/h2/server_session.h"

#include "http/h2/server_stream.h"

namespace weir::h2 {
namespace {

// How long a client has to take our last words, and how much it may still send meanwhile.
constexpr Duration kLingerTime = std::chrono::seconds(5);
constexpr std::size_t kLingerBytes = 1 << 20;
// Between the two steps of GOAWAY, if the client does not answer our ping.
constexpr Duration kGoawayGrace = std::chrono::seconds(1);

FieldLimits field_limits(const SessionLimits& limits) {
  return {limits.head.head_bytes, limits.head.header_count, limits.http2.cookie_crumbs};
}

}  // namespace

ServerSession::ServerSession(std::unique_ptr<Stream> stream, const ConnectionFacts& facts,
                             Service& service, Slice unread)
    : facts_(facts),
      service_(service),
      connection_(std::move(stream), Side::server, service.limits().http2,
                  field_limits(service.limits()), *this, *this),
      unread_(std::move(unread)),
      budget_(service.limits().abuse, connection_.loop().now()),
      alarm_([](Timer& timer) { static_cast<Alarm&>(timer).session->on_alarm(); }),
      head_alarm_([](Timer& timer) { static_cast<Alarm&>(timer).session->on_head_alarm(); }),
      began_early_(facts.tls != nullptr && facts.tls->early) {
  alarm_.session = this;
  head_alarm_.session = this;
  service_.counters().connections.add();
  service_.counters().open.add();
  service_.counters().idle.add();
}

ServerSession::~ServerSession() {
  drop_unstarted();
  if (phase_ == Phase::idle) service_.counters().idle.subtract();
  service_.counters().open.subtract();
  service_.closed(facts_.peer);
}

std::optional<bool> ServerSession::is_preface(std::string_view bytes) {
  std::string_view begin = kPreface.substr(0, 3);
  if (bytes.size() >= begin.size()) return bytes.starts_with(begin);
  if (begin.starts_with(bytes)) return std::nullopt;
  return false;
}

Scope::Child ServerSession::serve(Scope&, std::unique_ptr<ServerSession> session) {
  ServerSession& self = *session;
  self.begin();
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

void ServerSession::begin() {
  ping_.heard(loop().now());
  arm(alarm_, service_.limits().idle_timeout);
  connection_.kick();
  if (!unread_.empty()) receive(std::exchange(unread_, Slice()));
  watch_head();
  if (service_.draining() || service_.retiring()) drain();
}

void ServerSession::arm(Timer& timer, Duration after) {
  TimerWheel& timers = loop().timers();
  if (after <= Duration::zero()) return timers.disarm(timer);
  timers.arm(timer, loop().now() + after);
}

// --- the reader --------------------------------------------------------------------------------

void ServerSession::receive(Slice bytes) {
  ping_.heard(loop().now());
  // A sender that fills whole buffers is worth larger ones, unless somebody lets them stand.
  bool fast = bytes.size() >= BufferPool::kBlockBytes / 2 && connection_.held == 0;
  hint_ = fast ? BufferPool::kBulkBytes : 0;
  Status fed = engine().feed(bytes);
  start_streams();
  watch_head();
  connection_.kick();
  if (!fed) end(fed.error());
}

EngineStream* ServerSession::open(StreamId) {
  // Streams that were reset and whose exchanges still end count too: a client that opens and
  // resets gets no more work out of us than one that waits (rapid reset).
  if (count_ >= service_.limits().http2.streams || phase_ == Phase::closing) return nullptr;
  auto* stream = new ServerStream(*this);
  fresh_.append(*stream);
  return stream;
}

// Handlers begin when the engine is done with what was read: none runs inside its callbacks.
void ServerSession::start_streams() {
  Link fresh;
  fresh_.move_all(fresh);
  while (fresh.linked()) {
    auto* stream = static_cast<ServerStream*>(fresh.next());
    if (stream->closed()) {
      delete stream;
    } else if (stream->complete()) {
      running_.append(*stream);
      ServerStream::serve(streams_, std::unique_ptr<ServerStream>(stream));
    } else {
      fresh_.append(*stream);
    }
  }
}

void ServerSession::drop_unstarted() {
  while (fresh_.linked()) delete static_cast<ServerStream*>(fresh_.next());
}

// A head must be complete soon after its first byte; so must the preface.
void ServerSession::watch_head() {
  if (!engine().in_head() || engine().failed()) return loop().timers().disarm(head_alarm_);
  bool another = std::exchange(heads_, engine().heads_begun()) != engine().heads_begun();
  if (another || !head_alarm_.armed()) arm(head_alarm_, service_.limits().header_timeout);
}

bool ServerSession::misdeed(Misdeed what) {
  return budget_.spend(what, loop().now(), service_.counters().abuse);
}

void ServerSession::on_ping_ack() {
  ping_.answered();
  if (draining_) say_goaway();
}

// --- streams come and go -----------------------------------------------------------------------

void ServerSession::stream_left() {
  if (--count_ > 0 || phase_ != Phase::active) return;
  phase_ = Phase::idle;
  service_.counters().idle.add();
  if (service_.draining()) drain();
  if (draining_) say_goaway();
  arm(alarm_, draining_ ? kGoawayGrace : service_.limits().idle_timeout);
  connection_.kick();
  if (connection_.settled()) flushed();
}

void ServerSession::drain() {
  if (draining_ || phase_ == Phase::closing) return;
  draining_ = true;
  if (count_ == 0) {
    say_goaway();
  } else {
    // Requests that are on their way still find an answer (RFC 9113, 6.8).
    engine().announce_goaway();
    engine().ping();
    arm(alarm_, kGoawayGrace);
  }
  connection_.kick();
}

void ServerSession::say_goaway() {
  if (std::exchange(said_goaway_, true)) return;
  engine().goaway();
  connection_.kick();
}

void ServerSession::flushed() {
  if (!engine().finished() || (count_ > 0 && !engine().failed())) return;
  end(engine().failed() ? engine().failure()
                        : Error(ErrorCode::shutting_down, Origin::weir, "drain"));
}

void ServerSession::write_failed(const Error& why) {
  gone_ = true;
  end(why);
}

// --- time --------------------------------------------------------------------------------------

void ServerSession::on_alarm() {
  switch (phase_) {
    case Phase::idle:
      draining_ = true;
      say_goaway();
      end(Error(ErrorCode::idle_timeout, Origin::client, "no request"));
      return;
    case Phase::active:
      if (draining_) say_goaway();
      watch_streams();
      watch_peer();
      arm(alarm_, service_.limits().rate_grace);
      connection_.kick();
      return;
    case Phase::closing:
      connection_.stop_writing(Error(ErrorCode::timeout, Origin::client, "farewell"));
      if (lingering_ != nullptr) {
        lingering_->request(Error(ErrorCode::timeout, Origin::client, "linger"));
      }
      return;
  }
}

void ServerSession::on_head_alarm() {
  engine().terminate(Reason::enhance_your_calm);
  end(Error(ErrorCode::header_timeout, Origin::client, "incomplete head"));
}

// Only time spent waiting for the client counts: a slow origin is not the client's fault.
void ServerSession::watch_streams() {
  const SessionLimits& limits = service_.limits();
  auto seconds = std::chrono::duration<double>(limits.rate_grace).count();
  auto least = static_cast<std::uint64_t>(limits.min_rate * seconds);
  std::uint64_t written = connection_.written();
  bool stuck = connection_.writing() && written - written_at_last_look_ < least;
  written_at_last_look_ = written;
  if (stuck) {
    gone_ = true;
    return end(Error(ErrorCode::slow_peer, Origin::client, "below the minimum rate"));
  }
  for (Link* link = running_.next(); link != &running_; link = link->next()) {
    static_cast<ServerStream*>(link)->look(least);
  }
}

// A client that sends nothing while it waits for a long response may be gone without a word.
void ServerSession::watch_peer() {
  PingWatch::Verdict verdict = ping_.look(loop().now(), service_.limits().http2);
  if (verdict == PingWatch::Verdict::ping) engine().ping();
  if (verdict != PingWatch::Verdict::gone) return;
  gone_ = true;
  end(Error(ErrorCode::timeout, Origin::client, "no answer to a ping"));
}

// --- the end -----------------------------------------------------------------------------------

void ServerSession::stop(const Error& why) {
  gone_ = true;
  end(why);
}

void ServerSession::end(const Error& why) {
  if (why_.code != ErrorCode::none) return;
  why_ = why;
  reading_.request(why);
}

Task<void> ServerSession::finish() {
  if (phase_ == Phase::idle) service_.counters().idle.subtract();
  phase_ = Phase::closing;
  loop().timers().disarm(head_alarm_);
  drop_unstarted();
  bool orderly = why_.code != ErrorCode::end_of_stream && why_.code != ErrorCode::reset;
  stop_.request(orderly ? why_ : Error(ErrorCode::client_gone, Origin::client, "closed"));
  if (gone_) connection_.stop_writing(why_);
  co_await streams_.join();
  arm(alarm_, kLingerTime);
  if (!gone_) {
    if (!engine().failed() && !said_goaway_) engine().goaway();
    connection_.kick();
  }
  while (!connection_.settled()) (void)co_await connection_.settling().wait();
  if (!gone_) co_await linger();
  loop().timers().disarm(alarm_);
}

// Closing over unread bytes would reset the connection and could destroy our last words.
Task<void> ServerSession::linger() {
  Stream& stream = connection_.stream();
  stream.shutdown_write();
  StopSource until;
  lingering_ = &until;
  std::size_t dropped = 0;
  while (dropped < kLingerBytes) {
    Result<Slice> got = co_await stream.read(until.token());
    if (!got) break;
    dropped += got->size();
  }
  lingering_ = nullptr;
}

}  // namespace weir::h2

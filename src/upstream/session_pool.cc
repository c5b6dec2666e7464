#include "upstream/session_pool.h"

#include <algorithm>

#include "io/deadline.h"

namespace weir {
namespace {

// Connections that brought no free stream before a request gives up.
constexpr int kRounds = 8;

}  // namespace

SessionPool::SessionPool(Loop& loop, std::shared_ptr<const Endpoint> endpoint)
    : loop_(loop), scope_(SessionScope::of(loop)), endpoint_(std::move(endpoint)) {}

// Streams that are open go on; `session_closed` removes the entry.
SessionPool::~SessionPool() {
  while (!entries_.empty()) entries_.back().session->close();
}

// --- sessions ----------------------------------------------------------------------------------

SessionPool::Session SessionPool::find(const UpstreamOptions& options) {
  limits_ = options.pool;
  h2::ClientSession* best = nullptr;
  for (std::size_t i = entries_.size(); i-- > 0;) {
    h2::ClientSession& session = *entries_[i].session;
    if (worn_out(session, options.pool)) {
      session.close();
      continue;
    }
    if (entries_[i].tls != options.tls.get() || room(session) == 0) continue;
    if (best == nullptr || session.streams() < best->streams()) best = &session;
  }
  return best != nullptr ? Session(*best) : Session();
}

// What another session was allowed says nothing of this one, and a request that is refused cannot
// go elsewhere once its body was begun.
std::uint32_t SessionPool::room(const h2::ClientSession& session) const {
  std::uint32_t free = session.free_streams();
  if (session.knows_settings()) return free;
  return session.idle() ? std::min(free, 1U) : 0;
}

void SessionPool::learn(const h2::ClientSession& session) {
  allowed_ = std::max(1U, session.streams() + session.free_streams());
}

bool SessionPool::worn_out(const h2::ClientSession& session, const PoolLimits& limits) const {
  return (limits.max_requests > 0 && session.uses() >= limits.max_requests) ||
         limits.too_old(session.born(), loop_.now());
}

bool SessionPool::refuses_upgrades(const UpstreamOptions& options) const {
  return std::ranges::any_of(entries_, [&](const Entry& entry) {
    return entry.tls == options.tls.get() && entry.session->knows_settings() &&
           !entry.session->allows_connect_protocol();
  });
}

bool SessionPool::sweep() {
  TimePoint oldest = loop_.now() - limits_.idle_timeout;
  std::size_t idle = 0;
  for (std::size_t i = entries_.size(); i-- > 0;) {
    h2::ClientSession& session = *entries_[i].session;
    bool resting = session.idle() && waiting_.empty();
    bool unneeded = resting && (session.idle_since() < oldest || ++idle > limits_.max_idle);
    if (unneeded || worn_out(session, limits_)) session.close();
  }
  return !entries_.empty() || connecting_ > 0;
}

bool SessionPool::spare() {
  auto idle = std::ranges::find_if(entries_, [](const Entry& e) { return e.session->idle(); });
  if (idle == entries_.end()) return false;
  idle->session->close();
  return true;
}

void SessionPool::stream_ended(h2::ClientSession& session) {
  if (session.knows_settings()) learn(session);
  if (!waiting_.empty()) return wake(1);
  bool unwanted = session.idle() && (limits_.max_idle == 0 || endpoint_->connection_wanted());
  if (unwanted || worn_out(session, limits_)) session.close();
}

void SessionPool::settings_came(h2::ClientSession& session) {
  learn(session);
  auto entry =
      std::ranges::find_if(entries_, [&](const Entry& e) { return &*e.session == &session; });
  if (entry == entries_.end() || !std::exchange(entry->learning, false)) return;
  --connecting_;
  wake_for(session.free_streams());
}

void SessionPool::session_closed(h2::ClientSession& session) {
  auto entry =
      std::ranges::find_if(entries_, [&](const Entry& e) { return &*e.session == &session; });
  if (entry == entries_.end()) return;
  if (entry->learning) --connecting_;
  entries_.erase(entry);
  wake_for(0);
}

// --- waiting -----------------------------------------------------------------------------------

Task<Result<SessionPool::Leased>> SessionPool::lease(const UpstreamOptions& options,
                                                     StopToken stop) {
  Deadline patience(loop_, options.connect_timeout, stop);
  for (int round = 0; round < kRounds; ++round) {
    if (Session session = find(options)) co_return Leased{std::move(session), nullptr};
    OperationAwaiter<Wait> wait(patience.token(), *this, options);
    Result<Dialled> woke = co_await wait;
    if (!woke) {
      if (woke.error().code != ErrorCode::timeout || stop.stopped()) co_return fail(woke.error());
      co_return fail(ErrorCode::connect_timeout, Origin::upstream, "connect", Retry::always);
    }
    if (woke->stream) co_return Leased{{}, std::move(woke->stream), std::move(woke->place)};
  }
  co_return fail(ErrorCode::overloaded, Origin::upstream, "the origin allows no streams");
}

bool SessionPool::start(Wait& wait) {
  bool served = waiting_.size() < expected();
  waiting_.push_back(&wait);
  wait.pend(*this);
  if (!served) connect(scope_.scope(), shared_from_this(), wait.options);
  return false;
}

void SessionPool::cancel(Operation& operation, const Error& why) {
  auto& wait = static_cast<Wait&>(operation);
  std::erase(waiting_, &wait);
  wait.result = fail(why);
  loop_.complete_soon(wait);
}

// How many requests the connections that are being opened will serve. The first tells what the
// endpoint speaks: until then all wait for it.
std::size_t SessionPool::expected() const {
  if (connecting_ == 0) return 0;
  switch (speaks_) {
    case Speaks::unknown: return SIZE_MAX;
    case Speaks::http1: return connecting_;
    case Speaks::http2: return std::size_t{connecting_} * allowed_;
  }
  return 0;
}

// So many may go on, and all for whom nothing is left to wait for.
void SessionPool::wake_for(std::uint32_t streams) {
  std::size_t surplus = waiting_.size() - std::min(waiting_.size(), expected());
  wake(std::max<std::size_t>(streams, surplus));
}

void SessionPool::wake(std::size_t count) {
  while (count-- > 0 && !waiting_.empty()) {
    Wait& wait = *waiting_.front();
    waiting_.pop_front();
    loop_.complete_soon(wait);
  }
}

// --- connecting --------------------------------------------------------------------------------

Scope::Child SessionPool::connect(Scope& scope, std::shared_ptr<SessionPool> self,
                                  UpstreamOptions options) {
  if (self->known_under_ != options.tls.get()) self->speaks_ = Speaks::unknown;
  self->known_under_ = options.tls.get();
  if (options.protocol == UpstreamProtocol::http2) self->speaks_ = Speaks::http2;
  ++self->connecting_;
  Result<Dialled> dialled =
      co_await dial(self->loop_, Dial(*self->endpoint_, options), scope.token());
  --self->connecting_;
  if (dialled && scope.token().stopped()) dialled = fail(scope.token().reason());
  if (!dialled) {
    self->failed(dialled.error());
  } else if (dialled->http2) {
    self->open(std::move(*dialled), options);
  } else {
    self->speaks_ = Speaks::http1;
    self->give(std::move(*dialled));
  }
}

void SessionPool::open(Dialled connection, const UpstreamOptions& options) {
  speaks_ = Speaks::http2;
  Session session = scope_.open(std::move(connection.stream), options.session, *this);
  if (connection.place) session->hold(std::move(connection.place));
  // Its first read may have ended it already, or have brought the settings.
  if (session->closed()) {
    return failed(Error(ErrorCode::reset, Origin::upstream, "the origin closed", Retry::always));
  }
  bool learning = !session->knows_settings();
  if (learning) ++connecting_;
  entries_.push_back({std::move(session), options.tls.get(), learning});
  wake_for(room(*entries_.back().session));
}

// The others look for themselves: of these connections each serves one.
void SessionPool::give(Dialled connection) {
  if (!waiting_.empty()) waiting_.front()->result = std::move(connection);
  wake(waiting_.size());
}

// Those for whom nothing is left to wait for.
void SessionPool::failed(const Error& why) {
  while (waiting_.size() > expected()) {
    waiting_.front()->result = fail(why);
    wake(1);
  }
}

}  // namespace weir

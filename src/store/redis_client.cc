#include "store/redis_client.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "core/log.h"
#include "io/deadline.h"
#include "io/tls/handshake.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFirstPause = 10ms;  // between two attempts to connect
constexpr Duration kLongestPause = 1s;
constexpr Duration kIdle = 60s;  // without a call, after which the connection is closed

void append_command(std::string& out, std::span<const std::string_view> words) {
  fmt::format_to(std::back_inserter(out), "*{}\r\n", words.size());
  for (std::string_view word : words) {
    fmt::format_to(std::back_inserter(out), "${}\r\n", word.size());
    out += word;
    out += "\r\n";
  }
}

Error unavailable(std::string_view detail) {
  return Error(ErrorCode::unreachable, Origin::weir, detail);
}

}  // namespace

std::string RedisSettings::text() const {
  return fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}", name, address.text(), user, password, database,
                     timeout.count(), fmt::ptr(tls.get()));
}

const SlotKey& RedisScope::key() {
  static const SlotKey key;
  return key;
}

Scope& RedisScope::of(Loop& loop) {
  auto make = [] { return std::make_unique<RedisScope>(); };
  return loop.slots().get<RedisScope>(key(), make).scope_;
}

Task<void> RedisScope::finish(Loop& loop) {
  auto* self = loop.slots().find<RedisScope>(key());
  if (self == nullptr) co_return;
  self->scope_.stop(Error(ErrorCode::shutting_down, Origin::weir, "the worker ends"));
  co_await self->scope_.join();
}

RedisClient::RedisClient(Loop& loop, std::shared_ptr<RedisShared> shared)
    : loop_(loop),
      shared_(std::move(shared)),
      more_(loop),
      alarm_([](Timer& timer) { static_cast<Alarm&>(timer).client->too_late(); }) {
  alarm_.client = this;
}

// --- calls -------------------------------------------------------------------------------------

bool RedisClient::start_call(Call& call) {
  Scope& scope = RedisScope::of(loop_);
  last_call_ = loop_.now();
  if (state_ == State::away || waiting_.size() >= kMostCalls || scope.token().stopped()) {
    shared_->counters.failed.fetch_add(1, std::memory_order_relaxed);
    call.result = fail(unavailable(state_ == State::away ? "the store does not answer"
                                                         : "too much waits for the store"));
    return true;
  }
  append_command(out_, call.command);
  waiting_.push_back({&call, loop_.now() + shared_->settings.timeout});
  call.pend(*this);
  watch();
  if (state_ == State::closed) {
    state_ = State::connecting;
    scope.spawn(live(shared_from_this()));
  } else {
    more_.raise();
  }
  return false;
}

void RedisClient::answer(RedisReply reply) {
  Call* call = waiting_.front().call;
  waiting_.pop_front();
  shared_->counters.answered.fetch_add(1, std::memory_order_relaxed);
  if (call == nullptr) return;
  call->result = std::move(reply);
  loop_.complete_soon(*call);
}

// Everybody who waits is told.
void RedisClient::give_up(const Error& why) {
  out_.clear();
  alarm_.unlink();
  shared_->counters.failed.fetch_add(waiting_.size(), std::memory_order_relaxed);
  for (const Waiting& each : std::exchange(waiting_, {})) {
    if (each.call == nullptr) continue;
    each.call->result = fail(unavailable(why.detail));
    loop_.complete_soon(*each.call);
  }
}

void RedisClient::cancel(Operation& operation, const Error& why) {
  auto& call = static_cast<Call&>(operation);
  auto place = std::ranges::find(waiting_, &call, &Waiting::call);
  if (place != waiting_.end()) place->call = nullptr;
  call.result = fail(why);
  loop_.complete_soon(call);
}

void RedisClient::watch() {
  if (!waiting_.empty() && !alarm_.armed()) loop_.timers().arm(alarm_, waiting_.front().due);
}

// Answers come in order: one that is too late holds up all others.
void RedisClient::too_late() {
  if (waiting_.empty()) return;
  if (waiting_.front().due > loop_.now()) return watch();
  Error why = unavailable("the store took too long");
  if (state_ == State::open) {
    session_->request(why);
  } else {
    state_ = State::away;  // the attempt to connect goes on
    give_up(why);
  }
}

// --- the connection ----------------------------------------------------------------------------

Task<void> RedisClient::live(std::shared_ptr<RedisClient> self) {
  StopToken stop = RedisScope::of(self->loop_).token();
  Duration pause = kFirstPause;
  while (true) {
    Status ended = co_await self->session(stop);
    bool worked = self->state_ == State::open;
    if (worked) pause = kFirstPause;
    bool unused = self->waiting_.empty() && worked;
    self->give_up(ended.error());
    // One that was closed while nobody needed it is opened again by the next call.
    if (unused || stop.stopped() || self->loop_.now() - self->last_call_ > kIdle) break;
    if (worked || self->state_ == State::connecting) {
      log("store_away",
          {{"store", self->shared_->settings.name}, {"reason", ended.error().detail}});
    }
    self->state_ = State::away;
    Duration spread(self->loop_.random().below(static_cast<std::uint64_t>(pause.count()) / 2));
    Status slept = co_await self->loop_.sleep_for(pause + spread, stop);
    if (!slept) break;
    pause = std::min(pause * 2, kLongestPause);
  }
  self->state_ = State::closed;
}

/// From connecting to the end, which is always an error.
Task<Status> RedisClient::session(StopToken stop) {
  const RedisSettings& settings = shared_->settings;
  StopSource session(stop);
  RedisParser parser;
  std::unique_ptr<Stream> stream;
  {
    Deadline deadline(loop_, std::max<Duration>(settings.timeout, 1s), session.token());
    auto connected = co_await loop_.connect(settings.address, deadline.token());
    if (!connected) co_return fail(unavailable("the store cannot be reached"));
    if (settings.tls) {
      connected = co_await tls_connect(std::move(*connected), settings.tls,
                                       settings.address.ip().text(), deadline.token());
      if (!connected) co_return fail(unavailable("the store's TLS does not work"));
    }
    stream = std::move(*connected);
    Status greeted = co_await greet(*stream, parser, deadline.token());
    if (!greeted) co_return greeted;
  }
  state_ = State::open;
  session_ = &session;
  shared_->counters.connections.fetch_add(1, std::memory_order_relaxed);
  Scope writer(session.token());
  writer.spawn(write(*this, *stream, session));
  Status ended = co_await read(*stream, parser, session.token());
  session.request(ended.error());
  co_await writer.join();
  session_ = nullptr;
  shared_->counters.connections.fetch_sub(1, std::memory_order_relaxed);
  co_return fail(session.reason());
}

/// Says who we are, and makes sure that the server is ready (a replica that loads is not).
Task<Status> RedisClient::greet(Stream& stream, RedisParser& parser, StopToken stop) {
  const RedisSettings& settings = shared_->settings;
  std::string text;
  int replies = 1;
  if (!settings.password.empty()) {
    std::string_view words[] = {"AUTH", settings.user, settings.password};
    if (settings.user.empty()) words[1] = settings.password;
    append_command(text, std::span(words).first(settings.user.empty() ? 2 : 3));
    ++replies;
  }
  if (settings.database != 0) {
    std::string number = std::to_string(settings.database);
    std::string_view words[] = {"SELECT", number};
    append_command(text, words);
    ++replies;
  }
  std::string_view ping[] = {"PING"};
  append_command(text, ping);
  Slice slice = copy_slice(text);
  Status written = co_await stream.write({&slice, 1}, stop);
  if (!written) co_return fail(unavailable("the store closed its connection"));
  while (replies > 0) {
    Result<std::optional<RedisReply>> reply = parser.next();
    if (!reply) co_return fail(reply.error());
    if (*reply) {
      if (std::string_view error = (*reply)->error(); !error.empty()) {
        log("store_refuses", {{"store", settings.name}, {"reason", error}});
        co_return fail(unavailable("the store refuses to work"));
      }
      --replies;
      continue;
    }
    Result<Slice> bytes = co_await stream.read(stop);
    if (!bytes) co_return fail(unavailable("the store does not answer"));
    Status fed = parser.feed(bytes->view());
    if (!fed) co_return fed;
  }
  co_return Status();
}

Task<Status> RedisClient::read(Stream& stream, RedisParser& parser, StopToken stop) {
  while (true) {
    Result<std::optional<RedisReply>> reply = parser.next();
    if (!reply) co_return fail(reply.error());
    if (*reply) {
      if (waiting_.empty()) {
        co_return fail(ErrorCode::parse, Origin::upstream, "the store says what nobody asked");
      }
      answer(std::move(**reply));
      continue;
    }
    Result<Slice> bytes = Slice();
    {
      Deadline idle(loop_, kIdle, stop);
      bytes = co_await stream.read(idle.token());
    }
    if (!bytes && stop.stopped()) co_return fail(stop.reason());
    if (!bytes) co_return fail(unavailable("the store closed its connection"));
    Status fed = parser.feed(bytes->view());
    if (!fed) co_return fed;
  }
}

/// What was asked in one turn of the loop leaves in one write.
Task<void> RedisClient::write(RedisClient& self, Stream& stream, StopSource& session) {
  while (true) {
    if (self.out_.empty()) {
      Status told = co_await self.more_.wait(session.token());
      if (!told) co_return;
      continue;
    }
    Slice slice = copy_slice(std::exchange(self.out_, {}));
    Status written = co_await stream.write({&slice, 1}, session.token());
    if (written) continue;
    session.request(unavailable("the store closed its connection"));
    co_return;
  }
}

}  // namespace weir

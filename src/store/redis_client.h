// RedisClient: one worker's connection to a Redis server.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/scope.h"
#include "io/address.h"
#include "io/loop.h"
#include "io/signal.h"
#include "io/tls/profile.h"
#include "store/redis_reply.h"

namespace weir {

struct RedisSettings {
  std::string name;  // in logs
  Address address;
  std::string user;
  std::string password;
  std::uint32_t database = 0;
  Duration timeout{};
  std::shared_ptr<const TlsClientProfile> tls = {};  // null: in clear

  /// The same for the same settings.
  std::string text() const;
};

/// What all workers did with one server.
struct RedisCounters {
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint32_t> connections{0};  // open and of use
};

/// What a client shares with the store that it belongs to, which it may outlive.
struct RedisShared {
  RedisSettings settings;
  RedisCounters counters;
};

/// Where the connections of one worker live. In its slots, made on first use.
class RedisScope {
 public:
  static Scope& of(Loop& loop);
  /// Closes them and waits for it. For a worker without exchanges.
  static Task<void> finish(Loop& loop);

 private:
  static const SlotKey& key();
  Scope scope_;
};

class RedisClient final : public Cancellable, public std::enable_shared_from_this<RedisClient> {
 public:
  /// Calls that may wait for an answer at a time; further ones fail at once.
  static constexpr std::size_t kMostCalls = 10'000;

  RedisClient(Loop& loop, std::shared_ptr<RedisShared> shared);

  struct Call : Operation {
    Call(RedisClient& on, std::span<const std::string_view> words) : client(on), command(words) {}
    bool start() { return client.start_call(*this); }
    RedisClient& client;
    std::span<const std::string_view> command;
    Result<RedisReply> result{};
  };

  /// `co_await client.call(words)` gives Result<RedisReply>; errors of Redis are replies. Fails
  /// with `unreachable` within the timeout of the settings. The client and the words outlive
  /// the await.
  OperationAwaiter<Call> call(std::span<const std::string_view> command, StopToken stop = {}) {
    return OperationAwaiter<Call>(stop, *this, command);
  }

  /// Whether calls fail at once, because the server did not answer.
  bool away() const { return state_ == State::away; }

  void cancel(Operation& operation, const Error& why) override;

 private:
  enum class State : std::uint8_t { closed, connecting, open, away };
  struct Waiting {
    Call* call;  // null: nobody waits for the answer any more
    TimePoint due;
  };
  struct Alarm : Timer {
    using Timer::Timer;
    RedisClient* client = nullptr;
  };

  bool start_call(Call& call);
  void answer(RedisReply reply);
  void give_up(const Error& why);
  void watch();
  void too_late();

  static Task<void> live(std::shared_ptr<RedisClient> self);
  Task<Status> session(StopToken stop);
  Task<Status> greet(Stream& stream, RedisParser& parser, StopToken stop);
  Task<Status> read(Stream& stream, RedisParser& parser, StopToken stop);
  static Task<void> write(RedisClient& self, Stream& stream, StopSource& session);

  Loop& loop_;
  const std::shared_ptr<RedisShared> shared_;
  State state_ = State::closed;
  std::deque<Waiting> waiting_;  // in the order in which the answers come
  std::string out_;              // of commands that have not been written yet
  Signal more_;                  // there is something in out_
  StopSource* session_ = nullptr;
  Alarm alarm_;
  TimePoint last_call_{};
};

}  // namespace weir

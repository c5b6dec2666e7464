// One downstream HTTP/1.1 connection: requests in order, each an exchange, until it ends.
#pragma once

#include <coroutine>
#include <memory>

#include "http/h1/framing.h"
#include "http/h1/incoming_body.h"
#include "http/service.h"

namespace weir::h1 {

class ServerExchange;

/// While idle it owns no buffer, no parser and no exchange. Linked into its service's list of
/// sessions, so that a drain finds it.
class ServerSession final : public DownstreamSession, public Recycled<ServerSession> {
 public:
  ServerSession(std::unique_ptr<Stream> stream, const ConnectionFacts& facts, Service& service);
  ~ServerSession() override;

  /// Serves until the connection ends, as a child of `scope`.
  static Scope::Child serve(Scope& scope, std::unique_ptr<ServerSession> session);

  /// Closes now if no exchange is running, else after the response of the running one.
  void drain() override;
  void stop(const Error& why) override { stop_.request(why); }
  void move_away() override;

  /// What was read of the connection before; ahead of `serve`.
  void preload(Slice received) { unread_ = std::move(received); }

  /// Its descriptor can go to another worker: nothing of the connection is kept above it.
  bool movable() const { return stream_->tls() == nullptr; }

 private:
  friend class ServerExchange;
  enum class Phase : std::uint8_t { none, idle, head, exchange, closing, tunnel };

  struct Alarm : Timer {
    using Timer::Timer;
    ServerSession* session = nullptr;
  };
  struct Hangup : HangupWatch {
    using HangupWatch::HangupWatch;
    ServerSession* session = nullptr;
  };

  struct IdleRead;

  /// What was read may be a replay.
  bool early() const { return began_early_ && facts_.tls->early; }
  [[gnu::noinline]] Task<void> settle_late();

  /// False, and the connection ends, when its budget is used up.
  bool misdeed(Misdeed what);
  void judge(const Error& error);

  void enter(Phase phase, Duration limit);
  void on_alarm();
  void watch_rate();
  void on_hangup();
  bool move();
  bool may_be_http2() const;
  [[gnu::noinline]] Task<bool> hand_over();
  // Never inlined: its frame would become part of what an idle connection holds.
  [[gnu::noinline]] Task<void> close_gracefully();

  std::unique_ptr<Stream> stream_;
  const ConnectionFacts facts_;
  Service& service_;
  Slice unread_;  // read, not consumed
  PlainStopSource stop_;
  Alarm alarm_;
  Hangup hangup_;
  ServerExchange* current_ = nullptr;
  std::unique_ptr<AbuseBudget> budget_;  // from the first misdeed on
  Phase phase_ = Phase::none;
  bool moving_ = false;  // the wait for a request was ended to hand the connection over
  bool linger_ = false;
  bool fresh_ = true;  // nothing has come yet
  const bool began_early_;
};

}  // namespace weir::h1

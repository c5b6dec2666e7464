// One upstream HTTP/2 connection: carries many exchanges at once, and rests between them.
#pragma once

#include <memory>

#include "core/list.h"
#include "core/scope.h"
#include "http/abuse_budget.h"
#include "http/h2/connection.h"
#include "http/h2/ping_watch.h"

namespace weir::h2 {

class ClientExchange;
class ClientSession;

/// Whoever keeps sessions for later: a pool. None of these may destroy the session.
class ClientSessionHome {
 public:
  /// A stream has ended: there is room for one more, or the session is idle.
  virtual void stream_ended(ClientSession& session) = 0;
  /// The origin has said what it allows.
  virtual void settings_came(ClientSession& session) = 0;
  /// It takes no new streams: GOAWAY, an error, or its end. Said once; from then on the home does
  /// not know it any more.
  virtual void session_closed(ClientSession& session) = 0;
  /// Where misdeeds of origins are counted; outlives every session.
  virtual AbuseCounters& abuse() = 0;

 protected:
  ~ClientSessionHome() = default;
};

/// What a session may cost.
struct ClientSessionLimits {
  Limits http2;
  FieldLimits fields;
  AbuseLimits abuse;
};

/// Counted: its reader holds it until the connection ends, each exchange on it until that ends.
/// So the reader may be gone while exchanges still read what has come. Single-threaded.
class ClientSession final : private EngineListener,
                            private WriterObserver,
                            public Link,
                            public Recycled<ClientSession> {
 public:
  class Reference {
   public:
    Reference() = default;
    explicit Reference(ClientSession& session) : session_(&session) { ++session_->references_; }
    Reference(Reference&& other) noexcept : session_(std::exchange(other.session_, nullptr)) {}
    Reference& operator=(Reference&& other) noexcept {
      std::swap(session_, other.session_);
      return *this;
    }
    ~Reference() {
      if (session_ != nullptr && --session_->references_ == 0) delete session_;
    }
    ClientSession* operator->() const { return session_; }
    ClientSession& operator*() const { return *session_; }
    explicit operator bool() const { return session_ != nullptr; }

   private:
    ClientSession* session_ = nullptr;
  };

  /// Makes a session of a connected stream and starts its reader as a child of `scope`, which
  /// the home joins before it goes. The home links it into its own list.
  static Reference open(Scope& scope, std::unique_ptr<Stream> stream,
                        const ClientSessionLimits& limits, ClientSessionHome& home);

  /// It takes no new streams, and its home has been told.
  bool closed() const { return home_ == nullptr; }
  /// Streams that could be opened now; 0 once it is closed.
  std::uint32_t free_streams() const;
  std::uint32_t streams() const { return count_; }
  bool idle() const { return count_ == 0; }
  TimePoint idle_since() const { return idle_since_; }
  TimePoint born() const { return born_; }
  std::uint64_t uses() const { return uses_; }
  /// The origin's settings have come: what it allows is known.
  bool knows_settings() const { return settings_seen_; }
  /// WebSocket and the like can be asked for (RFC 8441).
  bool allows_connect_protocol() const {
    return connection_.engine().peer_allows_connect_protocol();
  }

  /// Lets go of it when the connection is closed.
  void hold(std::shared_ptr<const void> what) { held_ = std::move(what); }

  /// Takes no new streams and ends with the last one.
  void close();
  /// Ends everything at once.
  void stop(const Error& why);

 private:
  friend class ClientExchange;

  struct Alarm : Timer {
    using Timer::Timer;
    ClientSession* session = nullptr;
  };

  ClientSession(std::unique_ptr<Stream> stream, const ClientSessionLimits& limits,
                ClientSessionHome& home);
  ~ClientSession();
  static Scope::Child serve(Scope& scope, Reference session);

  // EngineListener
  EngineStream* open(StreamId) override { return nullptr; }
  bool misdeed(Misdeed what) override;
  void calmed() override { budget_.exhaust(abuse_); }
  void on_goaway(StreamId, Reason) override { leave_home(); }
  void on_settings() override;
  void on_ping_ack() override { ping_.answered(); }
  // WriterObserver
  void flushed() override;
  void write_failed(const Error& why) override;

  Engine& engine() { return connection_.engine(); }
  Loop& loop() { return connection_.loop(); }

  void wait_for_settings(ClientExchange& exchange);
  void joined(ClientExchange& exchange);
  void left();
  void receive(Slice bytes);
  void leave_home();
  void say_goodbye();
  void end(const Error& why);
  void on_alarm();
  void arm_alarm();
  [[gnu::noinline]] Task<void> finish();

  const ClientSessionLimits limits_;
  ClientSessionHome* home_;  // until it is closed
  AbuseCounters& abuse_;
  std::shared_ptr<const void> held_;  // longer than the connection
  Connection connection_;
  PlainStopSource reading_;
  Link exchanges_;
  Link waiting_;  // for settings
  AbuseBudget budget_;
  Alarm alarm_;
  PingWatch ping_;
  Error why_;  // the reader ended
  TimePoint born_;
  TimePoint idle_since_;
  std::uint64_t uses_ = 0;
  std::uint64_t resets_ = 0;  // by the origin
  std::size_t hint_ = 0;
  std::uint32_t references_ = 0;
  std::uint32_t count_ = 0;
  bool settings_seen_ = false;
  bool said_goaway_ = false;
  bool gone_ = false;
};

}  // namespace weir::h2

// One downstream HTTP/2 connection: streams side by side, each an exchange, until it ends.
#pragma once

#include <memory>

#include "http/h2/connection.h"
#include "http/h2/ping_watch.h"
#include "http/service.h"

namespace weir::h2 {

class ServerStream;

/// Over any Stream: TLS that agreed on "h2", or plain with prior knowledge. Linked into its
/// service's list of sessions. While no stream is open it owns no buffer but what HPACK needs.
class ServerSession final : public DownstreamSession,
                            private EngineListener,
                            private WriterObserver,
                            public Recycled<ServerSession> {
 public:
  /// `unread`: what was read of the connection already, from the first byte of the preface on.
  ServerSession(std::unique_ptr<Stream> stream, const ConnectionFacts& facts, Service& service,
                Slice unread = {});
  ~ServerSession() override;

  /// Serves until the connection ends, as a child of `scope`.
  static Scope::Child serve(Scope& scope, std::unique_ptr<ServerSession> session);

  /// Says GOAWAY, in two steps while streams are open, and ends with the last of them.
  void drain() override;
  void stop(const Error& why) override;

  /// True if `bytes` can be the beginning of an HTTP/2 connection with prior knowledge: three
  /// bytes are enough, since no method begins with them. Nothing: more bytes are needed.
  static std::optional<bool> is_preface(std::string_view bytes);

 private:
  friend class ServerStream;
  enum class Phase : std::uint8_t { idle, active, closing };

  struct Alarm : Timer {
    using Timer::Timer;
    ServerSession* session = nullptr;
  };

  // EngineListener
  EngineStream* open(StreamId id) override;
  bool misdeed(Misdeed what) override;
  void calmed() override { budget_.exhaust(service_.counters().abuse); }
  void on_goaway(StreamId, Reason) override {}
  void on_settings() override {}
  void on_ping_ack() override;
  // WriterObserver
  void flushed() override;
  void write_failed(const Error& why) override;

  /// What was read may be a replay.
  bool early() const { return began_early_ && facts_.tls->early; }

  Engine& engine() { return connection_.engine(); }
  Loop& loop() { return connection_.loop(); }
  void arm(Timer& timer, Duration after);

  void begin();
  void receive(Slice bytes);
  void start_streams();
  void watch_head();
  void stream_left();
  void say_goaway();

  void on_alarm();
  void on_head_alarm();
  void watch_streams();
  void watch_peer();

  void end(const Error& why);
  void drop_unstarted();
  // Never inlined: their frames would become part of what an idle connection holds.
  [[gnu::noinline]] Task<void> finish();
  [[gnu::noinline]] Task<void> linger();

  const ConnectionFacts facts_;
  Service& service_;
  Connection connection_;
  Slice unread_;
  PlainStopSource reading_;  // ends the reader
  PlainStopSource stop_;     // ends all exchanges
  Scope streams_;            // they run here
  Link fresh_;               // streams whose head is not complete
  Link running_;
  AbuseBudget budget_;
  Alarm alarm_;
  Alarm head_alarm_;
  Error why_;  // the reader ended
  StopSource* lingering_ = nullptr;
  PingWatch ping_;
  std::uint64_t written_at_last_look_ = 0;
  std::size_t hint_ = 0;
  std::uint32_t count_ = 0;  // streams in process, those that still end included
  std::uint32_t heads_ = 0;  // begun
  Phase phase_ = Phase::idle;
  bool draining_ = false;
  bool said_goaway_ = false;
  bool gone_ = false;  // there is nobody to say anything to
  const bool began_early_;
};

}  // namespace weir::h2

// One request on a downstream HTTP/2 connection, and the response that goes out for it.
#pragma once

#include <memory>

#include "http/exchange.h"
#include "http/h2/channel.h"
#include "http/h2/server_session.h"

namespace weir::h2 {

/// What exists before the channel that uses it.
struct StreamExchange {
  StreamExchange(Loop& loop, const ConnectionFacts& facts, StopToken parent)
      : stop_(parent), exchange_(loop, facts, stop_.token()) {}
  StopSource stop_;
  Exchange exchange_;
};

/// The exchange proper is what handlers see; this is the part that knows the wire.
class ServerStream final : private StreamExchange,
                           public Channel,
                           public Link,
                           private InterimSink,
                           public Recycled<ServerStream> {
 public:
  explicit ServerStream(ServerSession& session);
  ~ServerStream();

  /// Lets the chain answer and sends the response, as a child of `scope`.
  static Scope::Child serve(Scope& scope, std::unique_ptr<ServerStream> stream);

  /// The head is complete.
  bool complete() const { return complete_; }

  /// Called every `rate_grace`: ends it if its client moved less than `least` bytes since the
  /// last time although we wait for it.
  void look(std::uint64_t least);

 private:
  Headers* head_begins(HeadKind kind) override;
  void on_head(FieldBlock& block, bool end) override;
  void violated(const Error& why) override;
  void stream_closed(Closed how) override;
  void send_continue() override;
  Task<Status> send_interim(const Response& response) override;

  Status understand(FieldBlock& block, bool end);
  Status make_body(const FieldBlock& block);
  void face_replay();
  Result<Response> page_for(Error error);
  Status agree(Response& response);
  Status begin_response(Response& response, std::uint16_t status, Body* body, bool end);
  Task<Status> answer(Response& response);
  Task<Status> run_tunnel(Response& response);
  void give_up(const Error& why);

  ServerSession& session_;
  ChannelBody* body_ = nullptr;
  Error refusal_;
  std::uint64_t moved_at_last_look_ = 0;
  bool complete_ = false;
  bool too_early_ = false;  // it may be a replay that does harm
  bool responding_ = false;
  bool tunnel_ = false;
  bool discarding_ = false;  // the rest of the request is dropped
};

}  // namespace weir::h2

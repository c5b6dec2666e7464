// One request to an origin over an HTTP/2 session, and its response.
#pragma once

#include <array>

#include "http/exchange.h"
#include "http/h1/client_exchange.h"
#include "http/h2/channel.h"
#include "http/h2/client_session.h"

namespace weir::h2 {

/// What exists before the channel that uses it, and after.
struct OnSession {
  ClientSession::Reference session_;
};

/// Owned by the exchange whose request it sends: the upload runs in that exchange's scope, the
/// response body lives in its arena. Destroying it before the end resets its stream, and nothing
/// else of the session.
class ClientExchange final : private OnSession, public Channel, public Link {
 public:
  /// `stop`: the exchange's, or one of a part of it.
  ClientExchange(Exchange& exchange, ClientSession& session, const h1::ClientLimits& limits,
                 StopToken stop);
  ~ClientExchange();

  /// Returns at the response head; the upload may still be running. Errors are of
  /// Origin::upstream unless the client's body failed. Retry::always: the session was full or
  /// closing, or the origin said that it did not look at the request (REFUSED_STREAM, GOAWAY).
  /// Retry::if_unsent: the connection was lost before a byte of the response came. A body that
  /// was begun is never sent twice, unless it is replayable. `unsupported`: `request.upgrade` and
  /// an origin that does not allow extended CONNECT.
  Task<Result<Response>> run(h1::ClientRequest request);
  /// After `run`: nobody wants more of it. A stream that is open is reset.
  void abandon();

 private:
  friend class ClientSession;
  struct Watchdog : Timer {
    using Timer::Timer;
    ClientExchange* owner = nullptr;
  };
  struct Interim {
    std::uint16_t status;
    Headers* headers;
  };

  static constexpr std::size_t kMaxInterim = 32;

  Headers* head_begins(HeadKind kind) override;
  void on_head(FieldBlock& block, bool end) override;
  void violated(const Error& why) override;
  void stream_closed(Closed how) override;

  Task<Status> agree_on_upgrade();
  Status begin(const h1::ClientRequest& request);
  Task<void> upload();
  Task<Status> pass_interim();
  Result<Response> make_response();
  Response make_tunnel();
  Error explain(const Error& error) const;
  void arm(Duration time);
  void on_watchdog();

  Exchange& exchange_;
  const h1::ClientLimits& limits_;
  StopSource stop_;
  Watchdog watchdog_;
  Signal heard_;  // a head has come, or none will
  ChannelBody* body_ = nullptr;
  Headers* headers_ = nullptr;
  std::uint64_t progress_seen_ = 0;
  std::string_view websocket_key_;
  std::optional<std::uint64_t> length_;
  Interim* interims_ = nullptr;  // that wait to be passed on
  std::uint16_t status_ = 0;
  std::uint8_t interims_count_ = 0;
  std::uint8_t interims_passed_ = 0;
  Method method_ = Method::get;
  bool tunnel_ = false;    // CONNECT, extended or not
  bool extended_ = false;  // RFC 8441
  bool replayable_ = false;
  bool uploading_ = false;  // there is a body to send
  bool final_ = false;      // the response head has come
  bool end_ = false;        // and is all there is
  bool counted_ = false;    // among the session's streams
};

}  // namespace weir::h2

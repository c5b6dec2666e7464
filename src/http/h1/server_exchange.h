// One request on a downstream HTTP/1.1 connection, and the response that goes out for it.
#pragma once

#include <optional>

#include "http/h1/head_buffer.h"
#include "http/h1/pieces.h"
#include "http/h1/server_session.h"
#include "http/h1/writer.h"

namespace weir::h1 {

/// The exchange proper is what handlers see; this is the part that knows the wire.
class ServerExchange final : public BodyObserver,
                             public InterimSink,
                             public Recycled<ServerExchange> {
 public:
  explicit ServerExchange(ServerSession& session);
  ~ServerExchange();

  /// Reads the head, lets the chain answer, writes the response. True if the connection can
  /// carry another exchange.
  [[gnu::noinline]] Task<bool> run();

  /// Body bytes moved so far, both ways, and whether we wait for the client: for the minimum rate.
  std::uint64_t moved() const;
  bool waiting_for_client() const { return writing() || (body_ != nullptr && body_->waiting()); }
  std::uint64_t moved_at_last_look = 0;

 private:
  struct ClientWrite;

  /// What is said to a client after its connection was given up.
  struct Farewell {
    struct Alarm : Timer {
      Alarm()
          : Timer([](Timer& self) {
              static_cast<Alarm&>(self).stop->request(
                  Error(ErrorCode::slow_peer, Origin::client, "does not read"));
            }) {}
      StopSource* stop = nullptr;
    };
    StopSource stop;
    Alarm alarm;
  };

  Result<bool> parse_head(HeadBuffer& buffer);
  Status understand();
  Status find_authority();
  Status make_body();
  [[gnu::noinline]] Task<Status> face_replay();
  bool body_is_over() const { return body_ == nullptr || (body_->complete() && !body_->broken()); }
  bool gives_up_body();
  [[gnu::noinline]] Task<bool> drop_body();

  Result<Response> page_for(Error error);
  bool plan(Response& response);
  Result<Slice> write_head(const Response& response);
  void write_framing(HeadWriter& writer, const Response& response);
  Task<Status> send(Response& response);
  static bool gather(Body& body, Pieces& pieces);
  Task<bool> run_tunnel(Response response);
  /// `ends`: nothing of the response follows.
  auto write(std::span<Slice> slices, bool ends = false);
  StopToken write_token();
  bool writing() const { return write_ != nullptr; }
  auto writer_free();

  Task<Status> send_continue() override;
  void trickles() override { session_.misdeed(Misdeed::empty_frame); }
  Task<Status> send_interim(const Response& response) override;

  ServerSession& session_;
  Exchange exchange_;
  Slice head_bytes_;  // what the request's views point into
  RequestHead head_;
  Framing framing_;
  IncomingBody* body_ = nullptr;
  std::uint64_t sent_ = 0;
  const WriteOperation* write_ = nullptr;  // the one that waits for the client
  std::coroutine_handle<> waiting_writer_;
  std::optional<Farewell> farewell_;
  bool responding_ = false;
  bool keep_alive_ = false;
  bool chunked_ = false;
  bool until_close_ = false;
};

}  // namespace weir::h1

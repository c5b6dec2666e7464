// One request on a downstream HTTP/1.1 connection, and the response that goes out for it.
#pragma once

#include <array>

#include "http/h1/server_session.h"

namespace weir::h1 {

/// Lives in the frame of ServerSession::serve. The exchange proper is what handlers see; this is
/// the part that knows the wire.
class ServerExchange final : public BodyObserver, public InterimSink {
 public:
  explicit ServerExchange(ServerSession& session);
  ~ServerExchange();

  /// Reads the head, lets the chain answer, writes the response. True if the connection can
  /// carry another exchange.
  Task<bool> run();

  /// Body bytes moved so far, both ways, and whether we wait for the client: for the minimum rate.
  std::uint64_t moved() const;
  bool waiting_for_client() const { return writing_ || (body_ != nullptr && body_->waiting()); }
  std::uint64_t moved_at_last_look = 0;

 private:
  struct Pieces;

  Task<Status> read_head();
  Status understand();
  Status find_authority();
  void make_body();

  Task<Status> respond(Result<Response> result);
  bool plan(Response& response);
  Result<Slice> write_head(const Response& response);
  Task<Status> send(Response& response);
  Task<Status> send_body(Response& response, Slice head);
  Task<Status> send_end(Response& response);
  Task<Status> write(std::span<Slice> slices);
  Task<bool> run_tunnel(Response response);
  Task<bool> body_is_over();

  Task<Status> send_continue() override;
  Task<Status> send_interim(const Response& response) override;
  auto writer_free();

  ServerSession& session_;
  Exchange exchange_;
  Slice head_bytes_;  // what the request's views point into
  RequestHead head_;
  Framing framing_;
  IncomingBody* body_ = nullptr;
  std::uint64_t sent_ = 0;
  std::coroutine_handle<> waiting_writer_;
  bool writing_ = false;
  bool responding_ = false;
  bool keep_alive_ = false;
  bool has_content_ = false;
  bool chunked_ = false;
  bool until_close_ = false;
};

}  // namespace weir::h1

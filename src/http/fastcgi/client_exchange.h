// One request to a FastCGI application over a connection, and its response.
#pragma once

#include <optional>

#include "http/exchange.h"
#include "http/fastcgi/output_body.h"
#include "http/fastcgi/params.h"
#include "http/fastcgi/stdin_pieces.h"
#include "http/h1/client_exchange.h"
#include "http/h1/head_buffer.h"

namespace weir::fastcgi {

struct CgiHead;

/// Owned by the exchange whose request it sends, as h1::ClientExchange: the upload runs in that
/// exchange's scope, the response body lives in its arena. A connection that is not to be kept, or
/// cannot be used again, is closed with it, which tells the application that nobody waits.
class ClientExchange final : public OutputObserver {
 public:
  /// `stop`: the exchange's, or one of a part of it. Of `limits` all but the chunks count.
  ClientExchange(Exchange& exchange, h1::ClientConnection connection, h1::ConnectionHome& home,
                 const h1::ClientLimits& limits, StopToken stop);
  ~ClientExchange();

  /// Returns at the head of the response; the upload may still be running. The length of the body
  /// of `request` is known. Errors are of Origin::upstream unless the client's body failed;
  /// `retry` says what is safe: Retry::always where the application says that it did not look at
  /// the request.
  Task<Result<Response>> run(h1::ClientRequest request, Call call);
  /// After `run`: nobody wants more of it. A connection that was not given back is closed.
  void abandon();

 private:
  struct Watchdog : Timer {
    using Timer::Timer;
    ClientExchange* owner = nullptr;
  };
  struct ApplicationWrite;

  auto write(std::span<Slice> slices);
  Status write_head(const h1::ClientRequest& request, const Call& call);
  bool all_sent() const { return sent_ == length_; }
  Task<void> upload(Body* body);
  Result<bool> parse_head(h1::HeadBuffer& buffer, CgiHead& head, Headers& headers, Slice& rest);
  Result<Response> make_response(const h1::ClientRequest& request, const CgiHead& head,
                                 Headers headers, Slice rest);
  Error explain(const Error& error) const;
  Error no_answer() const;
  void await_response();
  void on_watchdog();
  void output_complete() override;
  void release_if_done();
  void tell_error_text();

  Exchange& exchange_;
  h1::ClientConnection connection_;
  h1::ConnectionHome& home_;
  const h1::ClientLimits& limits_;
  StopSource stop_;
  Watchdog watchdog_;
  StdinPieces pieces_;
  Slice first_;                       // of the body: what did not fit into the first write
  std::optional<OutputBody> output_;  // none before `run`
  Slice head_bytes_;                  // what the response's views point into
  std::uint64_t length_ = 0;          // of the request's body
  std::uint64_t sent_ = 0;            // of it
  std::uint64_t progress_seen_ = 0;
  const WriteOperation* write_ = nullptr;  // the one that waits for the application
  bool keep_ = false;
  bool upload_done_ = false;
  bool upload_failed_ = false;
  bool responded_ = false;  // the head was taken
  bool abandoned_ = false;
};

}  // namespace weir::fastcgi

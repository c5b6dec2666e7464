#include "io/tls/handshake.h"

#include <utility>

#include "io/tls/stream.h"

namespace weir {
namespace {

// Errors of Weir's own making stay its own.
Error blame(const Error& error, Origin peer) {
  return error.code == ErrorCode::internal || error.code == ErrorCode::cancelled ? error
                                                                                 : error.with(peer);
}

}  // namespace

Task<Result<std::unique_ptr<Stream>>> tls_accept(std::unique_ptr<Stream> transport,
                                                 const TlsServerProfile& profile, StopToken stop,
                                                 Slice received) {
  auto stream = std::make_unique<TlsStream>(std::move(transport));
  Status done = stream->engine().start_server(profile, stream->loop().slots());
  if (!received.empty()) stream->engine().feed(std::move(received));
  if (done) done = co_await stream->handshake(stop);
  if (!done) co_return fail(blame(done.error(), Origin::client));
  co_return std::unique_ptr<Stream>(std::move(stream));
}

Task<Result<std::unique_ptr<Stream>>> tls_connect(std::unique_ptr<Stream> transport,
                                                  std::shared_ptr<const TlsClientProfile> profile,
                                                  std::string name, StopToken stop,
                                                  std::string_view only) {
  auto stream = std::make_unique<TlsStream>(std::move(transport));
  TlsEngine& engine = stream->engine();
  Status done = engine.start_client(std::move(profile), name, stream->loop().slots(), only);
  if (done) done = co_await stream->handshake(stop);
  if (!done) co_return fail(blame(done.error(), Origin::upstream).with(Retry::if_unsent));
  co_return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace weir

#include "app/control_server.h"

#include <fmt/format.h>

#include "app/control_stream.h"
#include "io/deadline.h"

namespace weir {
namespace {

ControlAnswer refusal(std::string_view why) {
  return {false, fmt::format("the request was not understood: {}\n", why), {}};
}

}  // namespace

Status ControlServer::listen(int socket) {
  Result<std::unique_ptr<Listener>> listener = loop_.listen(socket);
  if (!listener) return fail(listener.error());
  scope_.spawn(accept(std::move(*listener)));
  return {};
}

Task<void> ControlServer::finish() {
  scope_.stop(Error(ErrorCode::shutting_down, Origin::weir, "control socket"));
  co_await scope_.join();
}

Task<void> ControlServer::accept(std::unique_ptr<Listener> listener) {
  while (true) {
    Result<std::unique_ptr<Stream>> stream = co_await listener->accept(scope_.token());
    if (scope_.token().stopped()) co_return;
    if (stream && open_ < kMaxConnections) scope_.spawn(serve(std::move(*stream)));
  }
}

Task<void> ControlServer::serve(std::unique_ptr<Stream> stream) {
  ++open_;
  Deadline reading(loop_, kPatience, scope_.token());
  Result<std::string> line = co_await read_line(*stream, kMaxControlRequest, reading.token());
  if (line || line.error().code == ErrorCode::limit) {
    ControlAnswer answer;
    if (!line) {
      answer = refusal("it is too long");
    } else if (auto request = decode_request(*line); request) {
      answer = co_await handler_.answer(std::move(*request));
    } else {
      answer = refusal(request.error());
    }
    Deadline writing(loop_, kPatience);  // an answer under way is not cut off by the end
    (void)co_await write_line(*stream, encode(answer), writing.token());
  }
  --open_;
}

}  // namespace weir

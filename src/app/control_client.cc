#include "app/control_client.h"

#include <fmt/format.h>

#include <optional>

#include "app/control_stream.h"
#include "core/scope.h"
#include "io/deadline.h"
#include "io/epoll_loop.h"

namespace weir {
namespace {

// Longer than any answer may take: a reload waits for names and for another reload.
constexpr Duration kPatience = std::chrono::seconds(60);

Task<void> ask_and_stop(Loop& loop, Address address, ControlRequest request,
                        std::optional<Result<ControlAnswer>>& result) {
  result = co_await ask(loop, std::move(address), std::move(request), kPatience);
  loop.stop();
}

std::string explain_failure(const std::string& path, const Error& error) {
  switch (error.code) {
    case ErrorCode::refused:
      return fmt::format(
          "weir: no process answers at {}\n"
          "      start one with `weir run FILE`, or name its socket with --control PATH\n",
          path);
    case ErrorCode::permission:
      return fmt::format("weir: this user may not speak to the process at {}\n", path);
    default:
      return fmt::format("weir: the process at {} gave no answer: {}\n", path, name(error.code));
  }
}

}  // namespace

Task<Result<ControlAnswer>> ask(Loop& loop, Address address, ControlRequest request,
                                Duration patience) {
  Deadline deadline(loop, patience);
  auto stream = co_await loop.connect(std::move(address), deadline.token());
  if (!stream) co_return fail(stream.error());
  Status sent = co_await write_line(**stream, encode(request), deadline.token());
  if (!sent) co_return fail(sent.error());
  auto line = co_await read_line(**stream, kMaxControlAnswer, deadline.token());
  if (!line) co_return fail(line.error());
  auto answer = decode_answer(*line);
  if (!answer) co_return fail(ErrorCode::parse, Origin::upstream, "not an answer");
  co_return std::move(*answer);
}

ControlAnswer ask_process(const std::string& path, const ControlRequest& request) {
  Result<std::unique_ptr<Loop>> loop = make_epoll_loop(0, 0);
  if (!loop) return {false, fmt::format("weir: {}\n", name(loop.error().code)), {}};
  std::optional<Result<ControlAnswer>> result;
  Scope scope;
  scope.spawn(ask_and_stop(**loop, Address::unix_socket(path), request, result));
  (*loop)->run();
  if (!*result) return {false, explain_failure(path, result->error()), {}};
  return std::move(**result);
}

}  // namespace weir

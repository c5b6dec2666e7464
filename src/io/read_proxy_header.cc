#include "io/read_proxy_header.h"

#include <string>
#include <utility>

namespace weir {
namespace {

Error blame(const Error& error) {
  if (error.code == ErrorCode::end_of_stream) {
    return {ErrorCode::truncated, Origin::client, "PROXY: the connection ended before its header"};
  }
  if (error.code == ErrorCode::timeout) {
    return {ErrorCode::header_timeout, Origin::client, "PROXY: no header came in time"};
  }
  return error.with(Origin::client);
}

}  // namespace

Task<Result<ProxiedStart>> read_proxy_header(Stream& stream, StopToken stop) {
  Slice bytes;
  while (true) {
    Result<Slice> more = co_await stream.read(stop);
    if (!more) co_return fail(blame(more.error()));
    // It nearly always comes in one piece.
    bytes = bytes.empty() ? std::move(*more)
                          : copy_slice(std::string(bytes.view()).append(more->view()));
    ProxiedStart start;
    Result<std::size_t> length = parse_proxy_header(bytes.view(), start.header);
    if (!length) co_return fail(length.error());
    if (*length == 0) continue;
    start.rest = bytes.part(bytes.view().substr(*length));
    start.bytes = std::move(bytes);
    co_return start;
  }
}

}  // namespace weir

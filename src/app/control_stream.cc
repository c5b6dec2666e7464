#include "app/control_stream.h"

namespace weir {

Task<Result<std::string>> read_line(Stream& stream, std::size_t most, StopToken stop) {
  std::string line;
  while (true) {
    Result<Slice> piece = co_await stream.read(stop);
    if (!piece && piece.error().code == ErrorCode::end_of_stream) {
      co_return fail(ErrorCode::truncated, Origin::client, "no line end");
    }
    if (!piece) co_return fail(piece.error());
    std::size_t end = piece->view().find('\n');
    line += piece->view().substr(0, end);
    if (line.size() >= most) co_return fail(ErrorCode::limit, Origin::client, "line too long");
    if (end != std::string_view::npos) co_return line;
  }
}

Task<Status> write_line(Stream& stream, std::string line, StopToken stop) {
  line += '\n';
  Slice slice = Slice::unowned(line);
  co_return co_await stream.write({&slice, 1}, stop);
}

}  // namespace weir

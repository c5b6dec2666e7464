// Request heads: whole and in pieces give the same, framing never fails badly, and what is
// written parses again to the same.
#include <cstddef>
#include <cstdint>
#include <string>

#include "http/h1/testing.h"
#include "http/h1/writer.h"
#include "require.h"

namespace {

using namespace weir;
using h1::testing::ExactBytes;
using h1::testing::Request;

std::string listing(const Headers& headers) {
  std::string text;
  for (const Header& h : headers) {
    text.append(h.name()).append(": ").append(h.value()).append("\r\n");
    require(h.id() == header_id(h.name()), "the number belongs to the name");
  }
  return text;
}

void check_pieces(const Request& whole, std::string_view text, std::size_t cut) {
  Arena arena;
  Headers headers(arena);
  h1::RequestHead head;
  std::size_t seen = 0;
  for (std::size_t size = std::min(cut, text.size());; size = std::min(size + cut, text.size())) {
    ExactBytes bytes(text.substr(0, size));
    auto length = h1::parse_request_head(bytes.view(), seen, {}, head, headers);
    bool complete = length && *length != 0;
    if (complete) {
      require(whole.complete(), "what is complete in pieces is complete as a whole");
      require(*length == *whole.length, "same length");
      require(head.target == whole.head.target, "same target");
      require(listing(headers) == listing(whole.headers), "same fields");
      return;
    }
    if (!length || size == text.size()) break;
    seen = size;
  }
  require(!whole.complete(), "what is complete as a whole is complete in pieces");
}

void check_round_trip(Request& request) {
  std::string before = listing(request.headers);
  std::string out(
      h1::request_head_size(request.head.method_text, request.head.target, request.headers), '\0');
  h1::HeadWriter writer(out.data(), out.data() + out.size());
  writer.request_line(request.head.method_text, request.head.target);
  writer.fields(request.headers);
  auto written = writer.finish();
  require(written.has_value(), "what was parsed can be written");
  require(written->size() == out.size(), "the announced size is exact");
  h1::Limits wide{.line = 1 << 17, .head_bytes = 1 << 18};  // ": " may be longer than ":"
  Request again(*written, wide);
  require(again.complete() && *again.length == written->size(), "what is written parses");
  require(again.head.target == request.head.target, "target survives");
  require(again.head.method_text == request.head.method_text, "method survives");
  require(listing(again.headers) == before, "fields survive");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::size_t cut = data[0] % 64 + 1;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Request request(text);
  check_pieces(request, text, cut);
  if (!request.complete()) return 0;
  auto framing = h1::request_framing(request.head, request.headers);
  if (framing) {
    require(framing->kind != h1::Framing::Kind::until_close, "no request ends with its connection");
    require(framing->kind != h1::Framing::Kind::tunnel, "no request starts a tunnel");
  }
  check_round_trip(request);
  h1::remove_hop_by_hop(request.headers);
  require(!request.headers.has(HeaderId::connection), "Connection is gone");
  check_round_trip(request);
  return 0;
}

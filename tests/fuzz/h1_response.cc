// Response heads: whole and in pieces give the same, and what is written parses to the same.
#include <cstddef>
#include <cstdint>
#include <string>

#include "http/h1/testing.h"
#include "http/h1/writer.h"
#include "require.h"

namespace {

using namespace weir;
using h1::testing::ExactBytes;
using h1::testing::Response;

std::string listing(const Headers& headers) {
  std::string text;
  for (const Header& h : headers) {
    text.append(h.name()).append(": ").append(h.value()).append("\r\n");
  }
  return text;
}

void check_pieces(const Response& whole, std::string_view text, std::size_t cut) {
  Arena arena;
  Headers headers(arena);
  h1::ResponseHead head;
  std::size_t seen = 0;
  for (std::size_t size = std::min(cut, text.size());; size = std::min(size + cut, text.size())) {
    ExactBytes bytes(text.substr(0, size));
    auto length = h1::parse_response_head(bytes.view(), seen, {}, head, headers);
    if (length && *length != 0) {
      require(whole.complete(), "what is complete in pieces is complete as a whole");
      require(*length == *whole.length && head.status == whole.head.status, "same head");
      require(listing(headers) == listing(whole.headers), "same fields");
      return;
    }
    if (!length || size == text.size()) break;
    seen = size;
  }
  require(!whole.complete(), "what is complete as a whole is complete in pieces");
}

void check_round_trip(const Response& response) {
  std::string out(
      h1::response_head_size(response.head.status, response.head.reason, response.headers), '\0');
  h1::HeadWriter writer(out.data(), out.data() + out.size());
  writer.status_line(response.head.status, response.head.reason);
  writer.fields(response.headers);
  auto written = writer.finish();
  require(written.has_value(), "what was parsed can be written");
  h1::Limits wide{.line = 1 << 17, .head_bytes = 1 << 18};
  Response again(*written, wide);
  require(again.complete() && *again.length == written->size(), "what is written parses");
  require(again.head.status == response.head.status, "status survives");
  if (!response.head.reason.empty()) {
    require(again.head.reason == response.head.reason, "reason survives");
  }
  require(listing(again.headers) == listing(response.headers), "fields survive");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::size_t cut = data[0] % 64 + 1;
  auto method = static_cast<Method>(data[1] % (static_cast<unsigned>(Method::other) + 1));
  std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  Response response(text);
  check_pieces(response, text, cut);
  if (!response.complete()) return 0;
  auto framing = h1::response_framing(response.head, response.headers, method);
  if (framing && framing->kind == h1::Framing::Kind::until_close) {
    require(!framing->keep_alive, "what ends with its connection does not keep it");
  }
  check_round_trip(response);
  return 0;
}

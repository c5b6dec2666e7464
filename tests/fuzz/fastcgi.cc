// What a FastCGI application sends: in pieces and whole give the same, parts lie in the input, and
// a head that is taken can be written as one of HTTP.
#include <cstddef>
#include <cstdint>
#include <string>

#include "http/fastcgi/cgi_head.h"
#include "http/fastcgi/records.h"
#include "http/h1/testing.h"
#include "http/h1/writer.h"
#include "require.h"

namespace {

using namespace weir;
using fastcgi::CgiHead;
using fastcgi::RecordReader;
using h1::testing::ExactBytes;

struct Read {
  std::string output;
  std::string error_output;
  bool ended = false;
  bool refused = false;
  friend bool operator==(const Read&, const Read&) = default;
};

Read read(std::string_view bytes, std::size_t piece) {
  RecordReader reader;
  Read got;
  while (!bytes.empty()) {
    ExactBytes came(bytes.substr(0, piece));
    bytes.remove_prefix(came.view().size());
    std::string_view rest = came.view();
    while (!rest.empty()) {
      auto step = reader.next(rest);
      if (!step) {
        got.refused = true;
        return got;
      }
      require(step->consumed > 0 && step->consumed <= rest.size(), "each step goes on");
      bool data = step->kind == RecordReader::Step::Kind::output ||
                  step->kind == RecordReader::Step::Kind::error_output;
      require(data != step->data.empty(), "output is not empty, and nothing else has any");
      if (step->kind == RecordReader::Step::Kind::output) got.output += step->data;
      if (step->kind == RecordReader::Step::Kind::error_output) got.error_output += step->data;
      got.ended = step->kind == RecordReader::Step::Kind::end;
      if (got.ended) return got;
      rest.remove_prefix(step->consumed);
    }
  }
  return got;
}

void check_head(std::string_view text) {
  ExactBytes bytes(text);
  Arena arena;
  Headers headers(arena);
  CgiHead head;
  auto length = fastcgi::parse_cgi_head(bytes.view(), 0, {}, head, headers);
  if (!length || *length == 0) return;
  require(*length <= text.size(), "a head lies in its bytes");
  require(head.status >= 200 && head.status <= 599, "a status of a response");
  for (std::size_t cut = 0; cut < std::min<std::size_t>(*length, 64); ++cut) {
    Arena other;
    Headers again(other);
    CgiHead part;
    ExactBytes some(text.substr(0, *length - cut));
    auto got = fastcgi::parse_cgi_head(some.view(), some.view().size() / 2, {}, part, again);
    require(cut == 0 ? got && *got == *length : !got || *got == 0, "complete only when complete");
  }
  std::string out(h1::response_head_size(head.status, head.reason, headers) + 16, '\0');
  h1::HeadWriter writer(out.data(), out.data() + out.size());
  writer.status_line(head.status, head.reason);
  writer.fields(headers);
  require(writer.finish().has_value(), "what was taken can be written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Read whole = read(text, std::string_view::npos);
  require(read(text, data[0] % 32 + 1) == whole, "pieces and whole give the same");
  check_head(whole.output);
  check_head(text);
  return 0;
}

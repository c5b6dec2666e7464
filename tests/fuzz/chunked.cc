// Chunked bodies: whole and in pieces give the same, and what is encoded decodes to the same.
#include <cstddef>
#include <cstdint>
#include <string>

#include "http/h1/testing.h"
#include "http/h1/writer.h"
#include "require.h"

namespace {

using namespace weir;
using h1::testing::Decoded;

std::string encode(const Decoded& decoded, std::size_t piece) {
  std::string text;
  std::string_view body = decoded.body;
  for (std::size_t at = 0; at < body.size(); at += piece) {
    std::string_view part = body.substr(at, piece);
    char head[h1::kMaxChunkHead];
    text.append(head, h1::write_chunk_head(head, part.size()));
    text.append(part).append(h1::kChunkEnd);
  }
  const Headers& trailers = decoded.decoder.trailers();
  std::string last(trailers.wire_size() + 5, '\0');
  auto written = h1::write_last_chunk(last.data(), last.data() + last.size(), trailers);
  require(written.has_value() && written->size() == last.size(), "trailers can be written");
  return text + last;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::size_t cut = data[0] % 32 + 1;
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Decoded whole(text);
  Decoded pieces(text, cut);
  require(whole.ended == pieces.ended, "ends alike");
  require(whole.error.code == pieces.error.code, "fails alike");
  require(whole.body == pieces.body, "same body");
  require(whole.body.size() <= text.size(), "no data out of nothing");
  if (!whole.ended) return 0;
  require(whole.consumed == pieces.consumed, "same end");
  h1::ChunkLimits wide{.trailer_bytes = 1 << 17};
  Decoded again(encode(whole, cut), 0, wide);
  require(again.ended && again.body == whole.body, "what is encoded decodes");
  require(again.decoder.trailers().size() == whole.decoder.trailers().size(), "trailers survive");
  return 0;
}

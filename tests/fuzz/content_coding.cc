// Content codings: whole and in pieces give the same, nothing grows beyond the limit, and what is
// encoded decodes to the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>

#include "http/compression/decoder.h"
#include "http/compression/encoder.h"
#include "input.h"
#include "require.h"

namespace {

using namespace weir;

constexpr Coding kChosen[] = {Coding::gzip, Coding::zstd, Coding::brotli};
constexpr std::size_t kMost = 1 << 20;

struct Outcome {
  std::string text;
  ErrorCode error = ErrorCode::none;
  bool complete = false;
};

Outcome decode(Coding coding, std::string_view in, std::size_t piece, std::size_t room) {
  auto decoder = make_decoder(coding);
  decoder->limit = {.ratio = 50, .free = 64 * 1024};
  Outcome outcome;
  std::string buffer(room, '\0');
  for (std::size_t at = 0; at < in.size(); at += piece) {
    std::string_view part = in.substr(at, piece);
    bool more = true;
    while (more) {
      Result<Decoded> done = decoder->decode(part, buffer, Origin::upstream);
      if (!done) {
        outcome.error = done.error().code;
        return outcome;
      }
      outcome.text.append(buffer, 0, done->written);
      more = done->more;
      std::size_t taken = std::min(at + piece, in.size()) - part.size();
      require(outcome.text.size() <= 64 * 1024 + 50 * (taken + 1), "grows within the limit");
    }
    require(part.empty(), "all is taken that can be");
  }
  outcome.complete = decoder->complete();
  return outcome;
}

std::string encode(Coding coding, std::string_view in, std::size_t piece, std::size_t room) {
  auto encoder = make_encoder(coding, std::nullopt);
  std::string out;
  std::string buffer(room, '\0');
  for (bool ended = false; !ended;) {
    ended = in.empty();
    std::string_view part = in.substr(0, piece);
    in.remove_prefix(part.size());
    Flush flush = ended ? Flush::end : part.size() % 3 == 0 ? Flush::sync : Flush::none;
    for (bool more = true; more;) {
      Result<Encoded> done = encoder->encode(part, buffer, flush);
      require(done.has_value(), "can be encoded");
      out.append(buffer, 0, done->written);
      more = done->more;
    }
    require(part.empty(), "all was taken");
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  Coding coding = kChosen[input.byte() % std::size(kChosen)];
  std::size_t piece = input.byte() % 64 + 1;
  std::size_t room = input.byte() + 8;
  std::string text = input.bytes(kMost);

  Outcome whole = decode(coding, text, kMost, 16 * 1024);
  Outcome pieces = decode(coding, text, piece, room);
  if (whole.error != ErrorCode::limit && pieces.error != ErrorCode::limit) {
    require(whole.error == pieces.error, "fails alike");
    require(whole.complete == pieces.complete, "ends alike");
    require(whole.text == pieces.text || whole.error != ErrorCode::none, "gives the same");
  }

  Outcome back = decode(coding, encode(coding, text, piece * 8, room), piece, room);
  if (back.error == ErrorCode::limit) return 0;
  require(back.error == ErrorCode::none && back.complete, "what was encoded can be decoded");
  require(back.text == text, "and gives the same");
  return 0;
}

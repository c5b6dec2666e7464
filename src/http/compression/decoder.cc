#include "http/compression/decoder.h"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <limits>

namespace weir {
namespace {

// Members that follow each other are one stream (RFC 1952, 2.2).
class GzipDecoder final : public Decoder {
 public:
  explicit GzipDecoder() {
    constexpr int kGzipAlone = 16;
    good_ = inflateInit2(&stream_, MAX_WBITS + kGzipAlone) == Z_OK;
  }
  ~GzipDecoder() override { inflateEnd(&stream_); }
  bool complete() const override { return ended_; }

 private:
  Step step(std::string_view in, std::span<char> out) override {
    if (!good_) return {.good = false};
    if (in.empty() && ended_) return {};
    if (ended_ && inflateReset(&stream_) != Z_OK) return {.good = false};
    ended_ = false;
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    auto offered = static_cast<uInt>(std::min(in.size(), kMost));
    auto room = static_cast<uInt>(std::min(out.size(), kMost));
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    stream_.avail_in = offered;
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = room;
    int status = inflate(&stream_, Z_NO_FLUSH);
    ended_ = status == Z_STREAM_END;
    bool good = ended_ || status == Z_OK || status == Z_BUF_ERROR;  // that one: nothing to do yet
    return {offered - stream_.avail_in, room - stream_.avail_out, good};
  }

  z_stream stream_{};
  bool good_ = false;
  bool ended_ = false;
};

// The library also reads formats of before the standard, with decoders that nobody looks after.
// Their marks differ in the first byte from those of frames and of what is to be skipped (RFC
// 8878, 3.1).
bool may_begin_frame(char first) {
  auto byte = static_cast<unsigned char>(first);
  return byte == 0x28 || byte >> 4 == 0x5;
}

class ZstdDecoder final : public Decoder {
 public:
  explicit ZstdDecoder(ZSTD_DCtx* state) : state_(state) {
    constexpr int kWindowBits = 23;  // RFC 9659
    ZSTD_DCtx_setParameter(state_, ZSTD_d_windowLogMax, kWindowBits);
  }
  ~ZstdDecoder() override { ZSTD_freeDCtx(state_); }
  bool complete() const override { return ended_; }

 private:
  Step step(std::string_view in, std::span<char> out) override {
    if (in.empty() && between_) return {};
    if (between_ && !may_begin_frame(in.front())) return {.good = false};
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    std::size_t left = ZSTD_decompressStream(state_, &output, &input);
    if (ZSTD_isError(left)) return {.good = false};
    ended_ = between_ = left == 0;
    return {input.pos, output.pos, true};
  }

  ZSTD_DCtx* state_;
  bool between_ = true;  // frames
  bool ended_ = false;
};

class BrotliDecoder final : public Decoder {
 public:
  explicit BrotliDecoder(BrotliDecoderState* state) : state_(state) {}
  ~BrotliDecoder() override { BrotliDecoderDestroyInstance(state_); }
  bool complete() const override { return BrotliDecoderIsFinished(state_) != 0; }

 private:
  Step step(std::string_view in, std::span<char> out) override {
    if (complete()) return {.good = in.empty()};  // nothing may follow
    std::size_t in_left = in.size();
    auto* from = reinterpret_cast<const std::uint8_t*>(in.data());
    std::size_t out_left = out.size();
    auto* to = reinterpret_cast<std::uint8_t*>(out.data());
    auto status = BrotliDecoderDecompressStream(state_, &in_left, &from, &out_left, &to, nullptr);
    return {in.size() - in_left, out.size() - out_left, status != BROTLI_DECODER_RESULT_ERROR};
  }

  BrotliDecoderState* state_;
};

}  // namespace

Result<Decoded> Decoder::decode(std::string_view& in, std::span<char> out, Origin from) {
  Step done = step(in, out);
  if (!done.good) return fail(ErrorCode::parse, from, "the content is not encoded as it says");
  in.remove_prefix(done.taken);
  taken_ += done.taken;
  written_ += done.written;
  if (written_ > limit.free && (written_ - limit.free) / limit.ratio > taken_) {
    return fail(ErrorCode::limit, from, "the content expands to too much");
  }
  // An engine that neither takes nor gives anything waits for more.
  bool stuck = done.taken == 0 && done.written == 0;
  return Decoded{done.written, !stuck && (!in.empty() || done.written == out.size())};
}

std::unique_ptr<Decoder> make_decoder(Coding coding) {
  switch (coding) {
    case Coding::gzip: return std::make_unique<GzipDecoder>();
    case Coding::zstd:
      if (ZSTD_DCtx* state = ZSTD_createDCtx()) return std::make_unique<ZstdDecoder>(state);
      break;
    case Coding::brotli:
      if (auto* state = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
        return std::make_unique<BrotliDecoder>(state);
      }
      break;
    case Coding::identity: break;
  }
  return nullptr;
}

}  // namespace weir

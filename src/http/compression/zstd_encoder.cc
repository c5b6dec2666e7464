#include <zstd.h>

#include "http/compression/encoder.h"

namespace weir {
namespace {

constexpr int kLevel = 3;
// RFC 9659: clients of HTTP need not take more than 8 MiB; this is what bounds our own memory.
constexpr int kWindowBits = 18;

class ZstdEncoder final : public Encoder {
 public:
  explicit ZstdEncoder(ZSTD_CCtx* state) : state_(state) {}
  bool restarts() const override { return true; }
  bool restart(std::optional<std::uint64_t> length) override {
    if (ZSTD_isError(ZSTD_CCtx_reset(state_, ZSTD_reset_session_only))) return false;
    if (length) ZSTD_CCtx_setPledgedSrcSize(state_, *length);
    return true;
  }
  ~ZstdEncoder() override { ZSTD_freeCCtx(state_); }

  Result<Encoded> encode(std::string_view& in, std::span<char> out, Flush flush) override {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{out.data(), out.size(), 0};
    ZSTD_EndDirective how = flush == Flush::end    ? ZSTD_e_end
                            : flush == Flush::sync ? ZSTD_e_flush
                                                   : ZSTD_e_continue;
    std::size_t left = ZSTD_compressStream2(state_, &output, &input, how);
    if (ZSTD_isError(left)) return fail(ErrorCode::internal, Origin::weir, "zstd");
    in.remove_prefix(input.pos);
    bool more = !in.empty() || (how != ZSTD_e_continue && left > 0);
    return Encoded{output.pos, more};
  }

 private:
  ZSTD_CCtx* state_;
};

}  // namespace

std::unique_ptr<Encoder> make_zstd_encoder(std::optional<std::uint64_t> length) {
  ZSTD_CCtx* state = ZSTD_createCCtx();
  if (state == nullptr) return nullptr;
  ZSTD_CCtx_setParameter(state, ZSTD_c_compressionLevel, kLevel);
  ZSTD_CCtx_setParameter(state, ZSTD_c_windowLog, kWindowBits);
  if (length) ZSTD_CCtx_setPledgedSrcSize(state, *length);
  return std::make_unique<ZstdEncoder>(state);
}

}  // namespace weir

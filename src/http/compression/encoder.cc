#include "http/compression/encoder.h"

namespace weir {

std::unique_ptr<Encoder> make_encoder(Coding coding, std::optional<std::uint64_t> length) {
  switch (coding) {
    case Coding::gzip: return make_gzip_encoder();
    case Coding::zstd: return make_zstd_encoder(length);
    case Coding::brotli: return make_brotli_encoder(length);
    case Coding::identity: break;
  }
  return nullptr;
}

}  // namespace weir

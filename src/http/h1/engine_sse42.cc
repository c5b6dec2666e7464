// The parser with 16-byte vectors.
#if defined(__x86_64__)

#include <immintrin.h>

#include "http/h1/parser_parts.h"
#include "http/h1/vector_classes.h"

#pragma clang attribute push(__attribute__((target("sse4.2"))), apply_to = function)

#include "http/h1/parser_core.h"

namespace weir::h1 {
namespace {

struct Sse42 {
  using Register = __m128i;
  static constexpr long kWidth = 16;

  static Register load(const char* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  static std::uint32_t mask(Register r) { return static_cast<std::uint32_t>(_mm_movemask_epi8(r)); }
  static Register splat(char c) { return _mm_set1_epi8(c); }

  static std::uint32_t token_stops(Register r) {
    const Register by_low = load(kTokenNibbles.by_low);
    const Register by_high = load(kTokenNibbles.by_high);
    // A byte above 0x7f selects 0 from by_low.
    Register rows = _mm_shuffle_epi8(by_low, r);
    Register row = _mm_shuffle_epi8(by_high, _mm_and_si128(_mm_srli_epi16(r, 4), splat(0x0f)));
    return mask(_mm_cmpeq_epi8(_mm_and_si128(rows, row), _mm_setzero_si128()));
  }
  static std::uint32_t value_stops(Register r) {
    Register low = _mm_cmpeq_epi8(_mm_min_epu8(r, splat(0x1f)), r);
    Register tab = _mm_cmpeq_epi8(r, splat('\t'));
    Register del = _mm_cmpeq_epi8(r, splat(0x7f));
    return mask(_mm_or_si128(_mm_andnot_si128(tab, low), del));
  }
  static std::uint32_t target_stops(Register r) {
    Register good = _mm_cmpgt_epi8(r, splat(0x20));  // signed: not above 0x7f either
    Register bad = _mm_or_si128(_mm_cmpeq_epi8(r, splat('#')), _mm_cmpeq_epi8(r, splat(0x7f)));
    return mask(_mm_andnot_si128(bad, good)) ^ 0xffff;
  }
};

}  // namespace

constinit const Engine kSse42Engine = Parser<VectorScanner<Sse42>>::engine();

}  // namespace weir::h1

#pragma clang attribute pop

#endif

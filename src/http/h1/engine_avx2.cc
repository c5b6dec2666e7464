// The parser with 32-byte vectors.
#if defined(__x86_64__)

#include <immintrin.h>

#include "http/h1/parser_parts.h"
#include "http/h1/vector_classes.h"

#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2"))), apply_to = function)

#include "http/h1/parser_core.h"

namespace weir::h1 {
namespace {

struct Avx2 {
  using Register = __m256i;
  static constexpr long kWidth = 32;

  static Register load(const char* p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static Register load_twice(const char* p) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static std::uint32_t mask(Register r) {
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(r));
  }
  static Register splat(char c) { return _mm256_set1_epi8(c); }

  static std::uint32_t token_stops(Register r) {
    const Register by_low = load_twice(kTokenNibbles.by_low);
    const Register by_high = load_twice(kTokenNibbles.by_high);
    // A byte above 0x7f selects 0 from by_low.
    Register rows = _mm256_shuffle_epi8(by_low, r);
    Register row =
        _mm256_shuffle_epi8(by_high, _mm256_and_si256(_mm256_srli_epi16(r, 4), splat(0x0f)));
    return mask(_mm256_cmpeq_epi8(_mm256_and_si256(rows, row), _mm256_setzero_si256()));
  }
  static std::uint32_t value_stops(Register r) {
    Register low = _mm256_cmpeq_epi8(_mm256_min_epu8(r, splat(0x1f)), r);
    Register tab = _mm256_cmpeq_epi8(r, splat('\t'));
    Register del = _mm256_cmpeq_epi8(r, splat(0x7f));
    return mask(_mm256_or_si256(_mm256_andnot_si256(tab, low), del));
  }
  static std::uint32_t target_stops(Register r) {
    Register good = _mm256_cmpgt_epi8(r, splat(0x20));  // signed: not above 0x7f either
    Register bad =
        _mm256_or_si256(_mm256_cmpeq_epi8(r, splat('#')), _mm256_cmpeq_epi8(r, splat(0x7f)));
    return ~mask(_mm256_andnot_si256(bad, good));
  }
};

}  // namespace

constinit const Engine kAvx2Engine = Parser<VectorScanner<Avx2>>::engine();

}  // namespace weir::h1

#pragma clang attribute pop

#endif

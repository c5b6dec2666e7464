#include "http/h1/head_parser.h"

#include "http/h1/engine.h"

namespace weir::h1 {
namespace {

const Engine* widest() {
#if defined(__x86_64__)
  if (is_available(Isa::avx2)) return &kAvx2Engine;
  if (is_available(Isa::sse42)) return &kSse42Engine;
#endif
  return &kScalarEngine;
}

const Engine* const chosen = widest();

}  // namespace

bool is_available(Isa isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (isa == Isa::sse42) return __builtin_cpu_supports("sse4.2") != 0;
  if (isa == Isa::avx2) {
    return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi") != 0 &&
           __builtin_cpu_supports("bmi2") != 0;
  }
#endif
  return isa == Isa::scalar;
}

const Engine& engine(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::sse42) return kSse42Engine;
  if (isa == Isa::avx2) return kAvx2Engine;
#endif
  return kScalarEngine;
}

const Engine& engine() { return *chosen; }

Result<std::size_t> parse_request_head(std::string_view bytes, std::size_t already_seen,
                                       const Limits& limits, RequestHead& head, Headers& headers) {
  return chosen->request_head(bytes, already_seen, limits, head, headers);
}

Result<std::size_t> parse_response_head(std::string_view bytes, std::size_t already_seen,
                                        const Limits& limits, ResponseHead& head,
                                        Headers& headers) {
  return chosen->response_head(bytes, already_seen, limits, head, headers);
}

Result<std::size_t> parse_fields(std::string_view bytes, const Limits& limits, Origin origin,
                                 Headers& headers) {
  return chosen->fields(bytes, limits, origin, headers);
}

Result<bool> holds_empty_line(std::string_view bytes, std::size_t already_seen, Origin origin) {
  return chosen->complete(bytes, already_seen, origin);
}

}  // namespace weir::h1

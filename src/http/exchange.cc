#include "http/exchange.h"

namespace weir {

std::string_view name(Version version) {
  switch (version) {
    case Version::http_1_0: return "HTTP/1.0";
    case Version::http_1_1: return "HTTP/1.1";
    case Version::http_2: return "HTTP/2";
    case Version::http_3: return "HTTP/3";
  }
  return "HTTP/1.1";
}

Exchange::~Exchange() { unwind(); }

std::string_view Exchange::request_id() {
  if (request_id_.empty()) {
    static constexpr char kHex[] = "0123456789abcdef";
    char* text = arena_.allocate(32);
    for (int half = 0; half < 2; ++half) {
      std::uint64_t bits = loop_.random().next();
      for (int i = 0; i < 16; ++i) text[half * 16 + i] = kHex[(bits >> (4 * i)) & 15];
    }
    request_id_ = {text, 32};
  }
  return request_id_;
}

Task<void> Exchange::finish() {
  if (scope_.running() > 0) {
    scope_.stop(Error(ErrorCode::cancelled, Origin::weir, "the exchange has ended"));
    co_await scope_.join();
  }
  outcome_.ended = loop_.now();
  unwind();
}

void Exchange::unwind() {
  while (last_ != nullptr) {
    Step* step = last_;
    last_ = step->previous;
    step->run(step, *this);
  }
}

}  // namespace weir

#include "http/exchange.h"

#include <cstring>

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

std::string_view name(CacheUse use) {
  switch (use) {
    case CacheUse::none: return "none";
    case CacheUse::hit: return "hit";
    case CacheUse::stale: return "stale";
    case CacheUse::renewed: return "renewed";
    case CacheUse::collapsed: return "collapsed";
    case CacheUse::miss: return "miss";
    case CacheUse::pass: return "pass";
  }
  return "none";
}

namespace {

// Sixteen digits, eight at a time in one word.
void write_hex(std::uint64_t bits, char* out) {
  for (int half = 0; half < 2; ++half) {
    std::uint64_t spread = static_cast<std::uint32_t>(bits >> (32 * half));
    spread = (spread | (spread << 16)) & 0x0000ffff0000ffff;
    spread = (spread | (spread << 8)) & 0x00ff00ff00ff00ff;
    spread = (spread | (spread << 4)) & 0x0f0f0f0f0f0f0f0f;
    std::uint64_t above_nine = ((spread + 0x0606060606060606) >> 4) & 0x0101010101010101;
    std::uint64_t digits = spread + 0x3030303030303030 + above_nine * ('a' - '0' - 10);
    std::memcpy(out + 8 * half, &digits, sizeof digits);
  }
}

}  // namespace

Exchange::~Exchange() { unwind(); }

std::string_view Exchange::request_id() {
  if (request_id_.empty()) {
    char* text = arena_.allocate(32);
    write_hex(loop_.random().next(), text);
    write_hex(loop_.random().next(), text + 16);
    request_id_ = {text, 32};
  }
  return request_id_;
}

Task<void> Exchange::finish() {
  scope_.stop(Error(ErrorCode::cancelled, Origin::weir, "the exchange has ended"));
  co_await scope_.join();
  finish_idle();
}

void Exchange::finish_idle() {
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

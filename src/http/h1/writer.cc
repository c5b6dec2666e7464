#include "http/h1/writer.h"

#include <charconv>
#include <cstring>

#include "http/status.h"
#include "http/syntax.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weir::h1 {
namespace {

constexpr std::string_view kVersion = " HTTP/1.1\r\n";
constexpr std::size_t kStatusAndSpaces = 13;  // "HTTP/1.1 200 "

// What is copied, and which bytes make the copy fail.
struct Name {  // no CTL, SP, DEL, ':' or byte above 0x7f: nothing that ends a name or a line
  static bool is_bad(char c) {
    return static_cast<signed char>(c) <= 0x20 || c == ':' || c == 0x7f;
  }
#if defined(__SSE2__)
  static __m128i bad(__m128i r) {
    __m128i low = _mm_cmplt_epi8(r, _mm_set1_epi8(0x21));  // signed: also above 0x7f
    __m128i del = _mm_cmpeq_epi8(r, _mm_set1_epi8(0x7f));
    return _mm_or_si128(_mm_or_si128(low, del), _mm_cmpeq_epi8(r, _mm_set1_epi8(':')));
  }
#endif
};
struct Value {  // no CTL but HTAB
  static bool is_bad(char c) { return !has_class(c, kValueChar); }
#if defined(__SSE2__)
  static __m128i bad(__m128i r) {
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(r, _mm_set1_epi8(0x1f)), r);
    __m128i tab = _mm_cmpeq_epi8(r, _mm_set1_epi8('\t'));
    __m128i del = _mm_cmpeq_epi8(r, _mm_set1_epi8(0x7f));
    return _mm_or_si128(_mm_andnot_si128(tab, low), del);
  }
#endif
};
struct Known {  // checked already
  static bool is_bad(char) { return false; }
#if defined(__SSE2__)
  static __m128i bad(__m128i) { return _mm_setzero_si128(); }
#endif
};
struct Target {  // no CTL, SP, DEL or byte above 0x7f
  static bool is_bad(char c) { return static_cast<signed char>(c) <= 0x20 || c == 0x7f; }
#if defined(__SSE2__)
  static __m128i bad(__m128i r) {
    __m128i low = _mm_cmplt_epi8(r, _mm_set1_epi8(0x21));
    return _mm_or_si128(low, _mm_cmpeq_epi8(r, _mm_set1_epi8(0x7f)));
  }
#endif
};

#if defined(__SSE2__)

template <class Word>
Word word_at(const char* p) {
  Word word;
  std::memcpy(&word, p, sizeof(word));
  return word;
}

// 8 to 16 bytes as two halves that overlap.
template <class Kind>
__m128i copy_half(char* out, const char* in, std::size_t n) {
  auto first = word_at<long long>(in);
  auto last = word_at<long long>(in + n - 8);
  std::memcpy(out, &first, 8);
  std::memcpy(out + n - 8, &last, 8);
  return Kind::bad(_mm_set_epi64x(last, first));
}

// Copies and classifies in one go; the last step overlaps the one before. False if a bad byte
// went by.
template <class Kind>
bool copy_checked(char* out, std::string_view text) {
  const char* in = text.data();
  std::size_t n = text.size();
  __m128i bad = _mm_setzero_si128();
  if (n >= 16) {
    for (std::size_t at = 0; at < n; at += 16) {
      std::size_t from = at + 16 <= n ? at : n - 16;
      __m128i r = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + from));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + from), r);
      bad = _mm_or_si128(bad, Kind::bad(r));
    }
  } else if (n >= 8) {
    bad = copy_half<Kind>(out, in, n);
  } else if (n >= 4) {
    auto first = word_at<int>(in);
    auto last = word_at<int>(in + n - 4);
    std::memcpy(out, &first, 4);
    std::memcpy(out + n - 4, &last, 4);
    bad = Kind::bad(_mm_set_epi32(last, first, last, first));
  } else {
    bool good = true;
    for (std::size_t i = 0; i < n; ++i) {
      good = good && !Kind::is_bad(in[i]);
      out[i] = in[i];
    }
    return good;
  }
  return _mm_movemask_epi8(bad) == 0;
}

#else

template <class Kind>
bool copy_checked(char* out, std::string_view text) {
  bool good = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    good = good && !Kind::is_bad(text[i]);
    out[i] = text[i];
  }
  return good;
}

#endif

char* put(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

}  // namespace

std::size_t request_head_size(std::string_view method, std::string_view target,
                              const Headers& headers) {
  return method.size() + 1 + target.size() + kVersion.size() + headers.wire_size() + 2;
}

std::size_t response_head_size(std::uint16_t status, std::string_view reason,
                               const Headers& headers) {
  if (reason.empty()) reason = reason_phrase(status);
  return kStatusAndSpaces + reason.size() + 2 + headers.wire_size() + 2;
}

bool HeadWriter::reserve(std::size_t bytes) {
  if (static_cast<std::size_t>(end_ - next_) >= bytes) [[likely]]
    return true;
  if (failure_ == Failure::none) failure_ = Failure::no_room;
  return false;
}

void HeadWriter::request_line(std::string_view method, std::string_view target) {
  if (!reserve(method.size() + 1 + target.size() + kVersion.size())) return;
  bool good = !method.empty() && !target.empty() && copy_checked<Name>(next_, method);
  next_ += method.size();
  *next_++ = ' ';
  good = good && copy_checked<Target>(next_, target);
  next_ = put(next_ + target.size(), kVersion);
  if (!good) failure_ = Failure::forbidden;
}

void HeadWriter::status_line(std::uint16_t status, std::string_view reason) {
  if (reason.empty() || reason == reason_phrase(status)) {
    if (std::string_view line = weir::status_line(status); !line.empty()) return raw(line);
  }
  if (!reserve(kStatusAndSpaces + reason.size() + 2)) return;
  if (status < 100 || status > 999) failure_ = Failure::forbidden;
  next_ = put(next_, "HTTP/1.1 ");
  *next_++ = static_cast<char>('0' + status / 100 % 10);
  *next_++ = static_cast<char>('0' + status / 10 % 10);
  *next_++ = static_cast<char>('0' + status % 10);
  *next_++ = ' ';
  if (!copy_checked<Value>(next_, reason)) failure_ = Failure::forbidden;
  next_ = put(next_ + reason.size(), "\r\n");
}

void HeadWriter::field(std::string_view name, std::string_view value) {
  if (!reserve(name.size() + value.size() + 4)) return;
  bool good = !name.empty() && copy_checked<Name>(next_, name);
  next_ += name.size();
  finish_field(value, good);
}

// The name has been compared with a name that is known to be a token.
void HeadWriter::known_field(std::string_view name, std::string_view value) {
  if (!reserve(name.size() + value.size() + 4)) return;
  copy_checked<Known>(next_, name);
  next_ += name.size();
  finish_field(value, true);
}

void HeadWriter::finish_field(std::string_view value, bool good) {
  next_ = put(next_, ": ");
  good = good && copy_checked<Value>(next_, value);
  next_ = put(next_ + value.size(), "\r\n");
  if (!good) [[unlikely]]
    failure_ = Failure::forbidden;
}

void HeadWriter::field(HeaderId id, std::uint64_t value) {
  char digits[20];
  char* end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  field(header_name(id), std::string_view(digits, static_cast<std::size_t>(end - digits)));
}

void HeadWriter::fields(const Headers& headers) {
  for (const Header& h : headers) {
    if (h.id() != HeaderId::unknown) [[likely]] {
      known_field(h.name(), h.value());
    } else {
      field(h.name(), h.value());
    }
  }
}

void HeadWriter::raw(std::string_view lines) {
  if (reserve(lines.size())) next_ = put(next_, lines);
}

Result<std::string_view> HeadWriter::finish() {
  raw("\r\n");
  switch (failure_) {
    case Failure::none: return std::string_view(begin_, size());
    case Failure::no_room: return fail(ErrorCode::limit, Origin::weir, "the head does not fit");
    case Failure::forbidden: break;
  }
  return fail(ErrorCode::internal, Origin::weir, "a forbidden byte in an outgoing head");
}

Result<std::string_view> write_last_chunk(char* begin, char* end, const Headers& trailers) {
  HeadWriter writer(begin, end);
  writer.raw("0\r\n");
  writer.fields(trailers);
  return writer.finish();
}

}  // namespace weir::h1

#include "http/h1/chunked.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "http/h1/engine.h"
#include "http/h1/framing.h"
#include "http/h1/head_parser.h"
#include "http/syntax.h"

namespace weir::h1 {
namespace {

constexpr std::uint64_t kMaxChunk = std::numeric_limits<std::int64_t>::max();
constexpr unsigned kMaxDigits = 16;
constexpr std::uint64_t kFreeFraming = 16;       // bytes per chunk, besides twice its data
constexpr std::uint64_t kEnoughData = 1u << 31;  // pays for any line; keeps sums from overflowing

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

// Why a byte is refused; empty if it is not.
struct ChunkedDecoder::Refusal {
  std::string_view detail;
  ErrorCode code = ErrorCode::bad_framing;
};

Result<ChunkedDecoder::Step> ChunkedDecoder::next(std::string_view in) {
  const char* p = in.data();
  const char* end = p + in.size();
  auto consumed = [&] { return static_cast<std::size_t>(p - in.data()); };
  while (p != end && state_ != State::done) {
    if (state_ == State::data) {
      auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, end - p));
      std::string_view data(p, size);
      skip_data(size);
      p += size;
      return Step{Step::Kind::data, consumed(), data};
    }
    if (state_ == State::trailer_fields) {
      auto taken = take_trailers({p, static_cast<std::size_t>(end - p)});
      if (!taken) {
        state_ = State::failed;
        return fail(taken.error());
      }
      p += *taken;
      continue;
    }
    if (Refusal refusal = framing_byte(*p); !refusal.detail.empty()) [[unlikely]] {
      state_ = State::failed;
      return fail(refusal.code, origin_, refusal.detail);
    }
    if (state_ != State::trailer_fields) ++p;  // there the byte is the first of a field
  }
  return Step{state_ == State::done ? Step::Kind::end : Step::Kind::need_more, consumed(), {}};
}

void ChunkedDecoder::skip_data(std::uint64_t bytes) {
  left_ -= bytes;
  if (left_ == 0) state_ = State::data_cr;
}

ChunkedDecoder::Refusal ChunkedDecoder::framing_byte(char c) {
  switch (state_) {
    case State::size_first:
    case State::size: return size_byte(c);
    case State::size_lf:
      if (c != '\n') return {"bare CR after a chunk size"};
      return end_of_size_line();
    case State::data_cr:
      if (c != '\r') return {"chunk data longer than its size"};
      state_ = State::data_lf;
      return {};
    case State::data_lf:
      if (c != '\n') return {"bare CR after chunk data"};
      state_ = State::size_first;
      return {};
    case State::trailer_first:
      state_ = c == '\r' ? State::trailer_last_lf : State::trailer_fields;
      return {};
    case State::trailer_last_lf:
      if (c != '\n') return {"bare CR after the last chunk"};
      state_ = State::done;
      return {};
    case State::data:
    case State::trailer_fields:
    case State::done:
    case State::failed: return {"bytes after an error"};
    default: return extension_byte(c);
  }
}

ChunkedDecoder::Refusal ChunkedDecoder::size_byte(char c) {
  if (state_ == State::size_first) {
    left_ = 0;
    digits_ = 0;
    line_bytes_ = 0;
    state_ = State::size;
  }
  ++line_bytes_;
  if (int digit = hex_value(c); digit >= 0) {
    if (++digits_ > kMaxDigits) return {"too many digits in a chunk size"};
    left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
    return {};
  }
  if (digits_ == 0) return {"no chunk size"};
  if (left_ > kMaxChunk) return {"chunk size too large"};
  extension_bytes_ = c == '\r' ? 0 : 1;
  return after_extension(c);
}

// Behind the size, a value, or a quoted value: what may come next is the same.
ChunkedDecoder::Refusal ChunkedDecoder::after_extension(char c) {
  if (c == '\r') {
    state_ = State::size_lf;
  } else if (c == ';') {
    state_ = State::extension_name_first;
  } else if (is_ows(c)) {
    state_ = State::extension_before_semicolon;
  } else {
    return {"malformed chunk size line"};
  }
  return {};
}

// chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] ), RFC 9112, 7.1.1.
ChunkedDecoder::Refusal ChunkedDecoder::extension_byte(char c) {
  constexpr Refusal kMalformed{"malformed chunk extension"};
  ++line_bytes_;
  if (c != '\r' && ++extension_bytes_ > limits_.extension_bytes) {
    return {"chunk extension too long", ErrorCode::limit};
  }
  switch (state_) {
    case State::extension_before_semicolon:
      if (c == ';') {
        state_ = State::extension_name_first;
      } else if (!is_ows(c)) {
        return kMalformed;
      }
      return {};
    case State::extension_name_first:
      if (is_token_char(c)) {
        state_ = State::extension_name;
      } else if (!is_ows(c)) {
        return kMalformed;
      }
      return {};
    case State::extension_name:
      if (is_token_char(c)) return {};
      [[fallthrough]];
    case State::extension_after_name:
      if (c == '=') {
        state_ = State::extension_value_first;
        return {};
      }
      if (is_ows(c)) {
        state_ = State::extension_after_name;
        return {};
      }
      if (c == '\r' && state_ == State::extension_after_name) return kMalformed;
      return after_extension(c);
    case State::extension_value_first:
      if (c == '"') {
        state_ = State::extension_quoted;
      } else if (is_token_char(c)) {
        state_ = State::extension_value;
      } else if (!is_ows(c)) {
        return kMalformed;
      }
      return {};
    case State::extension_value:
      if (is_token_char(c)) return {};
      return after_extension(c);
    case State::extension_quoted:
      if (c == '"') {
        state_ = State::extension_after_quoted;
      } else if (c == '\\') {
        state_ = State::extension_quoted_pair;
      } else if (!has_class(c, kQuotedChar)) {
        return kMalformed;
      }
      return {};
    case State::extension_quoted_pair:
      if (!has_class(c, kValueChar)) return kMalformed;
      state_ = State::extension_quoted;
      return {};
    default: return after_extension(c);  // extension_after_quoted
  }
}

ChunkedDecoder::Refusal ChunkedDecoder::end_of_size_line() {
  state_ = left_ == 0 ? State::trailer_first : State::data;
  std::uint64_t framing = line_bytes_ + 3;  // LF, and CRLF behind the data
  std::uint64_t free = kFreeFraming + 2 * std::min(left_, kEnoughData);
  if (framing > free) {
    excess_ += static_cast<std::uint32_t>(framing - free);
  } else {
    excess_ -= static_cast<std::uint32_t>(std::min<std::uint64_t>(excess_, free - framing));
  }
  if (excess_ > limits_.excess_bytes) {
    return {"too much chunk framing for too little data", ErrorCode::limit};
  }
  return {};
}

// Trailers are rare and may come in pieces: they are collected until their empty line is there.
Result<std::size_t> ChunkedDecoder::take_trailers(std::string_view in) {
  std::size_t before = trailer_size_;
  std::size_t room = limits_.trailer_bytes - before;
  std::string_view piece = in.substr(0, room);
  std::size_t needed = before + piece.size();
  if (needed > trailer_capacity_) {
    std::size_t capacity = std::max<std::size_t>({256, needed, 2 * trailer_capacity_});
    char* bigger = trailers_.arena().allocate(capacity);
    if (before != 0) std::memcpy(bigger, trailer_buffer_, before);
    trailer_buffer_ = bigger;
    trailer_capacity_ = static_cast<std::uint32_t>(capacity);
  }
  if (!piece.empty()) std::memcpy(trailer_buffer_ + before, piece.data(), piece.size());
  trailer_size_ = static_cast<std::uint32_t>(needed);
  std::string_view section(trailer_buffer_, needed);
  auto whole = holds_empty_line(section, before, origin_);
  if (!whole) return fail(whole.error());
  if (!*whole) {
    if (needed < limits_.trailer_bytes) return piece.size();
    return fail(ErrorCode::head_too_large, origin_, "the trailer section is too large");
  }
  Limits limits{.head_bytes = limits_.trailer_bytes, .header_count = limits_.trailer_count};
  auto length = parse_fields(section, limits, origin_, trailers_);
  if (!length) return fail(length.error());
  remove_forbidden_trailers(trailers_);
  state_ = State::done;
  return *length - before;
}

std::size_t write_chunk_head(char* out, std::uint64_t size) {
  char* end = std::to_chars(out, out + kMaxDigits, size, 16).ptr;
  std::memcpy(end, "\r\n", 2);
  return static_cast<std::size_t>(end + 2 - out);
}

}  // namespace weir::h1

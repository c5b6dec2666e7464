// Text for logs and headers: where it goes, how it is escaped, how numbers and times are written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "io/address.h"

namespace weir::expression {

/// A growing string or a fixed buffer. A fixed buffer that is full takes no more and says so.
class Sink {
 public:
  explicit Sink(std::string& out) : string_(&out) {}
  Sink(char* begin, std::size_t capacity) : at_(begin), end_(begin + capacity) {}

  void put(std::string_view text) {
    if (string_ != nullptr) {
      string_->append(text);
    } else if (text.size() <= static_cast<std::size_t>(end_ - at_)) {
      copy_short(at_, text.data(), text.size());
      at_ += text.size();
    } else {
      failed_ = true;
      end_ = at_;
    }
  }
  void put(char c) { put(std::string_view(&c, 1)); }

  void refuse() { failed_ = true; }
  /// The buffer was too small, or a value was refused by its escape.
  bool failed() const { return failed_; }
  /// Of a fixed buffer.
  char* position() const { return at_; }

 private:
  /// Most pieces of a log line are shorter than what a call of memcpy is worth.
  static void copy_short(char* to, const char* from, std::size_t size) {
    if (size > 16) {
      std::memcpy(to, from, size);
    } else if (size >= 8) {
      std::memcpy(to, from, 8);
      std::memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
      std::memcpy(to, from, 4);
      std::memcpy(to + size - 4, from + size - 4, 4);
    } else {
      for (std::size_t i = 0; i < size; ++i) to[i] = from[i];
    }
  }

  std::string* string_ = nullptr;
  char* at_ = nullptr;
  char* end_ = nullptr;
  bool failed_ = false;
};

/// What a hole does with characters that its surroundings would misread.
enum class Escape : std::uint8_t {
  none,    ///< nothing: keys, plain text
  log,     ///< `\"`, `\\` and `\xHH` for controls and bytes above 0x7e
  json,    ///< as inside a JSON string; bytes that are not UTF-8 become \u00HH
  header,  ///< a control character (but tab) refuses the whole text: CR, LF, NUL above all
};

/// With `lower`, ASCII capitals are lowered.
void put_text(Sink& sink, std::string_view text, Escape escape, bool lower = false);

void put_number(Sink& sink, std::int64_t number);
void put_address(Sink& sink, const IpAddress& address);
/// Milliseconds with three decimals: `12.345`. Rounds down.
void put_milliseconds(Sink& sink, std::int64_t nanoseconds);
/// Times in nanoseconds since 1970 UTC, from the year 1 to 9999.
void put_rfc3339(Sink& sink, std::int64_t time);  ///< 2026-03-01T12:30:00.123Z
void put_clf(Sink& sink, std::int64_t time);      ///< 01/Mar/2026:12:30:00 +0000
void put_unix(Sink& sink, std::int64_t time);     ///< 1772368200.123

}  // namespace weir::expression

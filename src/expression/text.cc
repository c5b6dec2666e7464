#include "expression/text.h"

#include <array>
#include <charconv>

namespace weir::expression {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

void put_run(Sink& sink, std::string_view run, bool lower) {
  if (!lower) return sink.put(run);
  for (char c : run) sink.put(c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c);
}

void put_hex(Sink& sink, std::string_view prefix, unsigned char byte) {
  sink.put(prefix);
  sink.put(kHexDigits[byte >> 4]);
  sink.put(kHexDigits[byte & 15]);
}

/// Bytes of the UTF-8 sequence (RFC 3629) that `text` begins with; 0 if it begins with none.
std::size_t utf8_sequence(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  unsigned char first = byte(0);
  std::size_t size = first < 0x80   ? 1
                     : first < 0xc2 ? 0
                     : first < 0xe0 ? 2
                     : first < 0xf0 ? 3
                     : first < 0xf5 ? 4
                                    : 0;
  if (size == 0 || size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  if (first == 0xe0 && byte(1) < 0xa0) return 0;  // overlong
  if (first == 0xed && byte(1) > 0x9f) return 0;  // surrogates
  if (first == 0xf0 && byte(1) < 0x90) return 0;
  if (first == 0xf4 && byte(1) > 0x8f) return 0;  // above U+10FFFF
  return size;
}

/// What neither a quoted log field nor a JSON string carries as it is.
constexpr std::array<bool, 256> kSpecial = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 256; ++c) table[c] = c < 0x20 || c >= 0x7f || c == '"' || c == '\\';
  return table;
}();

/// Where the first special byte at or after `at` is, or the end.
std::size_t find_special(std::string_view text, std::size_t at) {
  while (at < text.size() && !kSpecial[static_cast<unsigned char>(text[at])]) ++at;
  return at;
}

void put_special(Sink& sink, unsigned char c, Escape escape) {
  if (c == '"' || c == '\\') {
    sink.put('\\');
    sink.put(static_cast<char>(c));
  } else if (escape == Escape::log) {
    put_hex(sink, "\\x", c);
  } else if (c == '\n') {
    sink.put("\\n");
  } else if (c == '\r') {
    sink.put("\\r");
  } else if (c == '\t') {
    sink.put("\\t");
  } else {
    put_hex(sink, "\\u00", c);
  }
}

void put_escaped(Sink& sink, std::string_view text, Escape escape, bool lower) {
  std::size_t start = 0;
  std::size_t at = find_special(text, 0);
  while (at < text.size()) {
    auto c = static_cast<unsigned char>(text[at]);
    std::size_t sequence = escape == Escape::json && c >= 0x80 ? utf8_sequence(text.substr(at)) : 0;
    if (sequence == 0) {
      put_run(sink, text.substr(start, at - start), lower);
      put_special(sink, c, escape);
      start = at + 1;
    }
    at = find_special(text, at + (sequence > 0 ? sequence : 1));
  }
  put_run(sink, text.substr(start), lower);
}

/// Writes `number` with `digits` digits and returns the end.
char* write_padded(char* out, std::int64_t number, int digits) {
  for (int i = digits; i-- > 0; number /= 10) out[i] = static_cast<char>('0' + number % 10);
  return out + digits;
}

char* write_number(char* out, std::int64_t number) {
  return std::to_chars(out, out + 24, number).ptr;
}

/// 12.345 of 12345 thousandths; what is negative becomes 0.
void put_thousandths(Sink& sink, std::int64_t thousandths) {
  if (thousandths < 0) thousandths = 0;
  char text[32];
  char* end = write_number(text, thousandths / 1000);
  *end++ = '.';
  end = write_padded(end, thousandths % 1000, 3);
  sink.put({text, static_cast<std::size_t>(end - text)});
}

struct Civil {
  std::int64_t year;
  int month, day, hour, minute, second, millisecond;
};

/// The proleptic Gregorian calendar: eras of 400 years that begin on the first of March.
Civil civil(std::int64_t time) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::int64_t seconds = time / kSecond - (time % kSecond < 0 ? 1 : 0);
  std::int64_t nanoseconds = time - seconds * kSecond;
  std::int64_t days = seconds / 86400 - (seconds % 86400 < 0 ? 1 : 0);
  auto rest = static_cast<int>(seconds - days * 86400);
  std::int64_t shifted = days + 719468;  // days since 0000-03-01
  std::int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  std::int64_t day_of_era = shifted - era * 146097;
  std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  auto day_of_year =
      static_cast<int>(day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100));
  int march_month = (5 * day_of_year + 2) / 153;
  int month = march_month < 10 ? march_month + 3 : march_month - 9;
  return {year_of_era + era * 400 + (month <= 2 ? 1 : 0),
          month,
          day_of_year - (153 * march_month + 2) / 5 + 1,
          rest / 3600,
          rest / 60 % 60,
          rest % 60,
          static_cast<int>(nanoseconds / 1'000'000)};
}

char* write_clock(char* out, const Civil& civil) {
  out = write_padded(out, civil.hour, 2);
  *out++ = ':';
  out = write_padded(out, civil.minute, 2);
  *out++ = ':';
  return write_padded(out, civil.second, 2);
}

}  // namespace

void put_text(Sink& sink, std::string_view text, Escape escape, bool lower) {
  if (escape == Escape::log || escape == Escape::json)
    return put_escaped(sink, text, escape, lower);
  if (escape == Escape::header) {
    for (char c : text) {
      auto byte = static_cast<unsigned char>(c);
      if ((byte < 0x20 && c != '\t') || byte == 0x7f) return sink.refuse();
    }
  }
  put_run(sink, text, lower);
}

void put_number(Sink& sink, std::int64_t number) {
  char text[24];
  sink.put({text, static_cast<std::size_t>(write_number(text, number) - text)});
}

void put_address(Sink& sink, const IpAddress& address) {
  char text[48];
  if (!address.v4) return sink.put({text, address.write(text)});
  // By hand: inet_ntop goes through printf, and every log line has an address.
  char* end = text;
  for (std::size_t i = 12; i < 16; ++i) {
    if (i > 12) *end++ = '.';
    end = write_number(end, address.bytes[i]);
  }
  sink.put({text, static_cast<std::size_t>(end - text)});
}

void put_milliseconds(Sink& sink, std::int64_t nanoseconds) {
  put_thousandths(sink, nanoseconds / 1000);
}

void put_rfc3339(Sink& sink, std::int64_t time) {
  Civil c = civil(time);
  char text[32];
  char* end = write_padded(text, c.year, 4);
  *end++ = '-';
  end = write_padded(end, c.month, 2);
  *end++ = '-';
  end = write_padded(end, c.day, 2);
  *end++ = 'T';
  end = write_clock(end, c);
  *end++ = '.';
  end = write_padded(end, c.millisecond, 3);
  *end++ = 'Z';
  sink.put({text, static_cast<std::size_t>(end - text)});
}

void put_clf(Sink& sink, std::int64_t time) {
  static constexpr char kMonths[] = "Jan/Feb/Mar/Apr/May/Jun/Jul/Aug/Sep/Oct/Nov/Dec/";
  Civil c = civil(time);
  char text[32];
  char* end = write_padded(text, c.day, 2);
  *end++ = '/';
  std::memcpy(end, kMonths + static_cast<std::size_t>(c.month - 1) * 4, 4);
  end = write_padded(end + 4, c.year, 4);
  *end++ = ':';
  end = write_clock(end, c);
  std::memcpy(end, " +0000", 6);
  sink.put({text, static_cast<std::size_t>(end + 6 - text)});
}

void put_unix(Sink& sink, std::int64_t time) { put_thousandths(sink, time / 1'000'000); }

}  // namespace weir::expression

#include "http/date.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

namespace weir {
namespace {

constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::array<std::string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::int64_t kSecondsPerDay = 86400;
constexpr std::int64_t kLastSecond = 253402300799;  // 9999-12-31 23:59:59

struct Parts {
  int weekday = -1;  // 0 is Sunday
  int day = -1;
  int month = -1;  // 1 is January
  int year = -1;
  int hour = -1;
  int minute = -1;
  int second = -1;
};

// Takes the text apart from the left; any mismatch makes all that follows fail.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool literal(std::string_view expected) {
    if (!rest_.starts_with(expected)) return good_ = false;
    rest_.remove_prefix(expected.size());
    return good_;
  }
  int number(std::size_t digits) {
    int value = 0;
    if (rest_.size() < digits) return wrong();
    for (char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') return wrong();
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }
  // The index of the next three letters in a list of such.
  int name(std::string_view list) {
    if (rest_.size() < 3) return wrong();
    for (std::size_t i = 0; i < list.size(); i += 3) {
      if (rest_.substr(0, 3) == list.substr(i, 3)) {
        rest_.remove_prefix(3);
        return static_cast<int>(i / 3);
      }
    }
    return wrong();
  }
  bool at_space() const { return rest_.starts_with(' '); }
  bool finished() const { return good_ && rest_.empty(); }

 private:
  int wrong() {
    good_ = false;
    rest_ = {};
    return -1;
  }
  std::string_view rest_;
  bool good_ = true;
};

void read_time(Reader& in, Parts& parts) {
  parts.hour = in.number(2);
  in.literal(":");
  parts.minute = in.number(2);
  in.literal(":");
  parts.second = in.number(2);
}

// Sun, 06 Nov 1994 08:49:37 GMT
bool read_imf(std::string_view text, Parts& parts) {
  Reader in(text);
  parts.weekday = in.name(kDays);
  in.literal(", ");
  parts.day = in.number(2);
  in.literal(" ");
  parts.month = in.name(kMonths) + 1;
  in.literal(" ");
  parts.year = in.number(4);
  in.literal(" ");
  read_time(in, parts);
  in.literal(" GMT");
  return in.finished();
}

// Sunday, 06-Nov-94 08:49:37 GMT; the year comes back with two digits.
bool read_rfc850(std::string_view text, Parts& parts) {
  for (std::size_t i = 0; i < kLongDays.size(); ++i) {
    if (text.starts_with(kLongDays[i])) parts.weekday = static_cast<int>(i);
  }
  if (parts.weekday < 0) return false;
  Reader in(text.substr(kLongDays[static_cast<std::size_t>(parts.weekday)].size()));
  in.literal(", ");
  parts.day = in.number(2);
  in.literal("-");
  parts.month = in.name(kMonths) + 1;
  in.literal("-");
  parts.year = in.number(2);
  in.literal(" ");
  read_time(in, parts);
  in.literal(" GMT");
  return in.finished();
}

// Sun Nov  6 08:49:37 1994
bool read_asctime(std::string_view text, Parts& parts) {
  Reader in(text);
  parts.weekday = in.name(kDays);
  in.literal(" ");
  parts.month = in.name(kMonths) + 1;
  in.literal(" ");
  if (in.at_space()) {
    in.literal(" ");
    parts.day = in.number(1);
  } else {
    parts.day = in.number(2);
  }
  in.literal(" ");
  read_time(in, parts);
  in.literal(" ");
  parts.year = in.number(4);
  return in.finished();
}

int year_of(std::int64_t unix_seconds) {
  using namespace std::chrono;
  sys_days day{days{unix_seconds / kSecondsPerDay}};
  return static_cast<int>(year_month_day{day}.year());
}

std::optional<std::int64_t> to_seconds(const Parts& parts) {
  using namespace std::chrono;
  year_month_day date{year{parts.year}, month{static_cast<unsigned>(parts.month)},
                      day{static_cast<unsigned>(parts.day)}};
  // A leap second (60) is a date as well; it counts as the second after.
  if (!date.ok() || parts.hour > 23 || parts.minute > 59 || parts.second > 60) return {};
  sys_days at{date};
  if (static_cast<int>(weekday{at}.c_encoding()) != parts.weekday) return {};
  return at.time_since_epoch().count() * kSecondsPerDay + parts.hour * 3600 + parts.minute * 60 +
         parts.second;
}

char* put_two(char* out, unsigned value) {
  out[0] = static_cast<char>('0' + value / 10);
  out[1] = static_cast<char>('0' + value % 10);
  return out + 2;
}

}  // namespace

void write_http_date(std::int64_t unix_seconds, char* out) {
  using namespace std::chrono;
  unix_seconds = std::clamp<std::int64_t>(unix_seconds, 0, kLastSecond);
  sys_days at{days{unix_seconds / kSecondsPerDay}};
  year_month_day date{at};
  auto second = static_cast<unsigned>(unix_seconds % kSecondsPerDay);
  auto years = static_cast<unsigned>(static_cast<int>(date.year()));
  std::memcpy(out, kDays.data() + std::size_t{weekday{at}.c_encoding()} * 3, 3);
  std::memcpy(out + 3, ", ", 2);
  put_two(out + 5, static_cast<unsigned>(date.day()));
  out[7] = ' ';
  std::memcpy(out + 8, kMonths.data() + (static_cast<unsigned>(date.month()) - 1) * 3, 3);
  out[11] = ' ';
  put_two(put_two(out + 12, years / 100), years % 100);
  out[16] = ' ';
  put_two(out + 17, second / 3600);
  out[19] = ':';
  put_two(out + 20, second / 60 % 60);
  out[22] = ':';
  put_two(out + 23, second % 60);
  std::memcpy(out + 25, " GMT", 4);
}

std::optional<std::int64_t> parse_http_date(std::string_view text, std::int64_t now) {
  Parts parts;
  if (read_imf(text, parts)) return to_seconds(parts);
  parts = {};
  if (read_asctime(text, parts)) return to_seconds(parts);
  parts = {};
  if (!read_rfc850(text, parts)) return {};
  int this_year = year_of(now);
  parts.year += this_year / 100 * 100;
  if (parts.year > this_year + 50) parts.year -= 100;
  // The weekday was written for the true century, which we can only guess: take it from the date.
  Parts with_weekday = parts;
  for (with_weekday.weekday = 0; with_weekday.weekday < 7; ++with_weekday.weekday) {
    if (auto seconds = to_seconds(with_weekday)) return seconds;
  }
  return {};
}

std::string_view date_line(std::int64_t unix_nanoseconds) {
  struct Line {
    std::int64_t second = -1;
    char text[6 + kHttpDateSize + 2];
  };
  static thread_local Line line;
  std::int64_t second = unix_nanoseconds / 1'000'000'000;
  if (line.second != second) {
    line.second = second;
    std::memcpy(line.text, "Date: ", 6);
    write_http_date(second, line.text + 6);
    std::memcpy(line.text + 6 + kHttpDateSize, "\r\n", 2);
  }
  return {line.text, sizeof line.text};
}

}  // namespace weir

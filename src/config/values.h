// Values with units, as configurations write them: durations, sizes and rates.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "config/schema.h"

namespace weir::config {

// Written `500ms`, `30s`, `1h30m`; units ns, us, ms, s, m, h, d. Never negative.
using Duration = std::chrono::nanoseconds;

// Written `512B`, `64KiB`, `10MB`: K, M, G, T are powers of 1000, Ki, Mi, Gi, Ti of 1024.
struct ByteSize {
  std::uint64_t bytes = 0;
  friend auto operator<=>(const ByteSize&, const ByteSize&) = default;
};

constexpr ByteSize kibibytes(std::uint64_t count) { return {count << 10}; }
constexpr ByteSize mebibytes(std::uint64_t count) { return {count << 20}; }

// Written `100/s`, `5/m`; units s, m, h, d.
struct Rate {
  std::uint64_t count = 0;
  Duration per = std::chrono::seconds(1);
  friend bool operator==(const Rate&, const Rate&) = default;
};

std::optional<Problem> read_duration(std::string_view text, Duration& into);
std::optional<Problem> read_byte_size(std::string_view text, ByteSize& into);
std::optional<Problem> read_rate(std::string_view text, Rate& into);

// The shortest exact form with one unit: 90s, not 1m30s.
std::string write_duration(Duration value);
std::string write_byte_size(ByteSize value);
std::string write_rate(Rate value);

template <>
struct TypeOf<Duration> {
  static const Type value;
};
template <>
struct TypeOf<ByteSize> {
  static const Type value;
};
template <>
struct TypeOf<Rate> {
  static const Type value;
};

}  // namespace weir::config

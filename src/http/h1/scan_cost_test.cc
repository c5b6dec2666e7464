// How many bytes the parser looks at, counted: a head that drips in must cost linear work.
#include <gtest/gtest.h>

#include <string>

#include "http/h1/parser_core.h"
#include "http/h1/testing.h"

namespace weir::h1 {
namespace {

// Scans like the scalar parser and counts every byte it looks at.
struct CountingScanner {
  static inline std::size_t scanned = 0;

  static const char* past(const char* p, const char* end, CharClass which) {
    const char* stop = past_class(p, end, which);
    scanned += static_cast<std::size_t>(stop - p) + 1;
    return stop;
  }
  static const char* past_token(const char* p, const char* end, const char* /*floor*/) {
    return past(p, end, kTokenChar);
  }
  static const char* past_value(const char* p, const char* end, const char* /*floor*/) {
    return past(p, end, kValueChar);
  }
  static const char* past_target(const char* p, const char* end, const char* /*floor*/) {
    return past(p, end, kTargetChar);
  }
};

std::string head_of(std::size_t fields) {
  std::string text = "GET /some/path HTTP/1.1\r\nHost: a.example\r\n";
  for (std::size_t i = 0; i < fields; ++i) text += "X-Name: some value of a field\r\n";
  return text + "\r\n";
}

// Bytes looked at until the head is complete when it comes in pieces of `cut` bytes.
std::size_t cost(std::string_view text, std::size_t cut) {
  Arena arena;
  Headers headers(arena);
  RequestHead head;
  Limits limits{.line = 100000, .head_bytes = 1000000, .header_count = 60000};
  CountingScanner::scanned = 0;
  std::size_t seen = 0;
  std::size_t size = 0;
  while (true) {
    size = std::min(size + cut, text.size());
    auto length =
        Parser<CountingScanner>::request_head(text.substr(0, size), seen, limits, head, headers);
    EXPECT_TRUE(length);
    if (!length || *length != 0 || size == text.size()) return CountingScanner::scanned;
    seen = size;
  }
}

TEST(ScanCost, a_head_in_one_piece_is_scanned_once) {
  std::string text = head_of(100);
  EXPECT_LE(cost(text, text.size()), text.size() + 10);
}

TEST(ScanCost, a_head_that_drips_in_by_single_bytes_costs_linear_work) {
  std::string small = head_of(100);
  std::string large = head_of(1000);
  // One scan of the new bytes with up to four before them at each call, and one parse.
  EXPECT_LE(cost(small, 1), 7 * small.size());
  EXPECT_LE(cost(large, 1), 7 * large.size());
}

TEST(ScanCost, one_long_line_that_drips_in_costs_linear_work) {
  std::string text =
      "GET /" + std::string(50000, 'p') + " HTTP/1.1\r\nX: " + std::string(50000, 'v') + "\r\n\r\n";
  EXPECT_LE(cost(text, 1), 7 * text.size());
  EXPECT_LE(cost(text, 1460), 3 * text.size());
}

TEST(ScanCost, spaces_around_a_value_cost_linear_work) {
  std::string text = "GET / HTTP/1.1\r\nX:" + std::string(50000, ' ') + "v" +
                     std::string(50000, '\t') + "\r\n\r\n";
  EXPECT_LE(cost(text, text.size()), 2 * text.size());
}

}  // namespace
}  // namespace weir::h1

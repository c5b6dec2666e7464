#include "http/h1/head_parser.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "http/h1/testing.h"
#include "http/h1/writer.h"

namespace weir::h1 {
namespace {

using testing::ExactBytes;
using testing::get;
using testing::Request;
using testing::Response;

std::vector<Isa> available() {
  std::vector<Isa> all;
  for (Isa isa : {Isa::scalar, Isa::sse42, Isa::avx2}) {
    if (is_available(isa)) all.push_back(isa);
  }
  return all;
}

std::string listing(const Headers& headers) {
  std::string text;
  for (const Header& h : headers) {
    text += std::string(h.name()) + "=" + std::string(h.value()) + "\n";
  }
  return text;
}

// All that a parse of a request gives, as one text.
std::string told(const Request& r) {
  if (!r.length) return "error " + std::string(name(r.length.error().code));
  if (*r.length == 0) return "incomplete";
  return std::to_string(*r.length) + " " + std::string(r.head.method_text) + " " +
         std::string(r.head.target) + " " + std::to_string(r.head.minor_version) + "\n" +
         listing(r.headers);
}

TEST(RequestHead, gives_views_of_every_part) {
  for (Isa isa : available()) {
    Request r(
        "PUT /a/b?c=d HTTP/1.1\r\nHost: a.example\r\nX-Empty:\r\nX-Spaces: \t two  words\t \r\n"
        "X-Utf8: \xc3\xa4\r\n\r\nbody",
        {}, engine(isa));
    ASSERT_TRUE(r.complete());
    EXPECT_EQ(*r.length, r.bytes.view().size() - 4);
    EXPECT_EQ(r.head.method, Method::put);
    EXPECT_EQ(r.head.target, "/a/b?c=d");
    EXPECT_EQ(r.head.minor_version, 1);
    EXPECT_EQ(listing(r.headers),
              "Host=a.example\nX-Empty=\nX-Spaces=two  words\nX-Utf8=\xc3\xa4\n");
    EXPECT_EQ(r.headers.get(HeaderId::host), "a.example");
    EXPECT_GE(r.head.target.data(), r.bytes.view().data());
    EXPECT_LT(r.head.target.data(), r.bytes.view().data() + r.bytes.view().size());
  }
}

TEST(RequestHead, knows_both_versions_and_any_method_token) {
  Request old("PURGE * HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(old.complete());
  EXPECT_EQ(old.head.minor_version, 0);
  EXPECT_EQ(old.head.method, Method::other);
  EXPECT_EQ(old.head.method_text, "PURGE");
  EXPECT_TRUE(old.headers.empty());
}

TEST(RequestHead, ignores_one_empty_line_before_it_and_refuses_a_second) {
  std::string text = get("");
  Request one("\r\n" + text);
  ASSERT_TRUE(one.complete());
  EXPECT_EQ(*one.length, text.size() + 2);
  EXPECT_EQ(Request("\r\n\r\n" + text).error(), ErrorCode::parse);
  EXPECT_EQ(Request("\n" + text).error(), ErrorCode::parse);
  EXPECT_TRUE(Request("\r").incomplete());
  EXPECT_TRUE(Request("\r\n").incomplete());
}

TEST(RequestHead, every_beginning_of_a_good_head_is_incomplete) {
  std::string text =
      "\r\nDELETE /a/b?c=d HTTP/1.1\r\nHost: a.example\r\nX-Empty:\r\nX: two words \r\n\r\n";
  for (Isa isa : available()) {
    for (std::size_t size = 0; size < text.size(); ++size) {
      EXPECT_TRUE(Request(text.substr(0, size), {}, engine(isa)).incomplete()) << size;
    }
    EXPECT_TRUE(Request(text, {}, engine(isa)).complete());
  }
}

// Feeds a head in pieces of `cut` bytes, from another block of memory each time.
std::string drip(std::string_view text, std::size_t cut, const Engine& parser,
                 const Limits& limits = {}) {
  Arena arena;
  Headers headers(arena);
  RequestHead head;
  std::size_t seen = 0;
  for (std::size_t size = std::min(cut, text.size());; size = std::min(size + cut, text.size())) {
    ExactBytes bytes(text.substr(0, size));
    auto length = parser.request_head(bytes.view(), seen, limits, head, headers);
    if (!length) return "error " + std::string(name(length.error().code));
    if (*length != 0) {
      return std::to_string(*length) + " " + std::string(head.target) + "\n" + listing(headers);
    }
    if (size == text.size()) return "incomplete";
    seen = size;
  }
}

TEST(RequestHead, gives_the_same_however_it_is_cut) {
  std::string text =
      "\r\nGET /a/b?c=d HTTP/1.1\r\nHost: a.example\r\nX-Empty:\r\nX: two words \r\n\r\nmore\n\r";
  for (Isa isa : available()) {
    std::string whole = drip(text, text.size(), engine(isa));
    EXPECT_TRUE(whole.starts_with("69 /a/b?c=d\n")) << whole;
    for (std::size_t cut = 1; cut < text.size(); ++cut) {
      EXPECT_EQ(drip(text, cut, engine(isa)), whole) << cut;
    }
  }
}

TEST(RequestHead, stray_line_ends_are_found_while_the_head_drips_in) {
  for (std::string_view bad : {"GET / HTTP/1.1\nHost: a\r\n", "GET / HTTP/1.1\r\nA: b\rc\r\n",
                               "GET / HTTP/1.1\r\nA: b\n\nc", "GET / HTTP/1.1\r\nA: \x01\r\n",
                               "GET / HTTP/1.1\r\n\nA: b\r\n", "GET / HTTP/1.1\r\r\n"}) {
    for (Isa isa : available()) {
      for (std::size_t cut = 1; cut < 6; ++cut) {
        EXPECT_EQ(drip(bad, cut, engine(isa)), "error bad_request") << bad << " by " << cut;
      }
    }
  }
}

TEST(RequestHead, line_limit_is_exact) {
  // "GET /" + path + " HTTP/1.1" is 14 bytes and the path.
  for (std::size_t cut : {1, 7, 10000}) {
    for (int off : {-1, 0, 1}) {
      std::string path(static_cast<std::size_t>(100 - 14 + off), 'p');
      Limits limits{.line = 100};
      std::string text = "GET /" + path + " HTTP/1.1\r\nHost: a\r\n\r\n";
      std::string got = drip(text, cut, engine(), limits);
      std::string lead = drip("\r\n" + text, cut, engine(), limits);
      EXPECT_EQ(got.starts_with("error"), off == 1) << got;
      EXPECT_EQ(lead.starts_with("error"), off == 1) << lead;
      if (off == 1) EXPECT_EQ(got, "error target_too_long");
      if (off == 1) EXPECT_EQ(lead, "error target_too_long");
    }
  }
}

TEST(RequestHead, a_request_line_without_end_is_refused_as_soon_as_it_is_too_long) {
  Limits limits{.line = 100};
  std::string endless(102, 'x');
  std::string text = "GET /" + endless;
  EXPECT_TRUE(Request(text.substr(0, 101), limits).incomplete());
  EXPECT_EQ(Request(text.substr(0, 102), limits).error(), ErrorCode::target_too_long);
  EXPECT_EQ(drip(text, 1, engine(), limits), "error target_too_long");
}

TEST(RequestHead, head_limit_is_exact) {
  for (std::size_t cut : {1, 7, 10000}) {
    for (int off : {-1, 0, 1}) {
      std::string text = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n";
      text.insert(text.size() - 4, 200 + off - text.size(), 'v');
      std::string got = drip(text + "body", cut, engine(), {.head_bytes = 200});
      EXPECT_EQ(got.starts_with("error"), off == 1) << got;
      if (off == 1) EXPECT_EQ(got, "error head_too_large");
    }
  }
}

TEST(RequestHead, a_head_without_end_is_refused_at_its_limit) {
  std::string text = "GET / HTTP/1.1\r\nX: " + std::string(300, 'v');
  EXPECT_TRUE(Request(text.substr(0, 199), {.head_bytes = 200}).incomplete());
  EXPECT_EQ(Request(text.substr(0, 200), {.head_bytes = 200}).error(), ErrorCode::head_too_large);
  EXPECT_EQ(drip(text, 1, engine(), {.head_bytes = 200}), "error head_too_large");
}

TEST(RequestHead, header_count_limit_is_exact) {
  for (int off : {-1, 0, 1}) {
    std::string text = "GET / HTTP/1.1\r\n";
    for (int i = 0; i < 100 + off; ++i) text += "X: y\r\n";
    Request r(text + "\r\n");
    EXPECT_EQ(r.error(), off == 1 ? ErrorCode::head_too_large : ErrorCode::none);
  }
  EXPECT_TRUE(Request("GET / HTTP/1.1\r\n\r\n", {.header_count = 0}).complete());
}

TEST(RequestHead, method_limit_is_exact) {
  for (int off : {-1, 0, 1}) {
    std::string method(static_cast<std::size_t>(static_cast<int>(kMaxMethod) + off), 'M');
    EXPECT_EQ(Request(method + " / HTTP/1.1\r\n\r\n").error(),
              off == 1 ? ErrorCode::unsupported : ErrorCode::none);
  }
  EXPECT_EQ(Request(std::string(kMaxMethod + 1, 'M')).error(), ErrorCode::unsupported);
  EXPECT_TRUE(Request(std::string(kMaxMethod, 'M')).incomplete());
}

TEST(RequestHead, a_head_limit_above_the_ceiling_counts_as_the_ceiling) {
  std::string text = "GET / HTTP/1.1\r\nX: " + std::string(kMaxHead, 'v');
  EXPECT_EQ(Request(text, {.head_bytes = 0xffffffff}).error(), ErrorCode::head_too_large);
}

TEST(RequestHead, a_reused_header_array_forgets_the_head_before) {
  Arena arena;
  Headers headers(arena);
  RequestHead head;
  ASSERT_TRUE(parse_request_head(get("X: 1\r\n"), 0, {}, head, headers));
  std::string second = get("");
  ASSERT_TRUE(parse_request_head(second, 0, {}, head, headers));
  EXPECT_EQ(headers.size(), 1u);
  EXPECT_FALSE(headers.has("X"));
}

TEST(ResponseHead, gives_status_reason_and_fields) {
  for (Isa isa : available()) {
    Response r("HTTP/1.0 404 Not  Here\xe4\r\nServer: x\r\n\r\nrest", {}, engine(isa));
    ASSERT_TRUE(r.complete());
    EXPECT_EQ(r.head.status, 404);
    EXPECT_EQ(r.head.reason, "Not  Here\xe4");
    EXPECT_EQ(r.head.minor_version, 0);
    EXPECT_EQ(listing(r.headers), "Server=x\n");
    EXPECT_EQ(*r.length, r.bytes.view().size() - 4);
  }
}

TEST(ResponseHead, needs_no_reason_and_not_even_its_space) {
  for (std::string_view line : {"HTTP/1.1 200 ", "HTTP/1.1 200"}) {
    Response r(std::string(line) + "\r\n\r\n");
    ASSERT_TRUE(r.complete()) << line;
    EXPECT_EQ(r.head.status, 200);
    EXPECT_EQ(r.head.reason, "");
    EXPECT_EQ(*r.length, line.size() + 4);
  }
}

TEST(ResponseHead, every_beginning_of_a_good_head_is_incomplete) {
  for (std::string text : {"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", "HTTP/1.1 200\r\n\r\n"}) {
    for (std::size_t size = 0; size < text.size(); ++size) {
      EXPECT_TRUE(Response(text.substr(0, size)).incomplete()) << size;
    }
  }
}

TEST(ResponseHead, limits_are_exact) {
  for (int off : {-1, 0, 1}) {
    std::string reason(static_cast<std::size_t>(100 - 13 + off), 'r');
    Response line("HTTP/1.1 200 " + reason + "\r\n\r\n", {.line = 100});
    EXPECT_EQ(line.error(), off == 1 ? ErrorCode::head_too_large : ErrorCode::none);
    std::string fields;
    for (int i = 0; i < 50 + off; ++i) fields += "X: y\r\n";
    Response count("HTTP/1.1 200 OK\r\n" + fields + "\r\n", {.header_count = 50});
    EXPECT_EQ(count.error(), off == 1 ? ErrorCode::head_too_large : ErrorCode::none);
  }
}

TEST(ResponseHead, errors_come_from_the_origin) {
  EXPECT_EQ(Response("garbage").length.error().origin, Origin::upstream);
  EXPECT_EQ(Request("garbage\r\n").length.error().origin, Origin::client);
}

// The vector scanners against the definition, at every position of every byte and with every
// length around their widths.
TEST(Scanners, agree_with_the_character_classes) {
  for (Isa isa : available()) {
    const Engine& e = engine(isa);
    for (int c = 0; c < 256; ++c) {
      char byte = static_cast<char>(c);
      for (std::size_t size : {1, 2, 7, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65}) {
        for (std::size_t at : {std::size_t{0}, size / 2, size - 1}) {
          std::string text(size, 'a');
          text[at] = byte;
          ExactBytes bytes(text);
          EXPECT_EQ(e.token_prefix(bytes.view()), is_token_char(byte) ? size : at) << c;
          EXPECT_EQ(e.value_prefix(bytes.view()), has_class(byte, kValueChar) ? size : at) << c;
          EXPECT_EQ(e.target_prefix(bytes.view()), has_class(byte, kTargetChar) ? size : at) << c;
        }
      }
    }
  }
}

// Heads broken at random: all instruction sets and all ways to cut them agree.
TEST(Scanners, parse_mutated_heads_alike) {
  std::mt19937 random(20260701);
  const std::string base =
      "POST /a/path?with=query HTTP/1.1\r\nHost: a.example:8080\r\nUser-Agent: some/1.0 (agent)\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nX-Long: " +
      std::string(70, 'l') + "\r\nContent-Length: 12\r\n\r\nhello, world";
  constexpr std::string_view kSpice("\r\n\0\t :\x7f\x80#AZ", 12);
  for (int round = 0; round < 20000; ++round) {
    std::string text = base;
    for (unsigned edits = random() % 4; edits > 0; --edits) {
      std::size_t at = random() % text.size();
      char c = kSpice[random() % kSpice.size()];
      if (random() % 2 == 0) {
        text[at] = c;
      } else {
        text.insert(at, 1, c);
      }
    }
    text.resize(random() % 3 == 0 ? random() % text.size() : text.size());
    std::string expected = told(Request(text, {}, kScalarEngine));
    for (Isa isa : available()) {
      ASSERT_EQ(told(Request(text, {}, engine(isa))), expected) << text;
    }
  }
}

TEST(HeadRoundTrip, what_is_written_parses_to_the_same) {
  Request first(get("Accept: */*\r\nX-Empty:\r\nCookie: a=b; c=d\r\nCookie: e\r\n"));
  ASSERT_TRUE(first.complete());
  char out[512];
  HeadWriter writer(out, out + sizeof(out));
  writer.request_line(first.head.method_text, first.head.target);
  writer.fields(first.headers);
  auto written = writer.finish();
  ASSERT_TRUE(written);
  Request second(*written);
  EXPECT_EQ(*second.length, written->size());
  EXPECT_EQ(listing(second.headers), listing(first.headers));
  EXPECT_EQ(second.head.target, first.head.target);
}

}  // namespace
}  // namespace weir::h1

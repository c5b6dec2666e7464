#include "http/h1/writer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/status.h"

namespace weir::h1 {
namespace {

class HeadWriterTest : public ::testing::Test {
 protected:
  Arena arena_;
  Headers headers_{arena_};
  char out_[1024];
  HeadWriter writer_{out_, out_ + sizeof(out_)};
};

TEST_F(HeadWriterTest, writes_a_request) {
  headers_.add(HeaderId::host, "a.example");
  headers_.add("X-Empty", "");
  headers_.add("x-lower", "\tkept as it is ");
  writer_.request_line("GET", "/a?b");
  writer_.fields(headers_);
  writer_.field(HeaderId::content_length, std::uint64_t{18446744073709551615u});
  EXPECT_EQ(writer_.finish().value(),
            "GET /a?b HTTP/1.1\r\nHost: a.example\r\nX-Empty: \r\nx-lower: \tkept as it is \r\n"
            "Content-Length: 18446744073709551615\r\n\r\n");
}

TEST_F(HeadWriterTest, writes_a_response_with_the_registered_or_its_own_reason) {
  writer_.status_line(200);
  writer_.raw("Server: x\r\n");
  EXPECT_EQ(writer_.finish().value(), "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n");
  HeadWriter own(out_, out_ + sizeof(out_));
  own.status_line(200, "Fine");
  EXPECT_EQ(own.finish().value(), "HTTP/1.1 200 Fine\r\n\r\n");
  HeadWriter unknown(out_, out_ + sizeof(out_));
  unknown.status_line(999);
  EXPECT_EQ(unknown.finish().value(), "HTTP/1.1 999 \r\n\r\n");
}

TEST_F(HeadWriterTest, refuses_a_status_that_has_not_three_digits) {
  for (std::uint16_t status : {0, 99, 1000, 65535}) {
    HeadWriter writer(out_, out_ + sizeof(out_));
    writer.status_line(status);
    EXPECT_EQ(writer.finish().error().code, ErrorCode::internal) << status;
  }
}

TEST_F(HeadWriterTest, refuses_empty_parts) {
  writer_.request_line("", "/");
  EXPECT_FALSE(writer_.finish());
  HeadWriter no_target(out_, out_ + sizeof(out_));
  no_target.request_line("GET", "");
  EXPECT_FALSE(no_target.finish());
}

TEST_F(HeadWriterTest, a_failure_sticks) {
  writer_.field("X", "a\nb");
  writer_.field("Y", "good");
  EXPECT_EQ(writer_.finish().error().code, ErrorCode::internal);
}

TEST_F(HeadWriterTest, copies_values_of_every_length_and_checks_every_byte) {
  for (std::size_t size = 0; size < 70; ++size) {
    std::string value;
    for (std::size_t i = 0; i < size; ++i) value += static_cast<char>('a' + i % 26);
    HeadWriter writer(out_, out_ + sizeof(out_));
    writer.field("X", value);
    EXPECT_EQ(writer.finish().value(), "X: " + value + "\r\n\r\n");
    for (std::size_t at = 0; at < size; ++at) {
      std::string bad = value;
      bad[at] = '\r';
      HeadWriter refuses(out_, out_ + sizeof(out_));
      refuses.field("X", bad);
      EXPECT_FALSE(refuses.finish()) << size << " " << at;
    }
  }
}

TEST_F(HeadWriterTest, checks_each_kind_of_text_by_its_own_class) {
  for (int c = 0; c < 256; ++c) {
    for (std::size_t padding : {0, 3, 8, 20}) {
      std::string text = std::string(padding, 'a') + static_cast<char>(c);
      HeadWriter value(out_, out_ + sizeof(out_));
      value.field("X", text);
      EXPECT_EQ(value.finish().has_value(), is_field_value(text)) << c;
      HeadWriter name(out_, out_ + sizeof(out_));
      name.field(text, "v");
      if (is_token(text)) EXPECT_TRUE(name.finish()) << c;
      if (c <= 0x20 || c == ':' || c >= 0x7f) EXPECT_FALSE(name.finish()) << c;
      HeadWriter target(out_, out_ + sizeof(out_));
      target.request_line("GET", text);
      EXPECT_EQ(target.finish().has_value(), c > 0x20 && c < 0x7f) << c;
    }
  }
}

TEST_F(HeadWriterTest, announced_sizes_are_exact) {
  headers_.add(HeaderId::host, "a.example");
  headers_.add("X-Other", "value");
  auto fill_request = [&](HeadWriter& w) {
    w.request_line("OPTIONS", "*");
    w.fields(headers_);
  };
  auto fill_response = [&](HeadWriter& w) {
    w.status_line(404);
    w.fields(headers_);
  };
  std::size_t request = request_head_size("OPTIONS", "*", headers_);
  std::size_t response = response_head_size(404, "", headers_);
  for (int off : {-1, 0, 1}) {
    // Blocks of exactly this size: AddressSanitizer sees what is written beside them.
    std::vector<char> a(request + off);
    HeadWriter w(a.data(), a.data() + a.size());
    fill_request(w);
    EXPECT_EQ(w.finish().has_value(), off >= 0);
    std::vector<char> b(response + off);
    HeadWriter v(b.data(), b.data() + b.size());
    fill_response(v);
    EXPECT_EQ(v.finish().has_value(), off >= 0);
  }
}

TEST_F(HeadWriterTest, never_writes_beyond_its_end) {
  headers_.add(HeaderId::host, "a.example");
  headers_.add("X-Other", "a value of more than sixteen bytes");
  for (std::size_t room = 0; room < 80; ++room) {
    std::vector<char> out(room);
    HeadWriter writer(out.data(), out.data() + room);
    writer.status_line(503, room % 2 == 0 ? "" : "Busy");
    writer.fields(headers_);
    auto written = writer.finish();
    if (!written) EXPECT_EQ(written.error().code, ErrorCode::limit);
  }
}

}  // namespace
}  // namespace weir::h1

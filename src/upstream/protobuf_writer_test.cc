#include "upstream/protobuf_writer.h"

#include <gtest/gtest.h>

namespace weir::protobuf {
namespace {

using namespace std::string_literals;

TEST(ProtobufWriter, writes_what_the_documentation_shows) {
  std::string out;
  Writer writer(out);
  writer.number(1, 150);
  writer.bytes(2, "testing");
  writer.message(3, [&] { writer.number(1, 150); });
  EXPECT_EQ(out, "\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01"s);
}

TEST(ProtobufWriter, writes_what_is_read_again) {
  std::string out;
  Writer writer(out);
  writer.number(1, ~std::uint64_t{0});
  writer.fixed64(16, 0x0102030405060708);
  writer.real(3, -0.5);
  writer.bytes(4, "");
  std::string_view rest = out;
  EXPECT_EQ(take_field(rest)->value, ~std::uint64_t{0});
  auto fixed = take_field(rest);
  EXPECT_EQ(fixed->number, 16u);
  EXPECT_EQ(fixed->value, 0x0102030405060708u);
  EXPECT_EQ(std::bit_cast<double>(take_field(rest)->value), -0.5);
  EXPECT_EQ(take_field(rest)->bytes, "");
  EXPECT_TRUE(rest.empty());
}

TEST(ProtobufWriter, puts_the_length_before_messages_of_any_size) {
  for (std::size_t size : {0u, 1u, 124u, 125u, 126u, 127u, 128u, 16380u, 16384u, 100000u}) {
    std::string text(size, 'x');
    std::string out;
    Writer writer(out);
    writer.message(1, [&] { writer.message(2, [&] { writer.bytes(3, text); }); });
    writer.number(4, 5);
    std::string_view rest = out;
    auto outer = take_field(rest);
    ASSERT_TRUE(outer) << size;
    auto inner = take_field(outer->bytes);
    ASSERT_TRUE(inner) << size;
    EXPECT_EQ(take_field(inner->bytes)->bytes, text);
    EXPECT_TRUE(inner->bytes.empty() && outer->bytes.empty());
    EXPECT_EQ(take_field(rest)->value, 5u);
  }
}

}  // namespace
}  // namespace weir::protobuf

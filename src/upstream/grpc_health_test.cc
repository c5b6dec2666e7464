#include "upstream/grpc_health.h"

#include <gtest/gtest.h>

#include "core/random.h"

namespace weir {
namespace {

using namespace std::string_literals;

std::string framed(std::string message) {
  return "\0\0\0\0"s + static_cast<char>(message.size()) + message;
}

TEST(GrpcHealth, asks_after_a_service_or_the_whole_server) {
  EXPECT_EQ(health_request(""), "\0\0\0\0\0"s);
  EXPECT_EQ(health_request("a.B"), "\0\0\0\0\x05\x0A\x03"s + "a.B");
  std::string large(300, 'x');
  EXPECT_EQ(health_request(large), "\0\0\0\x01\x2F\x0A\xAC\x02"s + large);
}

TEST(GrpcHealth, reads_the_status) {
  EXPECT_EQ(parse_health_response(framed("\x08\x01")), ServingStatus::serving);
  EXPECT_EQ(parse_health_response(framed("\x08\x02")), ServingStatus::not_serving);
  EXPECT_EQ(parse_health_response(framed("")), ServingStatus::unknown);
  EXPECT_EQ(parse_health_response(framed("\x08\x81\x00"s)), ServingStatus::serving);
  auto unheard = parse_health_response(framed("\x08\x7F"));
  ASSERT_TRUE(unheard);
  EXPECT_NE(*unheard, ServingStatus::serving);
  EXPECT_EQ(name(*unheard), "a status that is not known");
  EXPECT_NE(parse_health_response(framed("\x08\x81\x02")), ServingStatus::serving) << "257";
}

TEST(GrpcHealth, passes_over_fields_of_later_versions) {
  EXPECT_EQ(parse_health_response(framed("\x12\x02hi\x08\x01\x18\x96\x01")),
            ServingStatus::serving);
  EXPECT_EQ(parse_health_response(framed("\x11"s + "12345678" + "\x15" + "1234" + "\x08\x01")),
            ServingStatus::serving);
}

TEST(GrpcHealth, refuses_what_is_broken) {
  for (const std::string& wrong :
       {""s, "\0\0\0\0"s, "\x01\0\0\0\x02\x08\x01"s, "\0\0\0\0\x03\x08\x01"s,
        "\0\0\0\0\x01\x08\x01"s, "\0\xFF\xFF\xFF\xFF\x08\x01"s, framed("\x08"), framed("\x08\x80"),
        framed("\x12\x05hi"), framed("\x0B"), framed("\x11"s + "123"), framed("\0\x01"s),
        framed("\x08"s + std::string(10, '\xFF') + "\x01"),
        framed("\x12\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01")}) {
    EXPECT_FALSE(parse_health_response(wrong)) << ::testing::PrintToString(wrong);
  }
}

// ASan and UBSan judge; serving has to be said.
TEST(GrpcHealth, survives_any_bytes) {
  Random random(1);
  for (int i = 0; i < 100'000; ++i) {
    std::string message(random.below(12), '\0');
    for (char& each : message)
      each = static_cast<char>(random.chance(500) ? random.below(24) : random.below(256));
    auto status = parse_health_response(framed(message));
    if (status == ServingStatus::serving) EXPECT_NE(message.find('\x08'), message.npos);
  }
}

}  // namespace
}  // namespace weir

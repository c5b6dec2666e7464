#include "upstream/load_report.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base64.h"

namespace weir {
namespace {

/// `utilization rate`, or nothing.
std::string read(std::string_view value) {
  std::optional<LoadReport> report = parse_load_report(value);
  if (!report) return "";
  char text[64];
  std::snprintf(text, sizeof text, "%g %g", report->utilization, report->rate);
  return text;
}

TEST(LoadReport, is_read_as_text) {
  EXPECT_EQ(read("TEXT cpu_utilization=0.3"), "0.3 0");
  EXPECT_EQ(read("TEXT cpu_utilization=0.3,mem_utilization=0.9, rps_fractional=120.5"),
            "0.3 120.5");
  EXPECT_EQ(read("TEXT cpu_utilization:0.3,named_metrics.queue:7"), "0.3 0");
}

TEST(LoadReport, is_read_as_json) {
  EXPECT_EQ(read(R"(JSON {"cpu_utilization": 0.3, "rps_fractional": 10})"), "0.3 10");
  EXPECT_EQ(read(R"(JSON {"cpuUtilization": 0.3, "rpsFractional": 10})"), "0.3 10");
  EXPECT_EQ(read(R"(JSON {"named_metrics": {"queue": 7}, "cpu_utilization": 1.5})"), "1.5 0");
}

TEST(LoadReport, believes_the_application_before_its_parts_and_the_processor) {
  EXPECT_EQ(read("TEXT cpu_utilization=0.3,utilization.a=0.5,utilization.b=0.4"), "0.5 0");
  EXPECT_EQ(read("TEXT application_utilization=0.2,cpu_utilization=0.3,utilization.a=0.5"),
            "0.2 0");
  EXPECT_EQ(read(R"(JSON {"utilization": {"a": 0.5, "b": 0.7}, "cpu_utilization": 0.3})"), "0.7 0");
}

TEST(LoadReport, is_nothing_when_it_makes_no_sense) {
  for (std::string_view value :
       {"", "TEXT ", "TEXT cpu_utilization", "TEXT cpu_utilization=", "TEXT cpu_utilization=x",
        "TEXT cpu_utilization=0.3x", "TEXT cpu_utilization=nan", "TEXT cpu_utilization=-1",
        "TEXT mem_utilization=0.3", "JSON", "JSON {", "JSON []",
        "JSON {\"cpu_utilization\": \"1\"}", "JSON null", "BIN abcd", "cpu_utilization=0.3"}) {
    EXPECT_EQ(read(value), "") << value;
  }
  EXPECT_EQ(read("TEXT cpu_utilization=0.3," + std::string(9000, 'a')), "");
}

/// The same of the binary form.
std::string read_binary(std::string_view value) {
  std::optional<LoadReport> report = parse_binary_load_report(value);
  return report ? std::to_string(report->utilization) + " " + std::to_string(report->rate) : "";
}
std::string encoded(std::string_view message) { return std::string(base64_encode(message).view()); }
std::string number(char field, double value) {
  std::string out(1, static_cast<char>(field << 3 | 1));
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
  return out;
}
std::string entry(char field, std::string name, double value) {
  std::string inner =
      "\x0a" + std::string(1, static_cast<char>(name.size())) + name + number(2, value);
  return std::string(1, static_cast<char>(field << 3 | 2)) +
         std::string(1, static_cast<char>(inner.size())) + inner;
}

TEST(LoadReport, is_read_as_a_message) {
  std::string cpu = number(1, 0.25);
  EXPECT_EQ(read_binary(encoded(cpu)), "0.250000 0.000000");
  EXPECT_EQ(read_binary(encoded(cpu).substr(0, 12)),
            "0.250000 0.000000");  // 9 bytes need no padding
  EXPECT_EQ(read_binary(encoded(cpu + number(6, 120))), "0.250000 120.000000");
  EXPECT_EQ(read_binary(encoded(cpu + number(9, 0.5) + number(2, 0.9))), "0.500000 0.000000");
  EXPECT_EQ(
      read_binary(encoded(cpu + entry(5, "a", 0.5) + entry(5, "b", 0.75) + entry(8, "queue", 7))),
      "0.750000 0.000000");
  std::string unpadded =
      encoded(cpu + std::string("\x18\x05", 2));  // rps, 11 bytes: one sign is padding
  ASSERT_TRUE(unpadded.ends_with("="));
  EXPECT_EQ(read_binary(unpadded), "0.250000 0.000000");
  unpadded.pop_back();
  EXPECT_EQ(read_binary(unpadded), "0.250000 0.000000");
}

TEST(LoadReport, is_nothing_when_its_message_makes_no_sense) {
  std::string cpu = number(1, 0.25);
  for (std::string broken : {std::string(), std::string("\x0b"), cpu.substr(0, 5), cpu + "\x2a\x7f",
                             cpu + std::string(1, '\0'), number(1, -1), number(1, NAN)}) {
    EXPECT_EQ(read_binary(encoded(broken)), "");
  }
  EXPECT_EQ(read_binary("!!!!"), "");
  EXPECT_EQ(read_binary("CQAAAAAAANA/=A=="), "");
  EXPECT_EQ(read_binary(std::string(8196, 'A')), "");
}

TEST(LoadReport, is_taken_out_of_the_response) {
  Arena arena;
  Headers headers(arena);
  headers.add("Endpoint-Load-Metrics", "TEXT cpu_utilization=0.3");
  headers.add("endpoint-load-metrics-bin", "AAAA");
  headers.add("X-Kept", "yes");
  EXPECT_EQ(take_load_report(headers)->utilization, 0.3);
  EXPECT_EQ(headers.get("endpoint-load-metrics"), "");
  EXPECT_EQ(headers.get("endpoint-load-metrics-bin"), "");
  EXPECT_EQ(headers.get("X-Kept"), "yes");
  EXPECT_FALSE(take_load_report(headers));
  std::string binary = encoded(number(1, 0.25));
  headers.add("endpoint-load-metrics-bin", binary);
  EXPECT_EQ(take_load_report(headers)->utilization, 0.25);
}

}  // namespace
}  // namespace weir

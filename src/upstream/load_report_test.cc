#include "upstream/load_report.h"

#include <gtest/gtest.h>

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
}

}  // namespace
}  // namespace weir

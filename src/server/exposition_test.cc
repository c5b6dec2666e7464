#include "server/exposition.h"

#include "server/metrics_reader.h"

#include <fstream>

namespace weir {
namespace {

using test::MetricsReader;

constexpr Metric kApples{"weir_apples_total", MetricKind::counter, "kind", "apples", "Apples."};
constexpr Metric kWeight{"weir_weight_bytes", MetricKind::gauge, "", "bytes", "A weight."};
constexpr Metric kWait{"weir_wait_seconds", MetricKind::histogram, "who", "seconds", "A wait."};

TEST(Exposition, writes_help_type_and_samples) {
  Exposition out;
  out.family(kApples);
  out.sample({{"kind", "red"}, {"from", "here"}}, std::uint64_t{3});
  out.family(kWeight);
  out.sample({}, 0.25);
  EXPECT_EQ(out.take(),
            "# HELP weir_apples_total Apples.\n# TYPE weir_apples_total counter\n"
            "weir_apples_total{kind=\"red\",from=\"here\"} 3\n"
            "# HELP weir_weight_bytes A weight.\n# TYPE weir_weight_bytes gauge\n"
            "weir_weight_bytes 0.25\n");
}

TEST(Exposition, escapes_what_a_label_must_not_contain) {
  Exposition out;
  out.family(kApples);
  out.sample({{"kind", "a\"b\\c\nd"}}, std::uint64_t{1});
  std::string text = out.take();
  EXPECT_NE(text.find("{kind=\"a\\\"b\\\\c\\nd\"} 1\n"), std::string::npos) << text;
  MetricsReader read(text);
}

TEST(Exposition, writes_whole_counts_beyond_what_a_double_holds) {
  Exposition out;
  out.family(kApples);
  out.sample({}, std::uint64_t{9'007'199'254'740'993});
  EXPECT_TRUE(out.take().ends_with("weir_apples_total 9007199254740993\n"));
}

TEST(Exposition, writes_histograms_that_add_up) {
  Histogram histogram;
  histogram.record(std::chrono::microseconds(96));
  histogram.record(std::chrono::nanoseconds(96'001));
  histogram.record(std::chrono::milliseconds(2));
  histogram.record(std::chrono::hours(1));
  HistogramTotals totals;
  totals.add(histogram);
  Exposition out;
  out.family(kWait);
  out.histogram({"who", "a"}, totals);
  out.histogram({"who", "b"}, HistogramTotals());
  MetricsReader read(out.take());
  EXPECT_EQ(read["weir_wait_seconds_bucket{who=\"a\",le=\"9.6e-05\"}"], 1);
  EXPECT_EQ(read["weir_wait_seconds_bucket{who=\"a\",le=\"0.000256\"}"], 2);
  EXPECT_EQ(read["weir_wait_seconds_bucket{who=\"a\",le=\"0.00256\"}"], 3);
  EXPECT_EQ(read["weir_wait_seconds_bucket{who=\"a\",le=\"67.108864\"}"], 3);
  EXPECT_EQ(read["weir_wait_seconds_bucket{who=\"a\",le=\"+Inf\"}"], 4);
  EXPECT_EQ(read["weir_wait_seconds_count{who=\"a\"}"], 4);
  EXPECT_NEAR(read["weir_wait_seconds_sum{who=\"a\"}"], 3600.002192, 1e-6);
  EXPECT_EQ(read["weir_wait_seconds_count{who=\"b\"}"], 0);
}

TEST(MetricTable, gives_every_metric_a_name_that_tells_its_kind_and_a_meaning) {
  for (const Metric* metric : all_metrics()) {
    EXPECT_TRUE(metric->name.starts_with("weir_") || metric->name.starts_with("process_"));
    EXPECT_EQ(metric->name.ends_with("_total"), metric->kind == MetricKind::counter)
        << metric->name;
    EXPECT_TRUE(metric->meaning.ends_with('.')) << metric->name;
    EXPECT_FALSE(metric->unit.empty()) << metric->name;
  }
}

TEST(MetricTable, stands_in_the_documentation_as_the_code_has_it) {
  std::ifstream file("docs/reference/metrics.md");
  ASSERT_TRUE(file) << "tests run in the root of the tree";
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_NE(page.str().find(metrics_markdown()), std::string::npos)
      << "docs/reference/metrics.md is stale; its table must be:\n"
      << metrics_markdown();
}

}  // namespace
}  // namespace weir

#include "core/histogram.h"

#include <gtest/gtest.h>

#include <thread>

namespace weir {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;
using Buckets = HistogramBuckets;

TEST(Histogram, puts_every_bound_into_its_own_bucket_and_what_is_longer_into_the_next) {
  for (std::size_t i = 0; i + 1 < Buckets::kCount; ++i) {
    auto bound = microseconds(Buckets::bound(i));
    EXPECT_EQ(Buckets::of(bound), i) << bound.count();
    EXPECT_EQ(Buckets::of(bound + nanoseconds(1)), i + 1) << bound.count();
  }
}

TEST(Histogram, has_bounds_that_grow_by_a_quarter_at_most) {
  EXPECT_EQ(Buckets::bound(0), 1u);
  for (std::size_t i = 4; i + 1 < Buckets::kCount; ++i) {
    EXPECT_GT(Buckets::bound(i), Buckets::bound(i - 1));
    EXPECT_LE(Buckets::bound(i) * 4, Buckets::bound(i - 1) * 5) << i;
  }
  EXPECT_EQ(Buckets::bound(Buckets::kCount - 2), std::uint64_t{1} << 26);
}

TEST(Histogram, counts_what_is_longer_than_every_bound_and_what_is_below_zero) {
  Histogram histogram;
  histogram.record(std::chrono::hours(1));
  histogram.record(nanoseconds(-5));
  HistogramTotals totals;
  totals.add(histogram);
  EXPECT_EQ(totals.count(), 2u);
  EXPECT_EQ(totals.counts.front(), 1u);
  EXPECT_EQ(totals.counts.back(), 1u);
  EXPECT_EQ(totals.count_up_to(std::uint64_t{1} << 26), 1u);
  EXPECT_EQ(totals.nanoseconds, 3'600'000'000'000u);
}

TEST(Histogram, counts_up_to_a_bound_inclusively) {
  Histogram histogram;
  for (int i = 1; i <= 1000; ++i) histogram.record(microseconds(i));
  HistogramTotals totals;
  totals.add(histogram);
  EXPECT_EQ(totals.count_up_to(256), 256u);
  EXPECT_EQ(totals.count_up_to(512), 512u);
  EXPECT_EQ(totals.count_up_to(1024), 1000u);
  EXPECT_EQ(totals.nanoseconds, 500'500'000u);
}

TEST(Histogram, adds_up_what_several_have_recorded) {
  Histogram first, second;
  first.record(microseconds(10));
  second.record(microseconds(10));
  second.record(microseconds(90));
  HistogramTotals totals, twice;
  totals.add(first);
  totals.add(second);
  twice.add(totals);
  twice.add(totals);
  EXPECT_EQ(totals.count(), 3u);
  EXPECT_EQ(twice.counts[Buckets::of(microseconds(10))], 4u);
  EXPECT_EQ(twice.nanoseconds, 220'000u);
}

TEST(Histogram, is_small) { EXPECT_LE(sizeof(Histogram), 816u); }

TEST(Histogram, is_read_while_its_worker_writes) {
  Histogram histogram;
  std::thread worker([&] {
    for (int i = 0; i < 20'000; ++i) histogram.record(microseconds(i % 300));
  });
  std::uint64_t before = 0;
  while (before < 20'000) {
    HistogramTotals totals;
    totals.add(histogram);
    ASSERT_GE(totals.count(), before);
    before = totals.count();
  }
  worker.join();
}

}  // namespace
}  // namespace weir

// How evenly requests are spread: over any number of workers, by random weights, with endpoints
// that are away.
#include <algorithm>

#include <gtest/gtest.h>

#include "cluster/testing.h"
#include "core/hash.h"

namespace weir {
namespace {

using test::Balancing;

class Spread : public Balancing {
 protected:
  /// What chance alone explains; the points of a ring are spread less evenly than requests.
  double allowed() const { return GetParam() == Balance::ring ? 0.12 : 0.05; }
  double share(const std::vector<double>& counts, std::size_t index) const {
    return counts[index] / std::accumulate(counts.begin(), counts.end(), 0.0);
  }
};

TEST_P(Spread, is_even_over_any_number_of_workers) {
  for (std::size_t workers = 1; workers <= 8; ++workers) {
    use_workers(workers);
    make(std::vector<std::uint32_t>(10, 1));
    EXPECT_LT(worst(spread(60000, 8 * workers)), allowed()) << workers << " workers";
  }
}

TEST_P(Spread, is_even_among_those_that_are_available) {
  use_workers(4);
  make(std::vector<std::uint32_t>(12, 1));
  set_away({0, 5, 11});
  std::vector<double> counts = spread(60000, 40);
  double off = goes_by_key(GetParam()) ? 0.25 : 0.1;  // keys of who is away go where the table says
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (i == 0 || i == 5 || i == 11) {
      EXPECT_EQ(counts[i], 0);
    } else {
      EXPECT_NEAR(counts[i] * 9 / 60000, 1.0, off);
    }
  }
}

TEST_P(Spread, goes_back_to_what_it_was_when_endpoints_come_back) {
  use_workers(3);
  make({1, 2, 3, 4});
  set_away({1, 3});
  spread(1000, 10);
  set_away({});
  EXPECT_LT(worst(spread(60000, 60)), 1.5 * allowed());
}

TEST_P(Spread, starves_nobody_whatever_the_weights) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    std::vector<std::uint32_t> weights(2 + random.below(40));
    for (std::uint32_t& each : weights) each = 1 + static_cast<std::uint32_t>(random.below(50));
    endpoints_.clear();
    use_workers(1 + random.below(8));
    make(weights);
    std::size_t away = random.below(weights.size());
    set_away({away});
    double left = std::accumulate(weights.begin(), weights.end(), 0.0) - weights[away];
    std::vector<double> counts = spread(20000, 200);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      double due = 20000 * weights[i] / left;
      if (i == away) {
        EXPECT_EQ(counts[i], 0) << "seed " << seed;
      } else {
        EXPECT_GT(counts[i], due * 0.3 - 5) << "seed " << seed << " endpoint " << i;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Balance, Spread, testing::ValuesIn(test::kAllBalancers),
                         [](const auto& each) {
                           return std::string(config::enum_word(each.param));
                         });

// --- what is under way -------------------------------------------------------------------------

/// Balancers that go by what is under way, over all workers.
class SpreadUnderWay : public Balancing {
 protected:
  /// The most and the fewest that an endpoint ever has under way, once there are `concurrency`.
  std::pair<std::uint32_t, std::uint32_t> extremes(int picks, std::size_t concurrency) {
    std::pair<std::uint32_t, std::uint32_t> seen{0, 1000};
    Random random(7);
    for (int i = 0; i < picks; ++i) {
      begin(pick().value());
      if (under_way_.size() <= concurrency) continue;
      // Any of them may end first.
      std::swap(under_way_.front(), under_way_[random.below(under_way_.size())]);
      end_oldest();
      for (const auto& each : endpoints_) {
        seen.first = std::max(seen.first, each->in_flight.load());
        seen.second = std::min(seen.second, each->in_flight.load());
      }
    }
    while (!under_way_.empty()) end_oldest();
    return seen;
  }
};

TEST_P(SpreadUnderWay, is_as_even_with_eight_workers_as_with_one) {
  for (std::size_t workers : {1, 2, 8}) {
    use_workers(workers);
    make(std::vector<std::uint32_t>(10, 1));
    auto [most, fewest] = extremes(20000, 100);
    if (GetParam() == Balance::least_requests) {
      EXPECT_LE(most, 12u) << workers;
    } else {
      EXPECT_LE(most, 17u) << workers;
    }
    EXPECT_GE(fewest, 2u) << workers;
  }
}

INSTANTIATE_TEST_SUITE_P(Balance, SpreadUnderWay,
                         testing::Values(Balance::least_requests, Balance::power_of_two),
                         [](const auto& each) {
                           return std::string(config::enum_word(each.param));
                         });

// --- keys --------------------------------------------------------------------------------------

class KeysOfSpread : public Balancing {
 protected:
  std::vector<std::uint32_t> homes() {
    std::vector<std::uint32_t> all;
    for (std::uint64_t key = 0; key < 4000; ++key) {
      Worker& worker = workers_[key % workers_.size()];
      all.push_back(set_->pick({.random = worker.random,
                                .cursor = worker.cursor,
                                .now = now_,
                                .hash = mix(key + 1)})
                        .value());
    }
    return all;
  }
};

TEST_P(KeysOfSpread, move_only_from_an_endpoint_that_is_away_and_come_back_to_it) {
  use_workers(8);
  make(std::vector<std::uint32_t>(10, 1));
  std::vector<std::uint32_t> before = homes();
  set_away({3});
  std::vector<std::uint32_t> meanwhile = homes();
  for (std::size_t key = 0; key < before.size(); ++key) {
    if (before[key] == 3) {
      EXPECT_NE(meanwhile[key], 3u);
    } else {
      EXPECT_EQ(meanwhile[key], before[key]);
    }
  }
  set_away({});
  EXPECT_EQ(homes(), before);
}

INSTANTIATE_TEST_SUITE_P(Balance, KeysOfSpread, testing::Values(Balance::ring, Balance::maglev),
                         [](const auto& each) {
                           return std::string(config::enum_word(each.param));
                         });

}  // namespace
}  // namespace weir

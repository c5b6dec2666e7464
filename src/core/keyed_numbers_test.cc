#include "core/keyed_numbers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "core/gcra.h"
#include "core/hash.h"
#include "core/random.h"

namespace weir {
namespace {

using Bounds = KeyedNumbers::Bounds;

std::int64_t set(KeyedNumbers& numbers, std::uint64_t key, std::int64_t value, Bounds bounds = {}) {
  return numbers.with(key, bounds,
                      [value](std::int64_t& number) { return std::exchange(number, value); });
}

std::int64_t get(KeyedNumbers& numbers, std::uint64_t key) {
  return numbers.with(key, {}, [](std::int64_t& number) { return number; });
}

TEST(KeyedNumbers, behaves_like_a_map_of_those_above_the_floor) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Random random(seed);
    KeyedNumbers numbers;
    std::map<std::uint64_t, std::int64_t> model;
    for (int i = 0; i < 2000; ++i) {
      std::uint64_t key = mix(random.below(200));
      auto value = static_cast<std::int64_t>(random.below(4));
      std::int64_t before = model.contains(key) ? model[key] : 0;
      ASSERT_EQ(set(numbers, key, value), before) << "seed " << seed << ", step " << i;
      model[key] = value;
      if (value == 0) model.erase(key);
      if (random.chance(5)) numbers.sweep(0);
    }
    EXPECT_EQ(numbers.keys(0), model.size());
    for (const auto& [key, value] : model) EXPECT_EQ(get(numbers, key), value);
    EXPECT_EQ(numbers.evicted(), 0u);
  }
}

TEST(KeyedNumbers, knows_every_key_also_zero_and_all_ones) {
  KeyedNumbers numbers;
  set(numbers, 0, 7);
  set(numbers, ~0ull, 8);
  EXPECT_EQ(get(numbers, 0), 7);
  EXPECT_EQ(get(numbers, ~0ull), 8);
}

// Keys of one part: the highest four bits are the same.
TEST(KeyedNumbers, keeps_as_many_keys_as_it_may_and_forgets_the_least_beyond) {
  constexpr std::size_t kMost = 5;
  Bounds bounds{.floor = 10, .max_keys = kMost * KeyedNumbers::kParts};
  KeyedNumbers numbers;
  for (std::uint64_t key = 1; key < kMost; ++key) set(numbers, key, 100 + key, bounds);
  EXPECT_EQ(numbers.keys(10), kMost - 1);
  set(numbers, kMost, 200, bounds);
  EXPECT_EQ(numbers.keys(10), kMost);
  EXPECT_EQ(numbers.evicted(), 0u);
  set(numbers, kMost + 1, 200, bounds);
  EXPECT_EQ(numbers.keys(10), kMost);
  EXPECT_EQ(numbers.evicted(), 1u);
  EXPECT_EQ(get(numbers, 1), 0);  // it had the least
  EXPECT_EQ(get(numbers, 2), 102);
  EXPECT_EQ(get(numbers, kMost + 1), 200);
}

TEST(KeyedNumbers, takes_the_place_of_what_has_expired_first) {
  Bounds bounds{.floor = 0, .max_keys = 2 * KeyedNumbers::kParts};
  KeyedNumbers numbers;
  set(numbers, 1, 100, bounds);
  set(numbers, 2, 50, bounds);
  bounds.floor = 60;
  set(numbers, 3, 200, bounds);
  EXPECT_EQ(numbers.evicted(), 0u);
  EXPECT_EQ(get(numbers, 1), 100);
}

TEST(KeyedNumbers, costs_no_more_than_64_bytes_a_key_and_gives_them_back) {
  KeyedNumbers numbers;
  std::size_t empty = numbers.bytes();
  constexpr std::size_t kKeys = 100'000;
  for (std::uint64_t i = 0; i < kKeys; ++i) set(numbers, mix(i), 5);
  EXPECT_LE(numbers.bytes() - empty, kKeys * 64);
  EXPECT_EQ(numbers.keys(0), kKeys);
  EXPECT_EQ(numbers.keys(5), 0u);
  numbers.sweep(5);
  EXPECT_EQ(numbers.bytes(), empty);
}

TEST(KeyedNumbers, stays_within_its_bound_under_a_flood_of_keys) {
  Bounds bounds{.floor = 0, .max_keys = 1000};
  KeyedNumbers numbers;
  std::size_t empty = numbers.bytes();
  std::uint64_t heavy = mix(1'000'000);
  set(numbers, heavy, 1'000'000, bounds);
  for (std::uint64_t i = 0; i < 100'000; ++i) set(numbers, mix(i), 5, bounds);
  EXPECT_LE(numbers.keys(0), 1000u);
  EXPECT_LE(numbers.bytes() - empty, 1000u * 64);
  EXPECT_EQ(get(numbers, heavy), 1'000'000);  // who has used most is remembered
}

// Every thread takes from the same few budgets; together they get what one would have got.
TEST(KeyedNumbers, gives_several_threads_one_budget) {
  constexpr int kThreads = 4, kRounds = 20'000;
  constexpr std::uint64_t kKeys = 7;
  constexpr std::int64_t kBurst = 1000;
  KeyedNumbers numbers;
  Gcra rate{1'000'000, kBurst};
  std::atomic<std::int64_t> taken[kKeys] = {};
  auto work = [&](int thread) {
    for (int i = 0; i < kRounds; ++i) {
      auto key = static_cast<std::uint64_t>(i + thread) % kKeys;
      bool allowed = numbers.with(
          mix(key), {}, [&](std::int64_t& full_at) { return rate.take(full_at, 1).allowed; });
      if (allowed) taken[key].fetch_add(1, std::memory_order_relaxed);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  for (const auto& each : taken) EXPECT_EQ(each.load(), kBurst);
}

}  // namespace
}  // namespace weir

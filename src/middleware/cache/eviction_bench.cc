// How often a cache has what is asked for, by who goes when room is needed: what is built in,
// beside LRU and W-TinyLFU. The trace is made, seeded, and shaped like that of a site: few things
// that all want, many that hardly anybody does, some asked for once, and crawlers that walk through
// everything.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/hash.h"
#include "core/random.h"
#include "middleware/cache/eviction.h"

namespace weir::cache {
namespace {

struct Asked {
  std::uint64_t key = 0;
  std::uint64_t bytes = 0;
};

struct Trace {
  std::vector<Asked> requests;
  std::uint64_t bytes = 0;  // of everything that is asked for
};

constexpr std::size_t kCatalogue = 200'000;  // objects that are asked for more than once
constexpr std::size_t kRequests = 2'000'000;
constexpr double kSkew = 0.9;                // of Zipf's law, as measured at many sites
constexpr double kOnce = 0.15;               // share of requests for what nobody asks for again
constexpr std::size_t kScanEvery = 100'000;  // requests between two crawlers
constexpr std::size_t kScan = 20'000;        // objects that each of them walks through

// Log-normal, median 8 KiB; between 256 bytes and 4 MiB.
std::uint64_t size_of(std::uint64_t key) {
  Random random(mix(key));
  double sum = 0;  // of uniform numbers: normal, near enough
  for (int i = 0; i < 12; ++i) sum += static_cast<double>(random.next() >> 11) * 0x1p-53;
  double size = 8192 * std::exp((sum - 6) * 1.5);
  return static_cast<std::uint64_t>(std::clamp(size, 256.0, 4194304.0));
}

Trace make_trace() {
  Random random(20'240'601);
  auto uniform = [&] { return static_cast<double>(random.next() >> 11) * 0x1p-53; };
  std::vector<double> sums(kCatalogue);
  double sum = 0;
  for (std::size_t i = 0; i < kCatalogue; ++i) {
    sum += std::pow(static_cast<double>(i + 1), -kSkew);
    sums[i] = sum;
  }
  Trace trace;
  trace.requests.reserve(kRequests);
  std::unordered_map<std::uint64_t, bool> seen;
  std::uint64_t fresh = kCatalogue;
  auto ask = [&](std::uint64_t key) {
    std::uint64_t bytes = size_of(key);
    if (seen.emplace(key, true).second) trace.bytes += bytes;
    trace.requests.push_back({key, bytes});
  };
  while (trace.requests.size() < kRequests) {
    if (trace.requests.size() % kScanEvery == kScanEvery - 1) {
      // Half of it in the catalogue, half of it what is never asked for otherwise.
      std::uint64_t from = random.next() % kCatalogue;
      for (std::size_t i = 0; i < kScan / 2; ++i) ask((from + i) % kCatalogue);
      for (std::size_t i = 0; i < kScan / 2; ++i) ask(fresh++);
    } else if (uniform() < kOnce) {
      ask(fresh++);
    } else {
      auto at = std::lower_bound(sums.begin(), sums.end(), uniform() * sum);
      ask(static_cast<std::uint64_t>(at - sums.begin()));
    }
  }
  return trace;
}

const Trace& trace() {
  static const Trace made = make_trace();
  return made;
}

/// As `Store` uses it: shards with a queue each, that give way in turn.
class BuiltIn {
 public:
  explicit BuiltIn(std::uint64_t limit) : limit_(limit) {}
  bool ask(const Asked& asked) {
    auto [at, missing] = places_.try_emplace(asked.key);
    if (!missing) {
      at->second->use();
      return true;
    }
    at->second = std::make_unique<Place>();
    Place& place = *at->second;
    place.hash = mix(asked.key);
    place.weight = asked.bytes;
    keys_[place.hash] = asked.key;
    used_ += asked.bytes;
    while (used_ > limit_) evict();
    queues_[place.hash % kShards].insert(place);
    return false;
  }

 private:
  static constexpr std::size_t kShards = 64;
  void evict() {
    Place* victim = queues_[next_++ % kShards].pick([](const Place&) { return false; });
    if (victim == nullptr) return;
    used_ -= victim->weight;
    auto key = keys_.find(victim->hash);
    places_.erase(key->second);
    keys_.erase(key);
  }

  std::uint64_t limit_;
  std::uint64_t used_ = 0;
  std::size_t next_ = 0;
  std::array<EvictionQueue, kShards> queues_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Place>> places_;
  std::unordered_map<std::uint64_t, std::uint64_t> keys_;
};

/// The least recently used goes.
class Lru {
 public:
  explicit Lru(std::uint64_t limit) : limit_(limit) {}
  bool has(std::uint64_t key) const { return places_.contains(key); }
  void use(std::uint64_t key) { order_.splice(order_.end(), order_, places_.at(key)); }
  void put(const Asked& asked) {
    places_[asked.key] = order_.insert(order_.end(), asked);
    used_ += asked.bytes;
  }
  bool over() const { return used_ > limit_ && !order_.empty(); }
  const Asked& oldest() const { return order_.front(); }
  Asked take(std::uint64_t key) {
    auto found = places_.find(key);
    Asked taken = *found->second;
    used_ -= taken.bytes;
    order_.erase(found->second);
    places_.erase(found);
    return taken;
  }
  bool ask(const Asked& asked) {
    if (has(asked.key)) {
      use(asked.key);
      return true;
    }
    put(asked);
    while (over()) take(oldest().key);
    return false;
  }

 private:
  std::uint64_t limit_;
  std::uint64_t used_ = 0;
  std::list<Asked> order_;
  std::unordered_map<std::uint64_t, std::list<Asked>::iterator> places_;
};

/// How often something was asked for lately: a count-min sketch of 4 rows that is halved now and
/// then.
class Sketch {
 public:
  void add(std::uint64_t key) {
    for (std::size_t row = 0; row < kRows; ++row) {
      std::uint8_t& count = at(row, key);
      if (count < 15) ++count;
    }
    if (++added_ < kColumns * 10) return;
    added_ /= 2;
    for (auto& row : counts_) {
      for (std::uint8_t& count : row) count /= 2;
    }
  }
  std::uint8_t count(std::uint64_t key) {
    std::uint8_t least = 255;
    for (std::size_t row = 0; row < kRows; ++row) least = std::min(least, at(row, key));
    return least;
  }

 private:
  static constexpr std::size_t kRows = 4;
  static constexpr std::size_t kColumns = 1 << 17;
  std::uint8_t& at(std::size_t row, std::uint64_t key) {
    return counts_[row][mix(key + row * 0x9e3779b97f4a7c15) % kColumns];
  }
  std::array<std::vector<std::uint8_t>, kRows> counts_ = {
      std::vector<std::uint8_t>(kColumns), std::vector<std::uint8_t>(kColumns),
      std::vector<std::uint8_t>(kColumns), std::vector<std::uint8_t>(kColumns)};
  std::size_t added_ = 0;
};

/// A window of one percent, then a segmented LRU that lets in only who is asked for more often than
/// who would go (Einziger and others, 2017).
class TinyLfu {
 public:
  explicit TinyLfu(std::uint64_t limit)
      : window_(limit / 100), probation_(limit / 5), hot_(limit - limit / 100 - limit / 5) {}
  bool ask(const Asked& asked) {
    sketch_.add(asked.key);
    if (window_.has(asked.key)) {
      window_.use(asked.key);
      return true;
    }
    if (hot_.has(asked.key)) {
      hot_.use(asked.key);
      return true;
    }
    if (probation_.has(asked.key)) {
      hot_.put(probation_.take(asked.key));
      while (hot_.over()) probation_.put(hot_.take(hot_.oldest().key));
      while (probation_.over()) probation_.take(probation_.oldest().key);
      return true;
    }
    window_.put(asked);
    while (window_.over()) admit(window_.take(window_.oldest().key));
    return false;
  }

 private:
  void admit(const Asked& candidate) {
    probation_.put(candidate);
    while (probation_.over()) {
      std::uint64_t victim = probation_.oldest().key;
      bool better = sketch_.count(candidate.key) > sketch_.count(victim);
      probation_.take(better || !probation_.has(candidate.key) ? victim : candidate.key);
    }
  }
  Lru window_;
  Lru probation_;
  Lru hot_;
  Sketch sketch_;
};

/// `state.range(0)`: of the cache, in thousandths of all that is asked for.
template <class Policy>
void hit_ratio(benchmark::State& state) {
  for (auto _ : state) {
    Policy policy(trace().bytes * static_cast<std::uint64_t>(state.range(0)) / 1000);
    std::uint64_t hits = 0;
    std::uint64_t hit_bytes = 0;
    std::uint64_t bytes = 0;
    for (const Asked& asked : trace().requests) {
      bytes += asked.bytes;
      if (!policy.ask(asked)) continue;
      ++hits;
      hit_bytes += asked.bytes;
    }
    state.counters["hits"] =
        static_cast<double>(hits) / static_cast<double>(trace().requests.size());
    state.counters["bytes"] = static_cast<double>(hit_bytes) / static_cast<double>(bytes);
  }
}

#define SIZES ->Arg(2)->Arg(10)->Arg(50)->Arg(200)->Iterations(1)->Unit(benchmark::kMillisecond)
BENCHMARK(hit_ratio<BuiltIn>) SIZES;
BENCHMARK(hit_ratio<Lru>) SIZES;
BENCHMARK(hit_ratio<TinyLfu>) SIZES;

}  // namespace
}  // namespace weir::cache

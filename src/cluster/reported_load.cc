#include "cluster/reported_load.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "cluster/endpoint.h"

namespace weir {
namespace {

constexpr double kLeastUtilization = 0.01;  // below it the quotient says nothing
constexpr double kSmoothing = 0.3;          // how far a new measurement counts

std::int64_t count(TimePoint time) { return time.time_since_epoch().count(); }

double middle_of(std::vector<double> values) {
  auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

void ReportedLoad::report(const LoadReport& report, TimePoint now) {
  utilization_.store(report.utilization, std::memory_order_relaxed);
  rate_.store(report.rate, std::memory_order_relaxed);
  reported_.store(count(now), std::memory_order_relaxed);
}

// Without a rate of its own, that of this process's requests stands for it.
void ReportedLoad::measure(std::uint64_t requests, TimePoint now) {
  std::int64_t before = measured_.exchange(count(now), std::memory_order_relaxed);
  std::uint64_t counted = requests_.exchange(requests, std::memory_order_relaxed);
  std::int64_t reported = reported_.load(std::memory_order_relaxed);
  if (reported == 0 || count(now) - reported > kLifetime.count()) {
    capacity_.store(0, std::memory_order_relaxed);
    return;
  }
  double rate = rate_.load(std::memory_order_relaxed);
  if (rate == 0 && before != 0 && count(now) > before) {
    rate = static_cast<double>(requests - counted) * 1e9 / static_cast<double>(count(now) - before);
  }
  double utilization = std::max(utilization_.load(std::memory_order_relaxed), kLeastUtilization);
  if (rate <= 0) return;
  double capacity = capacity_.load(std::memory_order_relaxed);
  double sample = rate / utilization;
  capacity_.store(capacity == 0 ? sample : capacity + kSmoothing * (sample - capacity),
                  std::memory_order_relaxed);
}

void weigh_by_load(std::span<const std::shared_ptr<Endpoint>> endpoints,
                   std::span<const std::uint32_t> weights, TimePoint now) {
  std::vector<double> per_weight(endpoints.size()), known;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    ReportedLoad& load = endpoints[i]->load;
    load.measure(endpoints[i]->requests.load(std::memory_order_relaxed), now);
    per_weight[i] = load.capacity_.load(std::memory_order_relaxed) / weights[i];
    if (per_weight[i] > 0) known.push_back(per_weight[i]);
  }
  double middle = known.empty() ? 0 : middle_of(known);
  double most = 0;
  for (double& each : per_weight) {
    each = each == 0 ? 1 : std::clamp(each / middle, 1 / kMostByLoad, kMostByLoad);
    most = std::max(most, each);
  }
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    endpoints[i]->load.part_.store(static_cast<float>(per_weight[i] / most),
                                   std::memory_order_relaxed);
  }
}

}  // namespace weir

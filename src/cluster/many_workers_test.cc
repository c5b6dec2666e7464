// What workers share of a cluster, used by several threads at the same time.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "cluster/cluster.h"
#include "core/log.h"
#include "core/random.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr int kWorkers = 4;
constexpr int kAttempts = 5000;

struct Policies {
  OutlierPolicy outliers{.connect_failures = 3,
                         .gateway_errors = 4,
                         .errors = 5,
                         .success_rate = 1,
                         .latency = 1,
                         .min_requests = 10,
                         .interval = 1s,
                         .base_time = 1s,
                         .max_ejected = 50};
  AdmissionPolicy admission{
      .breaker = {.max_requests = 3, .max_retries = 1, .failure_rate = 60, .open_time = 10ms},
      .adaptive = {.on = true, .min = 1, .interval = 10ms}};
};

void work(Cluster& cluster, const Policies& policies, std::uint64_t seed) {
  Random random(seed);
  auto set = cluster.endpoints();
  TimePoint now{1h};
  for (int i = 0; i < kAttempts; ++i) {
    now += Duration(random.next() % 1'000'000);
    auto admission = Admission::ask(cluster.admission(), policies.admission, i % 3 == 0, now);
    if (!admission) continue;
    auto result = static_cast<AttemptResult>(random.next() % 6);
    Endpoint& endpoint = *set->endpoints[random.next() % set->endpoints.size()];
    auto waiting = admission->wait();
    EXPECT_LE(cluster.admission()->pending.load(), static_cast<std::uint32_t>(kWorkers));
    cluster.outliers().tell(policies.outliers, endpoint, result, 1ms, now);
    admission->tell(result, Duration(random.next() % 50'000'000), now);
  }
}

TEST(ManyWorkers, tell_one_cluster_at_the_same_time) {
  set_log_sink([](std::string_view) {});
  Cluster cluster("api");
  std::vector<WeightedAddress> all;
  for (int i = 1; i <= 4; ++i) {
    all.push_back({*Address::parse("10.0.0." + std::to_string(i) + ":80"), 1});
  }
  cluster.update("", all);
  Policies policies;
  std::vector<std::thread> workers;
  for (std::uint64_t i = 0; i < kWorkers; ++i) {
    workers.emplace_back([&, i] { work(cluster, policies, i); });
  }
  TimePoint now{1h};
  for (int i = 0; i < 300; ++i) {
    now += 100ms;
    cluster.outliers().tend(policies.outliers, now, 0);
    (void)cluster.outliers().ejections();
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_LE(cluster.outliers().ejections().size(), 2u);
  EXPECT_EQ(cluster.admission()->requests, 0u);
  EXPECT_EQ(cluster.admission()->retries, 0u);
  EXPECT_EQ(cluster.admission()->pending, 0u);
  set_log_sink(nullptr);
}

}  // namespace
}  // namespace weir

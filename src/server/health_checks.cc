#include "server/health_checks.h"

#include <algorithm>

#include "core/log.h"

namespace weir {
namespace {

const Error kNoLongerWanted{ErrorCode::cancelled, Origin::weir, "no longer checked"};

void log_change(const Cluster& cluster, const Endpoint& endpoint, const Health& health) {
  if (health.healthy()) {
    log("endpoint_healthy", {{"upstream", cluster.name()},
                             {"endpoint", endpoint.text},
                             {"passes", std::to_string(health.passes())}});
  } else {
    log("endpoint_unhealthy", {{"upstream", cluster.name()},
                               {"endpoint", endpoint.text},
                               {"failures", std::to_string(health.failures())},
                               {"reason", health.last_failure()}});
  }
}

}  // namespace

HealthChecks::HealthChecks(Loop& loop)
    : loop_(loop),
      programs_(loop),
      alarm_([](Timer& timer) { static_cast<Alarm&>(timer).owner->look(); }) {
  alarm_.owner = this;
}

Task<void> HealthChecks::finish() {
  watches_.clear();
  loop_.timers().disarm(alarm_);
  connections_.waiting.clear();
  programs_lane_.waiting.clear();
  scope_.stop(Error(ErrorCode::shutting_down));
  co_await scope_.join();
}

// --- what is checked ---------------------------------------------------------------------------

void HealthChecks::follow(const Snapshot& snapshot) {
  auto old = std::exchange(watches_, {});
  for (const auto& [name, check] : snapshot.health_checks) {
    const std::shared_ptr<Cluster>& cluster = snapshot.upstreams.at(name)->cluster();
    auto known = old.find(name);
    bool stays = known != old.end() && known->second->cluster == cluster;
    WatchPointer& watch = watches_[name];
    if (stays) {
      watch = known->second;
      old.erase(known);
      change(*watch, check);
    } else {
      watch = std::make_shared<Watch>();
      watch->cluster = cluster;
      watch->check = check;
    }
    refresh(*watch);
  }
  for (auto& [name, watch] : old) drop(*watch);
  look();
}

// Another check begins at once, and the verdict of the old one stays until it knows better.
void HealthChecks::change(Watch& watch, CheckPointer check) {
  if (same_check(*watch.check, *check)) return;
  for (auto& [address, subject] : watch.subjects) unschedule(*subject);
  watch.check = std::move(check);
  for (auto& [address, subject] : watch.subjects) {
    subject->health.restart();
    if (subject->checking != nullptr) {
      subject->checking->request(kNoLongerWanted);
    } else {
      schedule(subject, loop_.now());
    }
  }
}

// An endpoint is another one if its object is, even at the same address.
void HealthChecks::refresh(Watch& watch) {
  std::uint64_t version = watch.cluster->version();
  if (version == watch.version) return;
  watch.version = version;
  auto old = std::exchange(watch.subjects, {});
  for (const auto& endpoint : watch.cluster->endpoints()->endpoints) {
    auto known = old.find(endpoint->address);
    if (known != old.end() && known->second->endpoint == endpoint) {
      watch.subjects.emplace(endpoint->address, std::move(known->second));
      old.erase(known);
    } else {
      begin(watch, endpoint);
    }
  }
  for (auto& [address, subject] : old) drop(*subject);
}

void HealthChecks::begin(Watch& watch, const std::shared_ptr<Endpoint>& endpoint) {
  auto subject = std::make_shared<Subject>();
  subject->watch = &watch;
  subject->endpoint = endpoint;
  watch.subjects.emplace(endpoint->address, subject);
  schedule(subject, loop_.now());
}

void HealthChecks::drop(Subject& subject) {
  subject.gone = true;
  unschedule(subject);
  if (subject.checking != nullptr) subject.checking->request(kNoLongerWanted);
}

void HealthChecks::drop(Watch& watch) {
  for (auto& [address, subject] : watch.subjects) {
    drop(*subject);
    if (subject->health.healthy()) continue;
    watch.cluster->set_away(*subject->endpoint, Away::unhealthy, false);
    log("endpoint_healthy", {{"upstream", watch.cluster->name()},
                             {"endpoint", subject->endpoint->text},
                             {"reason", "no longer checked"}});
  }
  watch.subjects.clear();
}

// --- when --------------------------------------------------------------------------------------

HealthChecks::Lane& HealthChecks::lane_of(const HealthCheck& check) {
  return check.config.type == HealthCheckType::exec ? programs_lane_ : connections_;
}

void HealthChecks::schedule(const SubjectPointer& subject, TimePoint due) {
  subject->due = {due, ++sequence_};
  lane_of(*subject->watch->check).waiting.emplace(subject->due, subject);
}

void HealthChecks::unschedule(Subject& subject) {
  lane_of(*subject.watch->check).waiting.erase(subject.due);
}

void HealthChecks::look() {
  if (loop_.now() >= next_look_) {
    next_look_ = loop_.now() + kLook;
    for (auto& [name, watch] : watches_) refresh(*watch);
  }
  pump(connections_);
  pump(programs_lane_);
  arm();
}

void HealthChecks::pump(Lane& lane) {
  for (int begun = 0; begun < kBurst && lane.running < lane.most; ++begun) {
    if (lane.waiting.empty()) return;
    auto first = lane.waiting.begin();
    TimePoint due = first->first.first;
    if (due > loop_.now()) return;
    SubjectPointer subject = std::move(first->second);
    lane.waiting.erase(first);
    if (loop_.now() - due > kLate) ++late_;
    ++lane.running;
    CheckPointer check = subject->watch->check;
    scope_.spawn(run(std::move(subject), std::move(check)));
  }
}

void HealthChecks::arm() {
  if (watches_.empty()) return loop_.timers().disarm(alarm_);
  TimePoint next = next_look_;
  for (const Lane* lane : {&connections_, &programs_lane_}) {
    if (lane->running == lane->most || lane->waiting.empty()) continue;
    next = std::min(next, lane->waiting.begin()->first.first);
  }
  loop_.timers().arm(alarm_, next);
}

// --- what came of it ---------------------------------------------------------------------------

Task<void> HealthChecks::run(SubjectPointer subject, CheckPointer check) {
  StopSource stop(scope_.token());
  subject->checking = &stop;
  TimePoint began = loop_.now();
  CheckResult result =
      co_await check_health(loop_, programs_, check, subject->endpoint, stop.token());
  subject->checking = nullptr;
  --lane_of(*check).running;
  if (scope_.token().stopped()) co_return;
  if (!subject->gone && stop.stopped()) {
    schedule(subject, loop_.now());  // under the check that has taken the place of this one
  } else if (!subject->gone) {
    judge(*subject, *check, result, loop_.now() - began);
    Duration every = check->config.every;
    auto sooner = loop_.random().below(static_cast<std::uint64_t>(every.count() / 10) + 1);
    schedule(subject, std::max(began + every - Duration(sooner), loop_.now()));
  }
  arm();
}

void HealthChecks::judge(Subject& subject, const HealthCheck& check, const CheckResult& result,
                         Duration took) {
  Watch& watch = *subject.watch;
  watch.durations.record(took);
  Health& health = subject.health;
  if (!health.note(result, took, check.thresholds(), loop_.wall_now())) return;
  watch.cluster->set_away(*subject.endpoint, Away::unhealthy, !health.healthy());
  log_change(*watch.cluster, *subject.endpoint, health);
}

// --- what is told ------------------------------------------------------------------------------

const Health* HealthChecks::find(const Cluster& cluster, const Endpoint& endpoint) const {
  auto watch = watches_.find(cluster.name());
  if (watch == watches_.end() || watch->second->cluster.get() != &cluster) return nullptr;
  auto subject = watch->second->subjects.find(endpoint.address);
  bool found =
      subject != watch->second->subjects.end() && subject->second->endpoint.get() == &endpoint;
  return found ? &subject->second->health : nullptr;
}

const HealthConfig* HealthChecks::config_of(std::string_view upstream) const {
  auto watch = watches_.find(upstream);
  return watch != watches_.end() ? &watch->second->check->config : nullptr;
}

std::map<std::string, HistogramTotals> HealthChecks::durations() const {
  std::map<std::string, HistogramTotals> all;
  for (const auto& [name, watch] : watches_) all[name].add(watch->durations);
  return all;
}

}  // namespace weir

#include "discovery/dns.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace weir {
namespace {

using dns::Answer;
using dns::RecordType;

constexpr Duration kRoomPause = std::chrono::milliseconds(20);

/// Something that answers told, until enough of them no longer do.
template <class T>
struct Kept {
  T value;
  unsigned missed = 0;  // answers in a row that lacked it
};

/// Takes over an answer. `same` says which values are one thing.
template <class T, class Same>
void merge(std::vector<Kept<T>>& kept, const std::vector<T>& answer, Same same) {
  for (Kept<T>& old : kept) ++old.missed;
  for (const T& value : answer) {
    auto old =
        std::ranges::find_if(kept, [&](const Kept<T>& each) { return same(each.value, value); });
    if (old == kept.end()) {
      kept.push_back({value});
    } else {
      *old = {value};
    }
  }
  std::erase_if(kept,
                [](const Kept<T>& each) { return each.missed >= DnsDiscovery::kConfirmations; });
}

/// SRV weights as shares of 1 to 100: a zero still gets a little (RFC 2782).
std::uint32_t share(std::uint16_t weight, std::uint16_t most) {
  if (most == 0) return 1;
  return std::max<std::uint32_t>(1, weight * 100u / most);
}

}  // namespace

struct DnsDiscovery::Host {
  struct Family {
    std::vector<Kept<IpAddress>> addresses;
    bool judged = false;  // there has been an answer
    bool found = false;   // and the last one had addresses
  };

  Host(std::string host_name, StopToken parent) : name(std::move(host_name)), stop(parent) {}
  Family& family(RecordType type) { return type == RecordType::a ? v4 : v6; }
  Family& other(RecordType type) { return type == RecordType::a ? v6 : v4; }

  /// The servers behind the name. One that has an address of each family is told only once: which
  /// of its addresses belong together nobody says, but where there are as many of both, any pairing
  /// reaches every server. Sorted, so that it is the same pairing with each answer.
  std::vector<std::pair<Address, std::optional<Address>>> servers(std::uint16_t port) const {
    std::vector<Address> first = sorted(v4, port), second = sorted(v6, port);
    std::vector<std::pair<Address, std::optional<Address>>> all;
    for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
      if (i >= first.size()) {
        all.emplace_back(second[i], std::nullopt);
      } else {
        all.emplace_back(first[i], i < second.size() ? std::optional(second[i]) : std::nullopt);
      }
    }
    return all;
  }
  static std::vector<Address> sorted(const Family& family, std::uint16_t port) {
    std::vector<Address> all;
    for (const auto& each : family.addresses) all.emplace_back(each.value, port);
    std::ranges::sort(all);
    return all;
  }

  const std::string name;
  StopSource stop;
  Family v4, v6;
};

struct DnsDiscovery::Source {
  Source(DnsSource from, StopToken parent) : config(std::move(from)), stop(parent) {
    status.upstream = config.cluster->name();
    status.source = config.key();
  }

  /// The services in use: those of the lowest number, which is the first choice.
  std::vector<dns::Service> first_choice() const {
    unsigned least = std::numeric_limits<unsigned>::max();
    for (const auto& each : services) {
      if (each.missed == 0) least = std::min<unsigned>(least, each.value.priority);
    }
    std::vector<dns::Service> chosen;
    for (const auto& each : services) {
      if (each.value.priority <= least) chosen.push_back(each.value);
    }
    return chosen;
  }

  DnsSource config;
  StopSource stop;
  std::vector<Kept<dns::Service>> services;
  std::map<std::string, HostPointer> hosts;  // of a plain name, itself
  DnsStatus status;
};

std::string DnsSource::key() const {
  return service ? "srv:" + name : "dns:" + name + ":" + std::to_string(port);
}

void DnsDiscovery::follow(const std::vector<DnsSource>& sources) {
  std::map<std::string, SourcePointer> next;
  std::vector<SourcePointer> fresh;
  for (const DnsSource& wanted : sources) {
    std::string id = wanted.cluster->name() + " " + wanted.key();
    if (next.contains(id)) continue;
    auto known = sources_.find(id);
    bool stays = known != sources_.end() && known->second->config.cluster == wanted.cluster;
    SourcePointer source = stays ? known->second : std::make_shared<Source>(wanted, scope_.token());
    if (!stays) fresh.push_back(source);
    bool weighs = std::exchange(source->config.weight, wanted.weight) == wanted.weight;
    bool stands = std::exchange(source->config.placement, wanted.placement) == wanted.placement;
    if (!weighs || !stands) publish(*source);
    next.emplace(std::move(id), std::move(source));
  }
  {
    std::lock_guard lock(mutex_);
    sources_.swap(next);
  }
  for (const auto& [id, old] : next) {
    auto now = sources_.find(id);
    if (now != sources_.end() && now->second == old) continue;
    old->stop.request({ErrorCode::cancelled, Origin::weir, "no longer configured"});
  }
  for (const SourcePointer& source : fresh) start(source);
}

Task<void> DnsDiscovery::finish() {
  scope_.stop({ErrorCode::shutting_down, Origin::weir});
  co_await scope_.join();
}

std::vector<DnsStatus> DnsDiscovery::status() const {
  std::lock_guard lock(mutex_);
  std::vector<DnsStatus> all;
  for (const auto& [id, source] : sources_) all.push_back(source->status);
  return all;
}

void DnsDiscovery::start(const SourcePointer& source) {
  if (source->config.service) {
    scope_.spawn(follow_service(source));
  } else {
    start(source, source->config.name);
  }
}

void DnsDiscovery::start(const SourcePointer& source, const std::string& name) {
  // The targets of services are whole names: search domains do not apply (RFC 2782).
  std::string whole = source->config.service ? name + "." : name;
  auto host = std::make_shared<Host>(std::move(whole), source->stop.token());
  source->hosts.emplace(name, host);
  scope_.spawn(follow_family(source, host, RecordType::aaaa));
  scope_.spawn(follow_family(source, host, RecordType::a));
}

Task<void> DnsDiscovery::follow_family(SourcePointer source, HostPointer host, RecordType type) {
  StopToken stop = host->stop.token();
  unsigned failures = 0;
  while (true) {
    Result<Answer> answer = co_await resolver_.lookup(host->name, type, stop);
    if (stop.stopped()) co_return;
    Duration pause;
    if (!answer) {
      pause = pause_after_failure(*source, answer.error(), failures++);
    } else {
      failures = 0;
      pause = pause_until(answer->expires);
      if (take_addresses(*source, *host, type, *answer)) publish(*source);
    }
    if (!co_await loop_.sleep_for(pause, stop)) co_return;
  }
}

Task<void> DnsDiscovery::follow_service(SourcePointer source) {
  StopToken stop = source->stop.token();
  unsigned failures = 0;
  while (true) {
    Result<Answer> answer = co_await resolver_.lookup(source->config.name, RecordType::srv, stop);
    if (stop.stopped()) co_return;
    Duration pause;
    if (!answer) {
      pause = pause_after_failure(*source, answer.error(), failures++);
    } else {
      failures = 0;
      pause = pause_until(answer->expires);
      if (answer->kind == Answer::Kind::found) {
        take_services(source, answer->services);
      } else {
        note_failure(*source, answer->kind == Answer::Kind::no_name ? "nxdomain" : "nodata");
      }
    }
    if (!co_await loop_.sleep_for(pause, stop)) co_return;
  }
}

/// Starts and stops following targets; then the set may have changed even without new addresses.
void DnsDiscovery::take_services(const SourcePointer& source,
                                 const std::vector<dns::Service>& services) {
  merge(source->services, services, [](const dns::Service& a, const dns::Service& b) {
    return a.target == b.target && a.port == b.port;
  });
  std::set<std::string> targets;
  for (dns::Service& service : source->first_choice()) targets.insert(std::move(service.target));
  if (targets.size() > kMaxTargets) {
    targets.erase(std::next(targets.begin(), kMaxTargets), targets.end());
  }
  for (auto host = source->hosts.begin(); host != source->hosts.end();) {
    if (targets.erase(host->first) > 0) {
      ++host;
      continue;
    }
    host->second->stop.request({ErrorCode::cancelled, Origin::weir, "no longer a target"});
    host = source->hosts.erase(host);
  }
  publish(*source);
  for (const std::string& target : targets) start(source, target);
}

/// Returns whether the addresses may have changed.
bool DnsDiscovery::take_addresses(Source& source, Host& host, RecordType type,
                                  const Answer& answer) {
  Host::Family& family = host.family(type);
  const Host::Family& other = host.other(type);
  family.judged = true;
  family.found = answer.kind == Answer::Kind::found;
  // Without addresses, this family is given up only if the name lives on in the other.
  bool none = !family.found && !other.found;
  if (answer.kind == Answer::Kind::no_name) {
    note_failure(source, "nxdomain");
  } else if (none && other.judged) {
    note_failure(source, "nodata");
  }
  if (none || answer.kind == Answer::Kind::no_name) return false;
  if (family.found) note_answer(source);
  merge(family.addresses, answer.addresses, std::equal_to<>());
  return true;
}

void DnsDiscovery::publish(Source& source) {
  std::vector<WeightedAddress> all;
  auto add = [&](const std::string& name, std::uint16_t port, std::uint32_t weight) {
    auto host = source.hosts.find(name);
    if (host == source.hosts.end()) return;
    for (auto& [address, other] : host->second->servers(port)) {
      all.push_back({address, weight, name, source.config.placement, other});
    }
  };
  if (source.config.service) {
    std::vector<dns::Service> services = source.first_choice();
    std::uint16_t most = 0;
    for (const dns::Service& each : services) most = std::max(most, each.weight);
    for (const dns::Service& each : services) {
      add(each.target, each.port, source.config.weight * share(each.weight, most));
    }
  } else {
    add(source.config.name, source.config.port, source.config.weight);
  }
  if (all.empty()) return;  // what was there before is better than nothing
  auto order = [](const WeightedAddress& a, const WeightedAddress& b) {
    return a.address != b.address ? a.address < b.address : a.weight > b.weight;
  };
  std::ranges::sort(all, order);
  auto same = [](const WeightedAddress& a, const WeightedAddress& b) {
    return a.address == b.address;
  };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  {
    std::lock_guard lock(mutex_);
    source.status.addresses =
        all.size() + static_cast<std::size_t>(std::ranges::count_if(
                         all, [](const WeightedAddress& each) { return each.other.has_value(); }));
  }
  source.config.cluster->update(source.status.source, std::move(all));
}

void DnsDiscovery::note_answer(Source& source) {
  std::lock_guard lock(mutex_);
  ++source.status.answers;
  source.status.last_answer = loop_.wall_now();
}

void DnsDiscovery::note_failure(Source& source, std::string_view why) {
  std::lock_guard lock(mutex_);
  ++source.status.failures;
  source.status.last_failure = loop_.wall_now();
  source.status.last_error = why;
}

/// A little after the records have expired, so that many names do not come up together.
Duration DnsDiscovery::pause_until(TimePoint expires) {
  Duration left = std::max<Duration>(expires - loop_.now(), kLeastPause);
  Duration jitter = std::min<Duration>(left / 10, std::chrono::minutes(1));
  return left + drawn(jitter);
}

Duration DnsDiscovery::pause_after_failure(Source& source, const Error& error, unsigned failures) {
  Duration pause = kLeastPause;
  if (error.code == ErrorCode::overloaded) {
    // Our own limit of queries: there is room as soon as others have their answers.
    pause = std::min<Duration>(kLeastPause, kRoomPause * (1 << std::min(failures, 10u)));
  } else {
    note_failure(source, error.detail);
    pause = std::min(kMostRetryPause, kLeastPause * (1 << std::min(failures, 10u)));
  }
  return pause + drawn(pause / 4);
}

Duration DnsDiscovery::drawn(Duration most) {
  return Duration(loop_.random().below(static_cast<std::uint64_t>(most.count()) + 1));
}

}  // namespace weir

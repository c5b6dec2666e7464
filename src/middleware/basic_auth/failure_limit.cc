#include "middleware/basic_auth/failure_limit.h"

#include <algorithm>

namespace weir {
namespace {

// Looking at all of them is not for every request; and how long who tries too much at once waits.
constexpr Duration kForgetEvery = std::chrono::seconds(1);

std::uint64_t key_of(const IpAddress& client) {
  std::uint64_t key = 0;
  std::size_t first = client.v4 ? 12 : 0, bytes = client.v4 ? 4 : 8;
  for (std::size_t i = first; i < first + bytes; ++i) key = key << 8 | client.bytes[i];
  return key;
}

Duration one_of(const FailureLimit::Terms& terms) {
  return terms.per / static_cast<Duration::rep>(terms.count);
}

}  // namespace

std::optional<Duration> FailureLimit::begin(const IpAddress& client, const Terms& terms,
                                            TimePoint now) {
  std::lock_guard lock(mutex_);
  auto& clients = clients_[client.v4 ? 1 : 0];
  std::uint64_t key = key_of(client);
  if (clients.size() >= kMostClients && !clients.contains(key)) {
    forget_old(now);
    if (clients.size() >= kMostClients) return std::nullopt;
  }
  Client& known = clients[key];
  Duration after = std::max(known.until, now) - now + one_of(terms);
  if (after > terms.per) return after - terms.per;
  if (known.trying >= kMostAtOnce) return kForgetEvery;
  ++known.trying;
  return std::nullopt;
}

void FailureLimit::end(const IpAddress& client, const Terms& terms, bool failed, TimePoint now) {
  std::lock_guard lock(mutex_);
  auto& clients = clients_[client.v4 ? 1 : 0];
  auto known = clients.find(key_of(client));
  if (known == clients.end() || known->second.trying == 0) return;
  --known->second.trying;
  if (failed) known->second.until = std::max(known->second.until, now) + one_of(terms);
}

void FailureLimit::forget_old(TimePoint now) {
  if (now - forgotten_ < kForgetEvery && forgotten_ != TimePoint()) return;
  forgotten_ = now;
  for (auto& clients : clients_) {
    absl::erase_if(clients, [&](const auto& entry) {
      return entry.second.trying == 0 && entry.second.until <= now;
    });
  }
}

}  // namespace weir

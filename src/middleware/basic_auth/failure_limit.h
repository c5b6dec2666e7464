// FailureLimit: how often a client may be wrong.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstdint>
#include <mutex>
#include <optional>

#include "io/address.h"
#include "io/timer.h"

namespace weir {

/// Shared by all workers, and asked only where a password is about to be compared.
class FailureLimit {
 public:
  static constexpr std::size_t kMostClients = 65'536;  // who is new then is not limited
  static constexpr std::uint32_t kMostAtOnce = 32;  // attempts of a client whose end is not known

  /// `count` failures at once, and then one each `per / count`.
  struct Terms {
    std::uint64_t count;
    Duration per;
  };

  /// Nothing if the client may try, and then `end` follows; else how long it has to wait.
  std::optional<Duration> begin(const IpAddress& client, const Terms& terms, TimePoint now);
  void end(const IpAddress& client, const Terms& terms, bool failed, TimePoint now);

 private:
  struct Client {
    TimePoint until{};  // all its failures count (GCRA)
    std::uint32_t trying = 0;
  };
  void forget_old(TimePoint now);

  std::mutex mutex_;
  absl::flat_hash_map<std::uint64_t, Client> clients_[2];  // by address, IPv6 by /64
  TimePoint forgotten_{};
};

}  // namespace weir

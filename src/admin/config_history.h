// ConfigHistory: the versions of the configuration that can be compared and gone back to.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

enum class VersionOrigin : std::uint8_t {
  file,     // the configuration file, at the start or by a reload
  api,      // a change through the API
  rollback  // an earlier version again
};

std::string_view name(VersionOrigin origin);

struct ConfigVersion {
  std::uint64_t number = 0;
  std::int64_t at = 0;  // nanoseconds since the Unix epoch
  VersionOrigin origin = VersionOrigin::file;
  std::uint64_t of = 0;  // of a rollback: the version that it went back to
  std::string file;      // fingerprint of the configuration file that it began with
  std::string config;    // brief JSON, secrets and all; paths are absolute
};

using VersionPointer = std::shared_ptr<const ConfigVersion>;

/// In ascending order of their numbers; the last is in force. Used from one thread.
class ConfigHistory {
 public:
  /// Bytes of all versions together. The last one stays, whatever its size.
  static constexpr std::size_t kMostBytes = 64u << 20;

  /// How many are kept: at least one.
  void set_keep(std::size_t count) { keep_ = count; }

  /// Its number is greater than all others. Gives the numbers of those that went for it.
  std::vector<std::uint64_t> add(VersionPointer version);

  /// Null before the first.
  VersionPointer head() const { return versions_.empty() ? nullptr : versions_.back(); }
  VersionPointer find(std::uint64_t number) const;
  const std::deque<VersionPointer>& all() const { return versions_; }
  /// Numbers up to `taken` are not given again, although their versions are not known.
  void skip(std::uint64_t taken) { taken_ = std::max(taken_, taken); }
  std::uint64_t next_number() const {
    return std::max(versions_.empty() ? 0 : head()->number, taken_) + 1;
  }

 private:
  std::size_t keep_ = 100;
  std::size_t bytes_ = 0;
  std::uint64_t taken_ = 0;
  std::deque<VersionPointer> versions_;
};

}  // namespace weir

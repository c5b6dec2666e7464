// RedisStore: a Redis server that all workers ask, each on a connection of its own.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/slots.h"
#include "core/task.h"
#include "store/redis_client.h"

namespace weir {

/// A script that Redis runs as one step; sent whole only to a server that does not know it yet.
class RedisScript {
 public:
  explicit RedisScript(std::string text);
  std::string_view text() const { return text_; }
  std::string_view sha1() const { return sha1_; }  // in hexadecimal

 private:
  std::string text_;
  std::string sha1_;
};

/// Lives as long as a configuration that names it; any worker may ask.
class RedisStore {
 public:
  static constexpr std::size_t kMostArguments = 4;

  explicit RedisStore(RedisSettings settings);

  /// What the script says. Error: `unreachable`, within the timeout of the settings (twice
  /// that when the server has forgotten the script); also for errors that the script ends with. At
  /// most kMostArguments arguments. All of it outlives the await.
  Task<Result<RedisReply>> run(Loop& loop, const RedisScript& script, std::string_view key,
                               std::span<const std::string_view> arguments, StopToken stop) const;

  const std::string& name() const { return shared_->settings.name; }
  const RedisCounters& counters() const { return shared_->counters; }

 private:
  std::shared_ptr<RedisClient> client(Loop& loop) const;

  std::shared_ptr<RedisShared> shared_;
  SlotKey key_;
};

}  // namespace weir

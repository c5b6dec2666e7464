// RedisReply: what Redis answers (RESP2), and the parser of a connection's answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "core/result.h"

struct redisReply;
struct redisReader;

namespace weir {

class RedisReply {
 public:
  RedisReply() = default;  // nothing: nil
  explicit RedisReply(redisReply* reply);

  /// The text of an error; empty if it is none.
  std::string_view error() const;
  /// Of a status or a string; empty if it is neither.
  std::string_view text() const;
  /// Of an integer, or of one in an array; nothing if there is none.
  std::optional<std::int64_t> integer() const;
  std::optional<std::int64_t> integer(std::size_t index) const;

 private:
  struct Free {
    void operator()(redisReply* reply) const;
  };
  std::unique_ptr<redisReply, Free> reply_;
};

/// Bytes in, replies out. What cannot be a reply, or grows beyond kMostBytes before it is one, is
/// the error `parse`, and the end.
class RedisParser {
 public:
  static constexpr std::size_t kMostBytes = 1 << 20;

  RedisParser();
  Status feed(std::string_view bytes);
  /// The next whole reply; nothing if there is none yet.
  Result<std::optional<RedisReply>> next();

 private:
  struct Free {
    void operator()(redisReader* reader) const;
  };
  std::unique_ptr<redisReader, Free> reader_;
  std::size_t unanswered_ = 0;  // bytes since the last whole reply
};

}  // namespace weir

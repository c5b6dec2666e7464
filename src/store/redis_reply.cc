#include "store/redis_reply.h"

#include <hiredis/hiredis.h>

namespace weir {
namespace {

std::unexpected<Error> broken() {
  return fail(ErrorCode::parse, Origin::upstream, "the store does not speak as Redis does");
}

}  // namespace

RedisReply::RedisReply(redisReply* reply) : reply_(reply) {}

void RedisReply::Free::operator()(redisReply* reply) const { freeReplyObject(reply); }

std::string_view RedisReply::error() const {
  if (!reply_ || reply_->type != REDIS_REPLY_ERROR) return {};
  return {reply_->str, static_cast<std::size_t>(reply_->len)};
}

std::string_view RedisReply::text() const {
  if (!reply_) return {};
  if (reply_->type != REDIS_REPLY_STATUS && reply_->type != REDIS_REPLY_STRING) return {};
  return {reply_->str, static_cast<std::size_t>(reply_->len)};
}

std::optional<std::int64_t> RedisReply::integer() const {
  if (!reply_ || reply_->type != REDIS_REPLY_INTEGER) return std::nullopt;
  return reply_->integer;
}

std::optional<std::int64_t> RedisReply::integer(std::size_t index) const {
  if (!reply_ || reply_->type != REDIS_REPLY_ARRAY || index >= reply_->elements) {
    return std::nullopt;
  }
  const redisReply* element = reply_->element[index];
  if (element == nullptr || element->type != REDIS_REPLY_INTEGER) return std::nullopt;
  return element->integer;
}

RedisParser::RedisParser() : reader_(redisReaderCreate()) {}

void RedisParser::Free::operator()(redisReader* reader) const { redisReaderFree(reader); }

Status RedisParser::feed(std::string_view bytes) {
  unanswered_ += bytes.size();
  if (unanswered_ > kMostBytes) return broken();
  if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK) return broken();
  return {};
}

Result<std::optional<RedisReply>> RedisParser::next() {
  void* reply = nullptr;
  if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) return broken();
  if (reply == nullptr) return std::optional<RedisReply>();
  unanswered_ = 0;
  return std::optional<RedisReply>(RedisReply(static_cast<redisReply*>(reply)));
}

}  // namespace weir

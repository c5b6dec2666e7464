#include "store/redis.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "core/log.h"

namespace weir {
namespace {

/// A worker's slot. The connection outlives it until it has ended.
struct Seat {
  std::shared_ptr<RedisClient> client;
};

std::string sha1_of(std::string_view text) {
  unsigned char sum[EVP_MAX_MD_SIZE] = {};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), sum, &size, EVP_sha1(), nullptr);
  std::string digits;
  for (unsigned int i = 0; i < size; ++i) digits += fmt::format("{:02x}", sum[i]);
  return digits;
}

}  // namespace

RedisScript::RedisScript(std::string text) : text_(std::move(text)), sha1_(sha1_of(text_)) {}

RedisStore::RedisStore(RedisSettings settings)
    : shared_(std::make_shared<RedisShared>(std::move(settings))) {}

std::shared_ptr<RedisClient> RedisStore::client(Loop& loop) const {
  return loop.slots()
      .get<Seat>(key_,
                 [&] {
                   auto client = std::make_shared<RedisClient>(loop, shared_);
                   return std::make_unique<Seat>(Seat{std::move(client)});
                 })
      .client;
}

Task<Result<RedisReply>> RedisStore::run(Loop& loop, const RedisScript& script,
                                         std::string_view key,
                                         std::span<const std::string_view> arguments,
                                         StopToken stop) const {
  std::shared_ptr<RedisClient> client = this->client(loop);
  std::array<std::string_view, 4 + kMostArguments> words = {"EVALSHA", script.sha1(), "1", key};
  std::size_t more = std::min(arguments.size(), kMostArguments);
  std::ranges::copy(arguments.first(more), words.begin() + 4);
  auto command = std::span<const std::string_view>(words).first(4 + more);
  Result<RedisReply> reply = co_await client->call(command, stop);
  if (reply && reply->error().starts_with("NOSCRIPT")) {
    words[0] = "EVAL";
    words[1] = script.text();
    reply = co_await client->call(command, stop);
  }
  if (reply && !reply->error().empty()) {
    log("store_refuses", {{"store", name()}, {"reason", reply->error()}});
    co_return fail(ErrorCode::unreachable, Origin::weir, "the store refuses to work");
  }
  co_return reply;
}

}  // namespace weir

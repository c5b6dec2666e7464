#include "middleware/buffer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "http/grpc.h"
#include "middleware/buffer/buffered_body.h"

namespace weir {
namespace {

bool uses_disk(const std::optional<BufferLimitsConfig>& limits) {
  return limits && limits->disk.bytes > 0;
}

// Errno, 0 if temporary files can be made there.
int try_directory(const char* path) {
  int file = ::open(path, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) return errno;
  ::close(file);
  return 0;
}

}  // namespace

BufferMiddleware::BufferMiddleware(const BufferConfig& config, const BuildParts& parts)
    : config_(config),
      use_(parts.states.get<BufferUse>("all", [] { return std::make_shared<BufferUse>(); })),
      budget_(config.disk_total.bytes) {
  if (!uses_disk(config.request) && !uses_disk(config.response)) return;
  int error = try_directory(config.directory.value.c_str());
  if (error == 0) return;
  parts.diagnostics.error(config.directory.position, config::Code::unreadable_reference,
                          fmt::format("\"{}\": {}", config.directory.value, std::strerror(error)),
                          "temporary files need a directory that this user may write to");
}

SpoolLimits BufferMiddleware::limits(const BufferLimitsConfig& of) const {
  return {of.memory.bytes, of.disk.bytes, config_.directory.value.c_str(), &budget_, use_.get()};
}

Task<Status> BufferMiddleware::store(Exchange& exchange) const {
  Body& source = *exchange.request().body;
  const BufferLimitsConfig& most = *config_.request;
  if (source.length().value_or(0) > most.memory.bytes + most.disk.bytes) {
    use_->refused.fetch_add(1, std::memory_order_relaxed);
    co_return fail(ErrorCode::body_too_large, Origin::client, "more than is buffered");
  }
  auto* stored = exchange.own<StoredBody>(exchange.loop(), limits(most));
  Status status = co_await stored->store(source);
  if (status) exchange.request().body = stored;
  co_return status;
}

Task<Result<Response>> BufferMiddleware::handle(Exchange& exchange, Next next) const {
  if (grpc::is_call(exchange.request())) co_return co_await next(exchange);
  if (config_.request && exchange.request().body != nullptr) {
    Status stored = co_await store(exchange);
    if (!stored) co_return fail(stored.error());
  }
  Result<Response> response = co_await next(exchange);
  // What no upstream sends holds none.
  bool held = response && response->body != nullptr && !exchange.upstream().name.empty();
  if (!held || !config_.response) co_return response;
  auto* body = exchange.own<ReadAheadBody>(exchange, *response->body, limits(*config_.response));
  body->begin();
  response->body = body;
  co_return response;
}

}  // namespace weir

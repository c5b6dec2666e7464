#include "upstream/session_scope.h"

namespace weir {

const SlotKey& SessionScope::key() {
  static const SlotKey key;
  return key;
}

SessionScope& SessionScope::of(Loop& loop) {
  return loop.slots().get<SessionScope>(key(), [] { return std::make_unique<SessionScope>(); });
}

Task<void> SessionScope::finish(Loop& loop) {
  auto* self = loop.slots().find<SessionScope>(key());
  if (self == nullptr) co_return;
  self->close();
  co_await self->scope_.join();
}

h2::ClientSession::Reference SessionScope::open(std::unique_ptr<Stream> stream,
                                                const h2::ClientSessionLimits& limits,
                                                h2::ClientSessionHome& home) {
  h2::ClientSession::Reference session =
      h2::ClientSession::open(scope_, std::move(stream), limits, home);
  sessions_.append(*session);
  return session;
}

// A session unlinks itself when it closes.
void SessionScope::close() {
  scope_.stop(Error(ErrorCode::shutting_down, Origin::weir, "the worker ends"));
  while (sessions_.linked()) static_cast<h2::ClientSession*>(sessions_.next())->close();
}

}  // namespace weir

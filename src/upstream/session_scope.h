// Where the HTTP/2 sessions of one worker to its origins live: they outlast the pools that know
// them, and end before the worker does.
#pragma once

#include "core/scope.h"
#include "http/h2/client_session.h"

namespace weir {

/// One per worker, in its slots, made on first use.
class SessionScope {
 public:
  static SessionScope& of(Loop& loop);
  /// Closes what is left and waits for it. For a worker without exchanges; nothing is opened
  /// afterwards.
  static Task<void> finish(Loop& loop);

  h2::ClientSession::Reference open(std::unique_ptr<Stream> stream,
                                    const h2::ClientSessionLimits& limits,
                                    h2::ClientSessionHome& home);
  /// For connections that are still being opened.
  Scope& scope() { return scope_; }
  AbuseCounters& abuse() { return abuse_; }

 private:
  static const SlotKey& key();
  void close();

  AbuseCounters abuse_;
  Link sessions_;  // that take new streams
  Scope scope_;
};

}  // namespace weir

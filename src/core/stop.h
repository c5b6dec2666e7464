// Cancellation as a value: a source asks, tokens are asked, callbacks carry the news.
#pragma once

#include "core/error.h"
#include "core/list.h"

namespace weir {

class PlainStopSource;

/// Runs once when the source that it is linked to stops. Unlinks itself when destroyed.
class StopCallback : public Link {
 public:
  using Function = void (*)(StopCallback&, const Error&);
  explicit StopCallback(Function function) : function_(function) {}
  void run(const Error& why) { function_(*this, why); }

 private:
  Function function_;
};

/// What operations take: whether, and by whom, they may be cut short. Null never stops. The
/// source outlives the token's uses.
class StopToken {
 public:
  StopToken() = default;
  explicit StopToken(PlainStopSource* source) : source_(source) {}
  inline bool stopped() const;
  /// The reason; only after stopped().
  inline const Error& reason() const;
  inline void link(StopCallback& callback) const;

 private:
  PlainStopSource* source_ = nullptr;
};

/// Stops once, for one reason; the first wins. 40 bytes: what every idle connection has. Not
/// thread safe: everything that is linked belongs to one worker.
class PlainStopSource {
 public:
  /// Callbacks run before this returns, in the order in which they were linked. They must not
  /// resume a coroutine: completions go through the loop's queue. `why.code` is not none.
  void request(const Error& why);

  bool stopped() const { return reason_.code != ErrorCode::none; }
  const Error& reason() const { return reason_; }
  StopToken token() { return StopToken(this); }
  void link(StopCallback& callback) { callbacks_.append(callback); }

 private:
  Link callbacks_;
  Error reason_;
};

/// One that stops with its parent, too.
class StopSource : public PlainStopSource {
 public:
  StopSource() : from_parent_(&StopSource::parent_stopped) {}
  explicit StopSource(StopToken parent) : StopSource() { follow(parent); }
  void follow(StopToken parent);

 private:
  static void parent_stopped(StopCallback& self, const Error& why);

  struct FromParent : StopCallback {
    using StopCallback::StopCallback;
    StopSource* owner = nullptr;
  };
  FromParent from_parent_;
};

inline bool StopToken::stopped() const { return source_ != nullptr && source_->stopped(); }
inline const Error& StopToken::reason() const { return source_->reason(); }
inline void StopToken::link(StopCallback& callback) const {
  if (source_ != nullptr) source_->link(callback);
}

}  // namespace weir

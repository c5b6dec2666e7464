// Retries: which attempts a request makes: at which endpoint each, and whether one more.
#pragma once

#include <optional>

#include "http/recorded_body.h"
#include "upstream/attempt.h"
#include "upstream/endpoint_picker.h"

namespace weir {

/// What one request has tried so far, and what its policy makes of it. Lives in the frame that
/// sends the request.
class Retries {
 public:
  Retries(Exchange& exchange, Pool& pool, const UpstreamRequest& request,
          const UpstreamOptions& options);

  /// The next attempt, at an endpoint that was not tried yet if there is one. Null: there is
  /// nothing more to be tried; `last` says why.
  Attempt* begin();
  /// `begin` said no because every endpoint has as many requests as it may: then `wait` is the same
  /// when its turn has come.
  bool must_wait() const { return left_ > 0 && picker_.full(); }
  Task<Attempt*> wait();
  /// One beside another that is under way, at an endpoint that was not tried. Null: there is none
  /// left, or what is left of attempts or of the budget does not allow it.
  Attempt* begin_hedge();
  void hedge_won() { pool_.retry_counters().hedges_won.add(); }

  /// Whether the response is the answer. If not, it has been discarded, and `begin` makes another
  /// attempt; `others`: so does one that is under way.
  bool accepts(Attempt& attempt, Response& response, bool others = false);
  /// The attempt has failed: whether `begin` makes another depends on why.
  void failed(Attempt& attempt, const Error& error, bool others = false);
  /// How long to wait before `begin`.
  Duration pause() const { return pause_; }
  const Error& last() const { return last_; }

 private:
  Attempt* attempt(PickedEndpoint at);
  bool counts_as_failure(const Response& response) const;
  bool may_repeat(const Attempt& attempt, const Error& error) const;
  bool body_is_there() const { return record_ == nullptr || record_->whole(); }
  bool falls_back(const Attempt& attempt, const Error& error) const;
  bool late(Duration pause);
  bool admit();
  bool again(bool costs, Duration least_pause);
  bool afford();
  Duration draw_pause();

  Exchange& exchange_;
  Pool& pool_;
  const UpstreamRequest& request_;
  const UpstreamOptions& options_;
  const RetryPolicy& policy_;
  EndpointPicker picker_;
  std::shared_ptr<RecordedBody> record_;  // null: the body can be sent once
  RecordedBody::Reader* reader_ = nullptr;
  AttemptTerms terms_;
  std::optional<Admission> admitted_;  // the next attempt
  Error last_;
  Duration pause_{0};
  std::uint32_t left_;
  std::uint32_t repeated_ = 0;
  bool idempotent_;
};

}  // namespace weir

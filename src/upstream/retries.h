// Retries: which attempts a request makes: at which endpoint each, and whether one more.
#pragma once

#include <array>
#include <optional>

#include "upstream/attempt.h"

namespace weir {

/// What one request has tried so far. Lives in the frame that sends it.
class Retries {
 public:
  Retries(Exchange& exchange, Pool& pool, const UpstreamRequest& request,
          const UpstreamOptions& options);

  /// The next attempt, at an endpoint that was not tried yet if there is one. Null: there is
  /// nothing more to be tried; `last` says why.
  Attempt* begin();
  /// The attempt has failed: whether `begin` may make another depends on why.
  void failed(Attempt& attempt, const Error& error);
  const Error& last() const { return last_; }

 private:
  static constexpr std::size_t kMaxTried = 16;

  std::optional<std::uint32_t> pick(const EndpointSet& set);
  bool may_repeat(const Error& error) const;
  bool falls_back(const Attempt& attempt, const Error& error) const;

  Exchange& exchange_;
  Pool& pool_;
  const UpstreamRequest& request_;
  const UpstreamOptions& options_;
  std::optional<std::uint64_t> hash_;  // of the balancer's key
  std::uint32_t left_;
  AttemptTerms terms_;
  Error last_;
  std::size_t tried_count_ = 0;
  std::array<std::uint32_t, kMaxTried> tried_;
};

}  // namespace weir

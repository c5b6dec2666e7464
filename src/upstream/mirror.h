// Mirror: copies of requests that go to another upstream, and for whose answers nobody waits.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "config/diagnostics.h"
#include "core/scope.h"
#include "expression/expression.h"
#include "http/derived_exchange.h"
#include "upstream/mirror_config.h"
#include "upstream/upstream.h"

namespace weir {

/// The copies that are under way on one worker; in its slots, made on first use. They outlast the
/// exchanges that they are of, and end before the worker does.
class MirrorScope {
 public:
  static constexpr std::uint32_t kMost = 256;                // copies at a time
  static constexpr std::uint64_t kMostBytes = 16 * 1048576;  // of their bodies

  static MirrorScope& of(Loop& loop);
  /// Stops what is under way and waits for it. For a worker without exchanges.
  static Task<void> finish(Loop& loop);

  Scope& scope() { return scope_; }
  /// A place for a copy whose body may have so many bytes. False: there is none.
  bool enter(std::uint64_t bytes);
  void leave(std::uint64_t bytes);

 private:
  static const SlotKey& key();

  Scope scope_;
  std::uint32_t running_ = 0;
  std::uint64_t bytes_ = 0;
};

/// Which requests have a copy, and where it goes. Immutable; lives in the configuration, which a
/// copy that is under way keeps alive.
class Mirror {
 public:
  Mirror(const MirrorConfig& config, std::shared_ptr<const Upstream> upstream,
         config::Diagnostics& diagnostics);

  /// Before `request` is sent. If it is to have a copy, that goes out when everything that is
  /// runnable has run; a body is read through a record from then on. What cannot be copied or has
  /// no place is counted.
  void copy(Exchange& exchange, UpstreamRequest& request) const;

 private:
  bool wants(Exchange& exchange) const;
  std::optional<std::uint64_t> weigh(const Body* body) const;
  Task<void> run(Loop& loop, std::unique_ptr<DerivedExchange> exchange, UpstreamRequest request,
                 std::uint64_t bytes) const;

  std::shared_ptr<const Upstream> upstream_;
  UpstreamOptions options_;
  std::optional<expression::Expression> when_;
  double percent_;
  std::uint64_t max_body_;
  Duration timeout_;
};

}  // namespace weir

// Verdicts: what one worker knows of passwords that were compared a short while ago, or are now.
#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "io/loop.h"

namespace weir {

class Verdicts;

/// Waits for the end of a comparison that somebody else made. Nothing if it had none.
struct VerdictOperation : Operation {
  using Digest = std::array<unsigned char, 32>;
  VerdictOperation(Verdicts& all, Loop& on, const Digest& of)
      : verdicts(all), loop(on), digest(of) {}
  bool start();

  Verdicts& verdicts;
  Loop& loop;
  Digest digest;
  Result<std::optional<bool>> result{};
};

/// Credentials appear here as keyed digests only. Of those that were right some are remembered; of
/// those that are compared now all others wait for the first, so that a page of a hundred parts is
/// one comparison.
class Verdicts final : private Cancellable {
 public:
  using Digest = VerdictOperation::Digest;
  static constexpr std::size_t kMost = 4096;  // remembered; the oldest goes first

  /// They were right, and may still be taken for it.
  bool remembers(const Digest& digest, TimePoint now) const;
  /// True: the caller compares them now, and calls `end`. False: somebody else does.
  bool begin(const Digest& digest) { return comparing_.try_emplace(digest).second; }
  OperationAwaiter<VerdictOperation> wait(const Digest& digest, Loop& loop, StopToken stop) {
    return OperationAwaiter<VerdictOperation>(stop, *this, loop, digest);
  }
  void end(const Digest& digest, std::optional<bool> right, TimePoint remember_until);

 private:
  friend struct VerdictOperation;
  void cancel(Operation& operation, const Error& why) override;

  struct First {  // they are as good as random
    std::size_t operator()(const Digest& digest) const {
      std::size_t word;
      std::memcpy(&word, digest.data(), sizeof word);
      return word;
    }
  };
  template <class Value>
  using ByDigest = absl::flat_hash_map<Digest, Value, First>;

  ByDigest<std::vector<VerdictOperation*>> comparing_;
  ByDigest<TimePoint> right_;  // and until when
  std::deque<Digest> in_order_;
};

}  // namespace weir

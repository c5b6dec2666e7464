// Race: two attempts of one request at the same time, of which the first response wins.
#pragma once

#include <array>
#include <optional>

#include "io/signal.h"
#include "upstream/retries.h"

namespace weir {

/// Owned by the exchange: attempts that have lost end in its scope, after the frame that sent the
/// request has gone.
class Race {
 public:
  Race(Exchange& exchange, UpstreamRequest request);

  /// Whether requests of this kind may be sent twice at all.
  static bool suits(const UpstreamRequest& request, const RetryPolicy& policy);

  /// Sends the request, with `retries` for each of its attempts and for what joins them. `after`:
  /// how long an attempt is late; zero: no second one joins.
  Task<Result<Response>> run(Retries& retries, Duration after);

 private:
  struct Runner {
    Attempt* attempt = nullptr;
    std::optional<Result<Response>> result{};  // until it has been looked at
    bool running = false;
  };

  void start(Attempt& attempt);
  Task<void> run(Runner& runner);
  Task<bool> anyone_within(Duration time);
  Task<Runner*> next();
  Runner* finished();
  bool running() const;
  void end(const Runner& winner, Retries& retries);

  Exchange& exchange_;
  UpstreamRequest request_;
  Signal changed_;
  InterimSink* interim_sink_;
  std::array<Runner, 2> runners_;
  Attempt* hedge_ = nullptr;  // the last that joined another
  bool over_ = false;
};

}  // namespace weir

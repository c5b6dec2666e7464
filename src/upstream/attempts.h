// The attempts of one request: where each goes, over which connection, and whether one more is
// made.
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "http/exchange.h"
#include "upstream/pool.h"
#include "upstream/upstream.h"

namespace weir {

class Lease;

/// `while (begin())` is one attempt: `connect` unless `connected`, then `ask`, and what came of it.
class Attempts {
 public:
  Attempts(Exchange& exchange, Pool& pool, UpstreamRequest& request,
           const UpstreamOptions& options);

  /// Picks an endpoint and takes an idle connection, or a session with room, if there is one.
  /// False: there is nothing more to be tried; `last` says why.
  bool begin();
  bool connected() const { return connection_.stream != nullptr || session_; }
  Task<Status> connect();
  /// Sends the request; the connection and its exchange are the exchange's from here on.
  Task<Result<Response>> ask();

  void succeeded(const Response& response);
  void failed_to_connect(const Error& error);
  void failed(const Error& error);
  const Error& last() const { return last_; }

 private:
  static constexpr std::size_t kMaxTried = 16;

  std::optional<std::uint32_t> pick(const EndpointSet& set);
  void take();
  bool take_session();
  bool over_http1() const { return http1_ || !options_.multiplexes(); }
  void tell_latency(const Error& error);
  bool may_repeat(const Error& error) const;
  bool falls_back(const Error& error) const;
  void give_up() { left_ = 0; }

  Exchange& exchange_;
  Pool& pool_;
  UpstreamRequest& request_;
  const UpstreamOptions& options_;
  UpstreamFacts& facts_;
  std::shared_ptr<Endpoint> endpoint_;
  std::uint32_t index_ = 0;
  std::optional<std::uint64_t> hash_;  // of the balancer's key
  std::uint32_t left_;
  Lease* lease_ = nullptr;
  h1::ClientConnection connection_;
  SessionPool::Session session_;
  TimePoint asked_{};
  Error last_;
  bool certain_;             // the request cannot be repeated
  bool fresh_only_ = false;  // idle connections are not to be trusted
  bool http1_ = false;       // the endpoint's HTTP/2 does not serve
  std::size_t tried_count_ = 0;
  std::array<std::uint32_t, kMaxTried> tried_;
};

}  // namespace weir

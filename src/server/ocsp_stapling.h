// OcspStapling: keeps the OCSP responses of a process's certificates fresh.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/scope.h"
#include "io/dns/resolver.h"
#include "io/tls/certificates.h"
#include "io/tls/ocsp.h"
#include "upstream/fetch.h"

namespace weir {

/// One per process, on the loop of the Server's owner. Asks the responder of every certificate that
/// names one, again after half of an answer's life. What was answered last is shown until it is out
/// of date, whatever happens to the responder; a failure is told once, and retried ever more
/// slowly.
class OcspStapling {
 public:
  static constexpr std::size_t kAtOnce = 4;  // responders asked at one time
  static constexpr Duration kFirstRetry = std::chrono::seconds(30);
  static constexpr Duration kLastRetry = std::chrono::hours(1);
  static constexpr Duration kLeastLife = std::chrono::minutes(1);

  /// All outlive it. Handshakes see an answer after the store's next `refresh`.
  OcspStapling(Loop& loop, dns::Resolver& resolver, CertificateStore& store)
      : loop_(loop), resolver_(resolver), store_(store) {}

  /// Asks for what is due and lets go of what is out of date. To be called every few seconds.
  void look();
  /// Stops; to be awaited before destruction.
  Task<void> finish();

 private:
  struct State {
    std::shared_ptr<const ServerCertificate> certificate;
    std::string file;
    std::optional<OcspQuestion> question;
    TimePoint due{};        // of the next question
    std::int64_t ends = 0;  // seconds since the Unix epoch: of what is shown; 0: nothing is
    unsigned failures = 0;  // in a row
    bool asking = false;
  };

  void follow();
  Task<void> renew(std::shared_ptr<State> state);
  Task<Result<std::string>> ask(const OcspQuestion& question);
  void succeeded(State& state, std::string response, const OcspAnswer& answer);
  void failed(State& state, std::string_view reason);
  std::int64_t wall_seconds() const { return loop_.wall_now() / 1'000'000'000; }

  Loop& loop_;
  dns::Resolver& resolver_;
  CertificateStore& store_;
  std::map<const ServerCertificate*, std::shared_ptr<State>> states_;
  std::size_t asking_ = 0;
  Scope scope_;
};

}  // namespace weir

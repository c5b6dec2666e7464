// Load reports of origins in HTTP (ORCA, Open Request Cost Aggregation).
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "cluster/endpoint.h"
#include "cluster/reported_load.h"
#include "http/exchange.h"

namespace weir {

/// What an `endpoint-load-metrics` field says: `JSON {"cpu_utilization": 0.3}` or
/// `TEXT cpu_utilization=0.3, rps_fractional=120`, with the names of xds.data.orca.v3. The
/// utilization is that of the application, else the highest of its named ones, else that of the
/// processor. Nothing if the value is of another form, or says none of these.
std::optional<LoadReport> parse_load_report(std::string_view value);

/// What an `endpoint-load-metrics-bin` field says: the message in Base64, padded or not.
std::optional<LoadReport> parse_binary_load_report(std::string_view value);

/// Takes the report out of a head or of trailers: it is not for clients.
std::optional<LoadReport> take_load_report(Headers& headers);

/// A body whose trailers may have a report, as those of gRPC do.
class ReportingBody final : public Body {
 public:
  ReportingBody(Exchange& exchange, Body& origin, std::shared_ptr<Endpoint> endpoint)
      : exchange_(exchange), origin_(origin), endpoint_(std::move(endpoint)) {}
  Task<Result<Slice>> read() override;
  std::optional<Slice> try_read() override;
  void let_pass() override { origin_.let_pass(); }
  std::optional<std::uint64_t> length() const override { return origin_.length(); }
  const Headers* trailers() const override { return trailers_; }

 private:
  void end();

  Exchange& exchange_;
  Body& origin_;
  std::shared_ptr<Endpoint> endpoint_;
  Headers* trailers_ = nullptr;
};

}  // namespace weir

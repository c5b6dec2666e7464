// ip_filter: lets clients in by their address.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostics.h"
#include "http/handler.h"
#include "io/ip_ranges.h"
#include "middleware/ip_filter_config.h"

namespace weir {

/// Refuses with `ip_denied`. A client without an address (a Unix socket) is in no network: denied
/// by nothing, and allowed only where nothing is.
class IpFilterMiddleware final : public Middleware {
 public:
  IpFilterMiddleware(const IpFilterConfig& config, config::Diagnostics& diagnostics);
  Task<Result<Response>> handle(Exchange& exchange, Next next) const override;

 private:
  bool lets_in(const Exchange& exchange) const;

  IpRanges allow_;
  IpRanges deny_;
  bool allows_some_;
};

/// The networks of a text with one on each line. The error is for people and names the line.
std::expected<std::vector<IpNetwork>, std::string> parse_network_list(std::string_view text);

}  // namespace weir

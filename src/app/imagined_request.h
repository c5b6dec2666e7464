// A request that no client sent: what a line and some header fields mean, for explanations.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "http/exchange.h"

namespace weir {

/// The parts of `GET https://host:port/path`. Method and scheme may be missing; a text that begins
/// with "/" has no host.
class ImaginedRequest {
 public:
  /// The error says what cannot be read; what Weir would refuse as a request is no error here.
  static std::expected<ImaginedRequest, std::string> parse(std::string_view line,
                                                           const std::vector<std::string>& headers);

  /// Makes it the request of an exchange, checked and normalised like one from the network.
  /// `this` outlives the exchange. Errors are those that a client would get.
  Status fill(Exchange& exchange, const TargetOptions& options) const;

  const std::string& method() const { return method_; }
  bool secure() const { return url_.starts_with("https://"); }
  /// `GET https://host/path`
  std::string text() const { return method_ + " " + url_; }
  /// Of the listener that such a request reaches; 0 without a host.
  std::uint16_t port() const;

 private:
  std::string method_ = "GET";
  std::string url_;
  std::vector<std::pair<std::string, std::string>> headers_;
};

}  // namespace weir

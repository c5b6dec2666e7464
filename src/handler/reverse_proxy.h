// reverse_proxy: sends the request to an upstream and its response back.
#pragma once

#include <memory>
#include <string>

#include "config/diagnostics.h"
#include "expression/header_edits.h"
#include "handler/reverse_proxy_config.h"
#include "http/handler.h"
#include "upstream/upstream.h"

namespace weir {

class ReverseProxy final : public Handler {
 public:
  ReverseProxy(const ReverseProxyConfig& config, std::shared_ptr<const Upstream> upstream,
               config::Diagnostics& diagnostics);
  Task<Result<Response>> handle(Exchange& exchange) const override;

 private:
  enum class HostPolicy : std::uint8_t { keep, upstream, fixed };

  void forward_facts(Exchange& exchange) const;
  void clean(Exchange& exchange, Response& response) const;
  std::string_view target_of(Exchange& exchange) const;

  std::shared_ptr<const Upstream> upstream_;
  UpstreamOptions options_;
  ForwardedConfig forwarded_;
  HeaderEdits request_edits_;
  HeaderEdits response_edits_;
  HostPolicy host_policy_ = HostPolicy::keep;
  std::string host_;
  Duration total_timeout_{0};  // zero: unlimited
  std::string strip_prefix_;
};

}  // namespace weir

// reverse_proxy: sends the request to an upstream and its response back.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/diagnostics.h"
#include "expression/header_edits.h"
#include "handler/reverse_proxy_config.h"
#include "http/handler.h"
#include "upstream/build_parts.h"
#include "upstream/mirror.h"
#include "upstream/split.h"

namespace weir {

class ReverseProxy final : public Handler {
 public:
  /// The names in `config` are names of `upstreams`.
  ReverseProxy(const ReverseProxyConfig& config, const BuildParts& parts);
  Task<Result<Response>> handle(Exchange& exchange) const override;

 private:
  enum class HostPolicy : std::uint8_t { keep, upstream, fixed };
  /// Where requests go.
  struct Way {
    std::shared_ptr<const Upstream> upstream;
    std::unique_ptr<const UpstreamOptions> own;  // of this route; null: the upstream's
    const UpstreamOptions& options() const { return own ? *own : upstream->options(); }
  };

  const Way& way_of(Exchange& exchange) const;
  void forward_facts(Exchange& exchange) const;
  void clean(Exchange& exchange, Response& response) const;
  std::string_view target_of(Exchange& exchange) const;

  std::vector<Way> ways_;
  std::unique_ptr<const UpstreamSplit> split_;  // null: there is one way
  std::unique_ptr<const Mirror> mirror_;        // null: no copies
  ForwardedConfig forwarded_;
  HeaderEdits request_edits_;
  HeaderEdits response_edits_;
  HostPolicy host_policy_ = HostPolicy::keep;
  std::string host_;
  Duration total_timeout_{0};  // zero: unlimited
  std::string strip_prefix_;
};

}  // namespace weir

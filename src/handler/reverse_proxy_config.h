// The options of `reverse_proxy`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/parse.h"
#include "config/schema.h"
#include "config/values.h"
#include "http/header_edits_config.h"
#include "upstream/mirror_config.h"
#include "upstream/split_config.h"

namespace weir {

// Refuses what is neither `keep` nor `upstream` nor a host name with an optional port.
std::optional<config::Problem> check_forwarded_host(std::string_view text);
// Refuses a prefix that is not an absolute path.
std::optional<config::Problem> check_strip_prefix(std::string_view text);

// Which headers tell the origin about the client.
struct ForwardedConfig {
  bool x_forwarded = true;
  bool forwarded = false;
  bool via = true;
  bool request_id = true;

  static constexpr auto schema = config::object(
      "forwarded", "Headers that tell the origin about the client and the way.",
      config::field<&ForwardedConfig::x_forwarded>(
          "x_forwarded", "Send `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`."),
      config::field<&ForwardedConfig::forwarded>("forwarded", "Send `Forwarded` (RFC 7239)."),
      config::field<&ForwardedConfig::via>("via",
                                           "Send `Via` in both directions (RFC 9110, 7.6.3)."),
      config::field<&ForwardedConfig::request_id>(
          "request_id", "Send `X-Request-Id`, made here unless a trusted proxy sent one."));
};

// Empty values leave the upstream's own in force.
struct ProxyTimeoutsConfig {
  std::optional<config::Duration> connect;
  std::optional<config::Duration> response;
  std::optional<config::Duration> idle;
  std::optional<config::Duration> total;

  static constexpr auto schema =
      config::object("proxy timeouts", "Timeouts of this route in place of the upstream's.",
                     config::field<&ProxyTimeoutsConfig::connect>(
                         "connect", "How long connecting may take.",
                         config::range(std::chrono::milliseconds(1), std::chrono::hours(1))),
                     config::field<&ProxyTimeoutsConfig::response>(
                         "response", "How long the head of the response may take.",
                         config::range(std::chrono::milliseconds(1), std::chrono::hours(24))),
                     config::field<&ProxyTimeoutsConfig::idle>(
                         "idle", "How long a body may stand still.",
                         config::range(std::chrono::milliseconds(1), std::chrono::hours(24))),
                     config::field<&ProxyTimeoutsConfig::total>(
                         "total",
                         "How long the whole of it may take, from the head of the request to the "
                         "end of the response, repeated attempts included. What is left of it is "
                         "told to the origin: `X-Request-Timeout`, or `grpc-timeout` for gRPC.",
                         config::none("unlimited"),
                         config::range(std::chrono::milliseconds(1), std::chrono::hours(24))));
};

struct ReverseProxyConfig {
  config::Located<std::string> upstream;
  config::Map<std::string> subset;
  std::vector<SplitEntryConfig> split;
  std::vector<config::Located<std::string>> sticky;
  std::string host = "keep";
  std::string strip_prefix;
  HeaderEditsConfig request_headers;
  HeaderEditsConfig response_headers;
  ProxyTimeoutsConfig timeouts;
  ForwardedConfig forwarded;
  std::optional<MirrorConfig> mirror;

  // One upstream, or a split that gives each request to one.
  void check(const config::Found& found) const;
  // The names of those that answer, as they stand in the file.
  std::vector<const config::Located<std::string>*> upstreams() const;

  static constexpr auto schema = config::object(
      "reverse_proxy", "Sends the request to an upstream and its response back.",
      config::field<&ReverseProxyConfig::upstream>(
          "upstream", "The name of an entry under `upstreams`. Either this or `split` is needed.",
          config::shorthand, config::example("api")),
      config::field<&ReverseProxyConfig::split>(
          "split", "Several upstreams in place of one, each with its share of the requests.",
          config::example("[{ upstream: api, weight: 95 }, { upstream: api-canary, weight: 5 }]")),
      config::field<&ReverseProxyConfig::sticky>(
          "sticky",
          "Values of the request, such as `cookie.session`, by which a client always gets the same "
          "upstream of the split; the first that the request has. Without any, requests take "
          "turns.",
          config::one_or_many, config::not_empty, config::example("[cookie.session, client_ip]")),
      config::field<&ReverseProxyConfig::subset>(
          "subset",
          "Labels: only endpoints that have all of them. 503 with the reason `subset_empty` when "
          "none has.",
          config::example("{ version: v2 }")),
      config::field<&ReverseProxyConfig::host>(
          "host",
          "The `Host` that the origin sees: `keep` the client's, the address of the `upstream` "
          "endpoint, or a name.",
          config::check(&check_forwarded_host)),
      config::field<&ReverseProxyConfig::strip_prefix>(
          "strip_prefix", "Path prefix to remove before the request is sent.",
          config::check(&check_strip_prefix), config::example("/api")),
      config::field<&ReverseProxyConfig::request_headers>("request_headers",
                                                          "Changes to the request."),
      config::field<&ReverseProxyConfig::response_headers>("response_headers",
                                                           "Changes to the response."),
      config::field<&ReverseProxyConfig::timeouts>("timeouts",
                                                   "In place of the timeouts of the upstream."),
      config::field<&ReverseProxyConfig::forwarded>("forwarded",
                                                    "What the origin is told about the client."),
      config::field<&ReverseProxyConfig::mirror>(
          "mirror", "Another upstream that gets copies of the requests.", config::none("off")));
};

}  // namespace weir

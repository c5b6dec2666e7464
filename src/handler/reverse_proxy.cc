#include "handler/reverse_proxy.h"

#include <cstring>

#include "http/credentials.h"
#include "http/grpc.h"

namespace weir {
namespace {

constexpr std::string_view kPseudonym = "weir";

std::string_view via_version(Version version) {
  switch (version) {
    case Version::http_1_0: return "1.0 ";
    case Version::http_1_1: return "1.1 ";
    case Version::http_2: return "2 ";
    case Version::http_3: return "3 ";
  }
  return "1.1 ";
}

std::string_view ip_text(Exchange& exchange, const IpAddress& ip) {
  char* text = exchange.arena().allocate(46);
  return {text, ip.write(text)};
}

// Appends to a list that a trusted proxy began; starts anew for anyone else.
void append(Exchange& exchange, HeaderId id, std::string_view value, bool keep_earlier) {
  Headers& headers = exchange.request().headers;
  std::string_view all = value;
  if (keep_earlier && headers.has(id)) {
    std::string_view earlier;
    headers.for_each(id, [&](std::string_view each) {
      earlier = earlier.empty() ? each : exchange.arena().concat({earlier, ", ", each});
    });
    if (!earlier.empty()) all = exchange.arena().concat({earlier, ", ", value});
  }
  headers.set(id, all);
}

std::string_view via_value(Exchange& exchange, Version version) {
  return exchange.arena().concat({via_version(version), kPseudonym});
}

// What the client sent about itself is not believed, in whatever spelling: many servers take
// '_' for '-'.
bool must_not_pass(const Header& header) {
  return header.id() == HeaderId::unknown &&
         std::memchr(header.name().data(), '_', header.name().size()) != nullptr;
}

// Null where the route changes nothing: then all such routes share what a request reads.
std::unique_ptr<const UpstreamOptions> own_options(const Upstream& upstream,
                                                   const ReverseProxyConfig& config) {
  const ProxyTimeoutsConfig& timeouts = config.timeouts;
  bool timed = timeouts.connect || timeouts.response || timeouts.idle;
  if (!timed && config.subset.empty()) return nullptr;
  auto options = std::make_unique<UpstreamOptions>(upstream.options());
  if (timeouts.connect) options->connect_timeout = *timeouts.connect;
  if (timeouts.response) options->exchange.response_timeout = *timeouts.response;
  if (timeouts.idle) options->exchange.idle_timeout = *timeouts.idle;
  if (!config.subset.empty()) {
    options->subset = upstream.cluster()->subset(labels_of(config.subset));
  }
  return options;
}

}  // namespace

ReverseProxy::ReverseProxy(const ReverseProxyConfig& config, const BuildParts& parts)
    : forwarded_(config.forwarded),
      request_edits_(config.request_headers, expression::Stage::route, parts.diagnostics),
      response_edits_(config.response_headers, expression::Stage::response, parts.diagnostics),
      strip_prefix_(config.strip_prefix) {
  if (config.host == "upstream") {
    host_policy_ = HostPolicy::upstream;
  } else if (config.host != "keep") {
    host_policy_ = HostPolicy::fixed;
    host_ = config.host;
  }
  while (strip_prefix_.ends_with('/')) strip_prefix_.pop_back();
  total_timeout_ = config.timeouts.total.value_or(Duration::zero());
  for (const auto* name : config.upstreams()) {
    std::shared_ptr<const Upstream> upstream = parts.upstreams.find(**name)->second;
    std::unique_ptr<const UpstreamOptions> own = own_options(*upstream, config);
    ways_.push_back({std::move(upstream), std::move(own)});
  }
  if (!config.split.empty()) {
    split_ = std::make_unique<UpstreamSplit>(config.split, config.sticky, parts.diagnostics);
  }
  if (config.mirror) {
    mirror_ = std::make_unique<Mirror>(
        *config.mirror, parts.upstreams.find(*config.mirror->upstream)->second, parts.diagnostics);
  }
}

const ReverseProxy::Way& ReverseProxy::way_of(Exchange& exchange) const {
  return split_ ? ways_[split_->pick(exchange)] : ways_.front();
}

std::string_view ReverseProxy::target_of(Exchange& exchange) const {
  const Target& target = exchange.request().target;
  if (target.form == TargetForm::authority) return target.authority.text;
  std::string_view path = target.path_query;
  if (strip_prefix_.empty() || !path.starts_with(strip_prefix_)) return path;
  std::string_view rest = path.substr(strip_prefix_.size());
  if (rest.empty() || rest.front() == '?') return exchange.arena().concat({"/", rest});
  return rest.front() == '/' ? rest : path;  // only on a segment's boundary
}

void ReverseProxy::forward_facts(Exchange& exchange) const {
  Request& request = exchange.request();
  bool trusted = exchange.peer_trusted();
  std::string_view ip = ip_text(exchange, exchange.connection().peer.ip());
  bool unix_peer = exchange.connection().peer.family() == Address::Family::unix_path;
  if (forwarded_.x_forwarded) {
    if (!unix_peer) append(exchange, HeaderId::x_forwarded_for, ip, trusted);
    if (!trusted || !request.headers.has(HeaderId::x_forwarded_proto)) {
      request.headers.set(HeaderId::x_forwarded_proto, request.scheme);
    }
    if (!trusted || !request.headers.has(HeaderId::x_forwarded_host)) {
      if (request.authority.text.empty()) {
        request.headers.remove(HeaderId::x_forwarded_host);
      } else {
        request.headers.set(HeaderId::x_forwarded_host, request.authority.text);
      }
    }
  } else if (!trusted) {
    request.headers.remove(HeaderId::x_forwarded_for);
    request.headers.remove(HeaderId::x_forwarded_proto);
    request.headers.remove(HeaderId::x_forwarded_host);
  }
  if (forwarded_.forwarded) {
    bool v6 = exchange.connection().peer.family() == Address::Family::ipv6;
    std::string_view node = unix_peer ? "unknown"
                            : v6      ? exchange.arena().concat({"\"[", ip, "]\""})
                                      : ip;
    std::string_view element = exchange.arena().concat(
        {"for=", node, ";host=\"", request.authority.text, "\";proto=", request.scheme});
    append(exchange, HeaderId::forwarded, element, trusted);
  } else if (!trusted) {
    request.headers.remove(HeaderId::forwarded);
  }
  if (forwarded_.via) append(exchange, HeaderId::via, via_value(exchange, request.version), true);
  if (forwarded_.request_id) request.headers.set(HeaderId::x_request_id, exchange.request_id());
}

Task<Result<Response>> ReverseProxy::handle(Exchange& exchange) const {
  Request& request = exchange.request();
  std::string_view upgrade = request.upgrade;
  // Expect is answered here, not passed on.
  h1::remove_hop_by_hop(request.headers, HeaderSet(HeaderId::content_length, HeaderId::expect));
  if (request.headers.has(HeaderId::unknown)) request.headers.remove_if(must_not_pass);
  drop_spent_credentials(exchange);
  forward_facts(exchange);
  // RFC 9112, 3.2: Host is what was routed on, whatever field the client wrote.
  std::string_view host =
      host_policy_ == HostPolicy::fixed ? std::string_view(host_) : request.authority.text;
  request.headers.set(HeaderId::host, host);
  if (!request_edits_.empty()) {
    request_edits_.apply(request.headers, expression::ExchangeFacts(exchange));
  }

  UpstreamRequest sent{{request.method, request.method_text, target_of(exchange), &request.headers,
                        request.body, upgrade, request.te_trailers},
                       &request.headers,
                       // HTTP/1.0 may have named no host, and many origins refuse an empty one.
                       host_policy_ == HostPolicy::upstream || host.empty()};
  sent.deadline = keep_deadline(exchange, total_timeout_);
  bool call = grpc::is_call(request);
  const Way& way = way_of(exchange);
  if (mirror_) mirror_->copy(exchange, sent);
  Result<Response> response = co_await way.upstream->send(exchange, sent, way.options());
  if (response && call) response->body = grpc::with_status(exchange, response->body);
  if (response) clean(exchange, *response);
  co_return response;
}

// What the origin is made of is nobody's business.
void ReverseProxy::clean(Exchange& exchange, Response& response) const {
  response.headers.remove(HeaderId::server);
  if (response.headers.has(HeaderId::unknown)) response.headers.remove("X-Powered-By");
  if (forwarded_.via) {
    std::string_view own = via_value(exchange, exchange.upstream().version);
    std::string_view earlier = response.headers.get(HeaderId::via);
    response.headers.set(HeaderId::via,
                         earlier.empty() ? own : exchange.arena().concat({earlier, ", ", own}));
  }
  if (!response_edits_.empty()) {
    response_edits_.apply(response.headers, expression::ExchangeFacts(exchange, response));
  }
}

}  // namespace weir

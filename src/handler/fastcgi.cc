#include "handler/fastcgi.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>

#include "expression/exchange_facts.h"
#include "expression/header_edits.h"
#include "handler/fastcgi/variables.h"
#include "http/credentials.h"
#include "http/file_path.h"
#include "http/h1/framing.h"
#include "io/files/root.h"

namespace weir {
namespace {

std::string absolute(const std::string& path) {
  std::string whole = std::filesystem::absolute(path).lexically_normal().string();
  while (whole.size() > 1 && whole.ends_with('/')) whole.pop_back();
  return whole;
}

std::string without_last_slash(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  return text;
}

// The whole of a body whose length the client did not say. Errors: length_required above `limit`.
Task<Result<Body*>> count(Exchange& exchange, Body& body, std::size_t limit) {
  std::string content;
  while (true) {
    Result<Slice> piece = co_await body.read();
    if (!piece) co_return fail(piece.error());
    if (piece->empty()) break;
    if (content.size() + piece->size() > limit) {
      co_return fail(ErrorCode::length_required, Origin::client, "more than `unsized_body`");
    }
    content += piece->view();
  }
  co_return exchange.own<MemoryBody>(copy_slice(content));
}

// What anyone but a trusted proxy says of the client is not believed: applications would.
std::string_view scheme_of(Exchange& exchange) {
  Request& request = exchange.request();
  if (exchange.peer_trusted()) {
    std::string_view told = request.headers.get(HeaderId::x_forwarded_proto);
    if (told == "https" || told == "http") return told;
  } else {
    request.headers.remove(HeaderId::x_forwarded_for);
    request.headers.remove(HeaderId::x_forwarded_proto);
    request.headers.remove(HeaderId::x_forwarded_host);
    request.headers.remove(HeaderId::forwarded);
  }
  return request.scheme;
}

Response redirect_to_directory(Exchange& exchange) {
  const Target& target = exchange.request().target;
  Response response(exchange.arena());
  response.status = 308;
  response.headers.add(
      HeaderId::location,
      exchange.arena().concat({target.path, "/", target.has_query() ? "?" : "", target.query}));
  response.body = exchange.own<MemoryBody>(Slice());
  return response;
}

}  // namespace

FastCgi::FastCgi(const FastCgiConfig& config, const BuildParts& parts)
    : upstream_(parts.upstreams.find(*config.upstream)->second),
      rules_{absolute(*config.root), config.split, config.index, config.fallback},
      strip_prefix_(without_last_slash(config.strip_prefix)),
      unsized_body_(config.unsized_body.bytes),
      keep_connections_(config.keep_connections) {
  if (!rules_.fallback.empty()) rules_.fallback.erase(0, 1);
  script_root_ = without_last_slash(config.script_root.empty() ? rules_.root : config.script_root);
  compile(config, parts.diagnostics);
  auto root = Root::open(rules_.root);
  if (root) return;
  parts.diagnostics.error(config.root.position, config::Code::unreadable_reference,
                          fmt::format("\"{}\": {}", *config.root, std::strerror(root.error())),
                          "the root must be a directory that this user may enter");
}

void FastCgi::compile(const FastCgiConfig& config, config::Diagnostics& diagnostics) {
  for (const auto& param : config.params) {
    auto compiled = expression::Template::compile(*param.value, expression::Stage::route,
                                                  expression::Escape::header);
    if (compiled) {
      params_.emplace_back(param.name, std::move(*compiled));
    } else {
      report(compiled.error(), param.value.position, diagnostics);
    }
  }
}

Task<Result<Response>> FastCgi::handle(Exchange& exchange) const {
  Request& request = exchange.request();
  if (request.method == Method::connect) {
    co_return fail(ErrorCode::method_not_allowed, Origin::client, "no script takes CONNECT");
  }
  if (request.headers.count(HeaderId::content_type) > 1) {
    co_return fail(ErrorCode::parse, Origin::client, "more than one Content-Type");
  }
  ScriptLookup found = look_up(exchange);
  switch (found.kind) {
    case ScriptLookup::Kind::script: break;
    case ScriptLookup::Kind::directory: co_return redirect_to_directory(exchange);
    case ScriptLookup::Kind::missing:
      co_return fail(ErrorCode::not_found, Origin::weir, "no such script");
    case ScriptLookup::Kind::failed:
      co_return fail(found.error == EIO ? ErrorCode::io : ErrorCode::overloaded, Origin::weir,
                     "the script cannot be looked for");
  }
  if (request.body != nullptr && !request.body->length()) {
    Result<Body*> counted = co_await count(exchange, *request.body, unsized_body_);
    if (!counted) co_return fail(counted.error());
    request.body = *counted;
  }
  co_return co_await run(exchange, found.script);
}

ScriptLookup FastCgi::look_up(Exchange& exchange) const {
  std::optional<std::string_view> path =
      strip_prefix(exchange.request().target.path, strip_prefix_);
  if (path) path = file_path(*path, exchange.arena());
  if (!path) return {};
  return find_script(rules_, *path, exchange.arena());
}

fastcgi::Params* FastCgi::params_of(Exchange& exchange, const Script& script) const {
  std::string_view scheme = scheme_of(exchange);
  auto* params = exchange.arena().make<fastcgi::Params>(exchange.arena());
  std::string value;
  for (const auto& [name, made_of] : params_) {
    value.clear();
    if (!made_of.append_to(value, expression::ExchangeFacts(exchange))) continue;
    params->add(name, exchange.arena().copy(value));
  }
  add_variables(*params, exchange,
                {script, script_root_, strip_prefix_, scheme, exchange.request().body});
  return params;
}

Task<Result<Response>> FastCgi::run(Exchange& exchange, Script script) const {
  Request& request = exchange.request();
  fastcgi::Call call{params_of(exchange, script), keep_connections_};
  h1::remove_hop_by_hop(request.headers, HeaderSet(HeaderId::content_length, HeaderId::expect));
  drop_spent_credentials(exchange);
  // What was routed on, whatever field the client wrote.
  if (request.authority.text.empty()) {
    request.headers.remove(HeaderId::host);
  } else {
    request.headers.set(HeaderId::host, request.authority.text);
  }
  request.headers.set(HeaderId::x_request_id, exchange.request_id());
  UpstreamRequest sent{{request.method,
                        request.method_text,
                        request.target.path_query,
                        &request.headers,
                        request.body,
                        {},
                        false},
                       &request.headers};
  sent.deadline = keep_deadline(exchange, Duration::zero());
  sent.fastcgi = &call;
  Result<Response> response = co_await upstream_->send(exchange, sent, upstream_->options());
  // What the application is made of is nobody's business.
  if (response) {
    response->headers.remove(HeaderId::server);
    response->headers.remove("X-Powered-By");
  }
  co_return response;
}

}  // namespace weir

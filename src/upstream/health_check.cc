#include "upstream/health_check.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "cluster/health_command.h"
#include "config/dump.h"
#include "expression/regex.h"
#include "io/deadline.h"
#include "upstream/health_conversations.h"

namespace weir {
namespace {

// Checks of HTTP/2 endpoints that agree by ALPN speak it, too; gRPC is nothing else.
UpstreamProtocol protocol_of(const HealthConfig& config, UpstreamProtocol traffic) {
  switch (config.type) {
    case HealthCheckType::grpc: return UpstreamProtocol::http2;
    case HealthCheckType::http: return traffic;
    case HealthCheckType::tcp:
    case HealthCheckType::exec: break;
  }
  return UpstreamProtocol::automatic;
}

bool runnable(const HealthConfig& config, config::Diagnostics& diagnostics) {
  if (config.type != HealthCheckType::exec) return true;
  const config::Located<std::string>& program = config.command.front();
  if (!program->starts_with('/') || ::access(program->c_str(), X_OK) == 0) return true;
  diagnostics.error(program.position, config::Code::unreadable_reference,
                    fmt::format("{} cannot be run", *program),
                    "check the path, and that it may be executed");
  return false;
}

Task<CheckResult> check_by_program(ProgramRunner& programs, const HealthCheck& check,
                                   const Endpoint& endpoint, StopToken stop) {
  Address where = check.address_of(endpoint);
  Program program;
  for (const auto& each : check.config.command) {
    program.arguments.push_back(fill_placeholders(*each, where));
  }
  program.environment = check_environment(check.upstream, endpoint, where);
  Result<ProgramEnd> end = co_await programs.run(std::move(program), stop);
  if (!end) co_return std::unexpected(health_reason("program", end.error()));
  if (end->signal != 0) {
    co_return std::unexpected(fmt::format("program: ended by signal {}", end->signal));
  }
  if (end->status == 0) co_return CheckResult();
  co_return std::unexpected(fmt::format("program: exit status {}", end->status));
}

Task<CheckResult> check_by_connection(Loop& loop, const HealthCheck& check,
                                      const Endpoint& endpoint, StopToken stop) {
  UpstreamOptions options;
  options.tls = check.tls;
  options.protocol = check.protocol;
  options.proxy_protocol = check.proxy_protocol;
  options.connect_timeout = 2 * check.config.time_limit();  // `stop` comes before it
  Dial to(endpoint, options);
  to.address = check.address_of(endpoint);
  if (to.other && check.config.port) to.other = to.other->with_port(*check.config.port);
  if (check.config.port) to.proxy_header.clear();  // a port for checks has no proxies
  Result<Dialled> connection = co_await dial(loop, std::move(to), stop);
  if (!connection) co_return std::unexpected(health_reason("connect", connection.error()));
  switch (check.config.type) {
    case HealthCheckType::http:
      co_return co_await ask_http_health(loop, check, endpoint, std::move(*connection), stop);
    case HealthCheckType::grpc:
      co_return co_await ask_grpc_health(loop, check, endpoint, std::move(*connection), stop);
    case HealthCheckType::tcp:
    case HealthCheckType::exec: break;
  }
  co_return co_await converse(check.config, *connection->stream, stop);
}

}  // namespace

Address HealthCheck::address_of(const Endpoint& endpoint) const {
  return config.port ? endpoint.address.with_port(*config.port) : endpoint.address;
}

std::shared_ptr<const HealthCheck> make_health_check(const HealthConfig& config,
                                                     std::string upstream,
                                                     const UpstreamOptions& options,
                                                     config::Diagnostics& diagnostics) {
  auto check = std::make_shared<HealthCheck>();
  check->config = config;
  check->upstream = std::move(upstream);
  check->protocol = protocol_of(config, options.protocol);
  if (config.tls) check->tls = options.tls;
  check->proxy_protocol = options.proxy_protocol;
  for (const std::string& each : config.status) {
    check->statuses.push_back(StatusRange::parse(each).value());
  }
  if (!config.body_regex->empty()) {
    auto regex = std::make_shared<re2::RE2>(*config.body_regex, expression::regex_options());
    if (!regex->ok()) {
      diagnostics.error(config.body_regex.position, config::Code::bad_regex,
                        fmt::format("\"{}\" is no regular expression of RE2: {}",
                                    *config.body_regex, regex->error()));
      return nullptr;
    }
    check->body_regex = std::move(regex);
  }
  if (!runnable(config, diagnostics)) return nullptr;
  return check;
}

bool same_check(const HealthCheck& a, const HealthCheck& b) {
  return a.tls == b.tls && a.protocol == b.protocol && a.proxy_protocol == b.proxy_protocol &&
         config::same(a.config, b.config);
}

Task<CheckResult> check_health(Loop& loop, ProgramRunner& programs,
                               std::shared_ptr<const HealthCheck> check,
                               std::shared_ptr<const Endpoint> endpoint, StopToken stop) {
  Deadline deadline(loop, check->config.time_limit(), stop);
  if (check->config.type == HealthCheckType::exec) {
    co_return co_await check_by_program(programs, *check, *endpoint, deadline.token());
  }
  co_return co_await check_by_connection(loop, *check, *endpoint, deadline.token());
}

}  // namespace weir

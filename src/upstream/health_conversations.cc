#include "upstream/health_conversations.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "upstream/grpc_health.h"

namespace weir {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;

using Unwell = std::unexpected<std::string>;

CheckResult judge_http(const HealthCheck& check, const LoneAnswer& answer) {
  bool expected = std::ranges::any_of(
      check.statuses, [&](const StatusRange& range) { return range.contains(answer.status); });
  if (!expected) return Unwell(fmt::format("status {}", answer.status));
  const std::string& part = check.config.body;
  if (!part.empty() && answer.body.find(part) == std::string::npos) {
    return Unwell("the body lacks what is expected");
  }
  if (check.body_regex && !re2::RE2::PartialMatch(answer.body, *check.body_regex)) {
    return Unwell("the body does not match what is expected");
  }
  return {};
}

CheckResult judge_grpc(const LoneAnswer& answer) {
  if (answer.status != 200) return Unwell(fmt::format("status {}", answer.status));
  if (answer.grpc_status != "0") {
    std::string_view said = answer.grpc_status;
    return Unwell(fmt::format("gRPC status {}", said.empty() ? "missing" : said.substr(0, 20)));
  }
  auto serving = parse_health_response(answer.body);
  if (!serving) return Unwell("the answer is no HealthCheckResponse");
  if (*serving != ServingStatus::serving) return Unwell(std::string(name(*serving)));
  return {};
}

// By default the name that stands for the endpoint; its address if it was written as one.
std::string host_of(const HealthCheck& check, const Endpoint& endpoint) {
  if (!check.config.host.empty()) return check.config.host;
  Address where = check.address_of(endpoint);
  if (where.family() == Address::Family::unix_path) return "localhost";
  if (endpoint.host == where.ip().text()) return where.text();
  bool usual = where.port() == (check.tls ? kHttpsPort : kHttpPort);
  return usual ? endpoint.host : fmt::format("{}:{}", endpoint.host, where.port());
}

}  // namespace

std::string health_reason(std::string_view step, const Error& error) {
  std::string reason = fmt::format("{}: {}", step, name(error.code));
  if (!error.detail.empty() && error.detail != step) reason += fmt::format(" ({})", error.detail);
  return reason;
}

Task<CheckResult> converse(const HealthConfig& config, Stream& stream, StopToken stop) {
  if (!config.send.empty()) {
    Slice said = Slice::unowned(config.send);
    Status sent = co_await stream.write({&said, 1}, stop);
    if (!sent) co_return Unwell(health_reason("send", sent.error()));
  }
  std::string answer;
  while (answer.find(config.expect) == std::string::npos) {
    if (answer.size() >= kHealthAnswerBytes) co_return Unwell("the answer lacks what is expected");
    Result<Slice> got = co_await stream.read(stop);
    if (!got && got.error().code == ErrorCode::end_of_stream) {
      co_return Unwell("the answer ended without what is expected");
    }
    if (!got) co_return Unwell(health_reason("answer", got.error()));
    answer += got->view().substr(0, kHealthAnswerBytes - answer.size());
  }
  co_return CheckResult();
}

Task<CheckResult> ask_http_health(Loop& loop, const HealthCheck& check, const Endpoint& endpoint,
                                  Dialled connection, StopToken stop) {
  FetchRequest request{host_of(check, endpoint), check.config.path};
  Result<LoneAnswer> answer =
      co_await ask_once(loop, std::move(connection), std::move(request), kHealthAnswerBytes, stop);
  if (!answer) co_return Unwell(health_reason("answer", answer.error()));
  co_return judge_http(check, *answer);
}

Task<CheckResult> ask_grpc_health(Loop& loop, const HealthCheck& check, const Endpoint& endpoint,
                                  Dialled connection, StopToken stop) {
  FetchRequest request{host_of(check, endpoint), std::string(kGrpcHealthPath), "application/grpc",
                       health_request(check.config.service)};
  connection.http2 = true;
  Result<LoneAnswer> answer =
      co_await ask_once(loop, std::move(connection), std::move(request), kHealthAnswerBytes, stop);
  if (!answer) co_return Unwell(health_reason("answer", answer.error()));
  co_return judge_grpc(*answer);
}

}  // namespace weir

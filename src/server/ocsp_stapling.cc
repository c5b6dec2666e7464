#include "server/ocsp_stapling.h"

#include <algorithm>

#include "cluster/config.h"
#include "core/log.h"
#include "io/deadline.h"

namespace weir {
namespace {

constexpr FetchLimits kLimits{.time = std::chrono::seconds(15), .body_bytes = 64 * 1024};
constexpr std::uint16_t kHttpPort = 80;

UpstreamOptions options() {
  UpstreamOptions options;
  options.exchange = {{}, {}, kLimits.time, kLimits.time};
  options.pool.max_idle = 0;
  return options;
}

// A cluster of its own for each question: responders are asked every few days.
struct Responder {
  Responder(Loop& on, const std::string& host)
      : loop(on), cluster(std::make_shared<Cluster>(host)), upstream(cluster, options()) {}
  ~Responder() { loop.slots().erase(cluster->worker_key()); }

  Loop& loop;
  std::shared_ptr<Cluster> cluster;
  Upstream upstream;
};

}  // namespace

void OcspStapling::look() {
  follow();
  for (auto& [certificate, state] : states_) {
    if (state->ends != 0 && state->ends <= wall_seconds()) {
      state->ends = 0;
      store_.staple(*certificate, {});
      log("ocsp_out_of_date", {{"file", state->file}});
    }
    bool due = state->question && !state->asking && state->due <= loop_.now();
    if (!due || asking_ >= kAtOnce) continue;
    state->asking = true;
    ++asking_;
    scope_.spawn(renew(state));
  }
}

// A certificate that was swapped is another one, and begins anew.
void OcspStapling::follow() {
  std::map<const ServerCertificate*, std::shared_ptr<State>> known = std::exchange(states_, {});
  for (CertificateStore::InUse& each : store_.in_use()) {
    if (!each.stapled) continue;
    std::shared_ptr<State>& state = states_[each.certificate.get()];
    auto old = known.find(each.certificate.get());
    if (old != known.end()) {
      state = std::move(old->second);
    } else {
      state = std::make_shared<State>();
      state->question = ocsp_question(*each.certificate);
      state->file = each.files.certificate;
      state->certificate = std::move(each.certificate);
    }
  }
}

Task<void> OcspStapling::renew(std::shared_ptr<State> state) {
  Result<std::string> response = co_await ask(*state->question);
  if (response) {
    auto answer = check_ocsp_answer(*state->certificate, *response, wall_seconds());
    if (answer) {
      succeeded(*state, std::move(*response), *answer);
    } else {
      failed(*state, answer.error());
    }
  } else if (!scope_.token().stopped()) {
    const Error& error = response.error();
    failed(*state, error.detail.empty() ? name(error.code) : error.detail);
  }
  state->asking = false;
  --asking_;
}

Task<Result<std::string>> OcspStapling::ask(const OcspQuestion& question) {
  Arena arena;
  Result<Target> target = parse_target(question.url, target_rule("GET"), arena);
  if (!target || target->form != TargetForm::absolute) {
    co_return fail(ErrorCode::bad_target, Origin::weir, "the responder's address is no URL");
  }
  std::string host(target->authority.bare_host());
  Deadline deadline(loop_, kLimits.time, scope_.token());
  Result<dns::Addresses> addresses = co_await resolver_.resolve(host, deadline.token());
  if (!addresses) co_return fail(addresses.error());
  Responder responder(loop_, host);
  std::vector<WeightedAddress> endpoints;
  std::uint16_t port = target->authority.port != 0 ? target->authority.port : kHttpPort;
  for (const IpAddress& ip : addresses->list) endpoints.push_back({Address(ip, port)});
  responder.cluster->update("", std::move(endpoints));
  FetchRequest request{std::string(target->authority.text), std::string(target->path_query),
                       "application/ocsp-request", question.request};
  Result<Fetched> got =
      co_await fetch(loop_, responder.upstream, std::move(request), kLimits, scope_.token());
  if (!got) co_return fail(got.error());
  if (got->status != 200) {
    co_return fail(ErrorCode::bad_gateway, Origin::upstream, "its status is not 200");
  }
  co_return std::move(got->body);
}

void OcspStapling::succeeded(State& state, std::string response, const OcspAnswer& answer) {
  store_.staple(*state.certificate, std::move(response));
  state.ends = answer.next_update;
  state.failures = 0;
  auto half = answer.this_update + (answer.next_update - answer.this_update) / 2;
  Duration wait = std::chrono::seconds(half - wall_seconds());
  state.due = loop_.now() + std::max<Duration>(wait, kLeastLife);
}

void OcspStapling::failed(State& state, std::string_view reason) {
  unsigned doublings = std::min(state.failures, 7U);
  state.due = loop_.now() + std::min<Duration>(kFirstRetry * (1U << doublings), kLastRetry);
  if (state.failures++ > 0) return;
  log("ocsp_failed",
      {{"file", state.file}, {"responder", state.question->url}, {"reason", reason}});
}

Task<void> OcspStapling::finish() {
  scope_.stop(Error(ErrorCode::shutting_down));
  co_await scope_.join();
}

}  // namespace weir

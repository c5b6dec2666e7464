#include "proxy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "config/document.h"
#include "http/exchange.h"

namespace weir::sim {
namespace {

/// Counts the end of each exchange, by the request's id.
class Observer final : public ExchangeObserver {
 public:
  explicit Observer(Ledger& ledger) : ledger_(ledger) {}

  void exchange_ended(Exchange& exchange) override {
    ++ledger_.exchanges;
    const Header* header = exchange.request().headers.find("X-Id");
    if (header == nullptr) return;
    std::uint64_t id = 0;
    std::string_view text = header->value();
    std::from_chars(text.data(), text.data() + text.size(), id);
    Story* story = ledger_.find(id);
    if (story == nullptr) return ledger_.fail(nullptr, "an exchange that nobody began");
    ++story->ended;
    const Outcome& outcome = exchange.outcome();
    if (outcome.error.code != ErrorCode::none) {
      story->why = fmt::format("{} {}: {}", name(outcome.error.origin), name(outcome.error.code),
                               outcome.error.detail);
    }
    bool served = outcome.error.code == ErrorCode::none && exchange.upstream().status == 200 &&
                  outcome.status == 200 && story->method != "HEAD";
    if (served && outcome.bytes_sent != story->response_size) {
      ledger_.fail(story, fmt::format("the log has {} bytes sent of {}", outcome.bytes_sent,
                                      story->response_size));
    }
    if (outcome.ended < outcome.started) ledger_.fail(story, "ended before it started");
  }

 private:
  Ledger& ledger_;
};

}  // namespace

Result<Loop*> SimHost::start(unsigned index) {
  SimLoop*& loop = loops_[index];
  if (loop != nullptr) ledger_.fail(nullptr, "a worker's number is used twice");
  loop = &world_.add_loop("10.0.0.1");
  return loop;
}

void SimHost::retire(unsigned index) {
  auto found = loops_.find(index);
  if (found == loops_.end()) return ledger_.fail(nullptr, "no such worker to retire");
  SimLoop* loop = found->second;
  loops_.erase(found);
  loop->post([loop] { loop->slots().clear(); });
}

std::unique_ptr<ExchangeObserver> SimHost::make_observer(Loop&) {
  return std::make_unique<Observer>(ledger_);
}

std::string Setup::yaml() const {
  std::string pool = max_requests > 0 ? fmt::format(", max_requests: {}", max_requests) : "";
  std::string_view more = resilient
                              ? ", backoff: { base: 20ms }, per_try_timeout: 3s, body_limit: 4KiB, "
                                "budget: { share: 0.5 } }, hedge: { after: 300ms }"
                              : " }";
  auto upstream = [&](std::string_view name, const std::vector<std::string>& endpoints,
                      bool http2) {
    return fmt::format(
        "  {}: {{ endpoints: [\"{}\"], protocol: {}, balance: {}, connect_timeout: 2s, "
        "response_timeout: 4s, "
        "idle_timeout: 5s, pool: {{ idle_timeout: 3s{} }}, retries: {{ attempts: {}{} }}\n",
        name, fmt::join(endpoints, "\", \""), http2 ? "http2" : "http1",
        least_requests ? "least_requests" : "round_robin", pool, attempts, more);
  };
  auto listener = [&](unsigned port) {
    return fmt::format(
        "  - {{ address: \"10.0.0.1:{}\", timeouts: {{ header: 6s, idle: 8s }}, half_close: {} "
        "}}\n",
        port, keep_half_closed ? "keep" : "cancel");
  };
  // All requests of the stories fit; of responses some do not.
  std::string_view use = buffered ? "use: [{ buffer: { request: { memory: 1KiB, disk: 64KiB }, "
                                    "response: { memory: 1KiB, disk: 8KiB } } }]\n"
                                  : "";
  return fmt::format(
      "workers: {}\naccess_log: off\nadmin: off\nlisteners:\n{}{}{}"
      "routes:\n  - {{ match: {{ path: \"/a/*\" }}, reverse_proxy: {} }}\n"
      "  - {{ match: {{ path: \"/b/*\" }}, reverse_proxy: {} }}\nupstreams:\n{}{}",
      workers, listener(80), second_listener ? listener(81) : std::string(), use,
      swapped ? "right" : "left", swapped ? "left" : "right", upstream("left", left, left_http2),
      upstream("right", right, right_http2));
}

void Proxy::apply(const Setup& setup) {
  if (draining_) return;
  config::Diagnostics diagnostics;
  config::Document document = config::read_text("simulated", setup.yaml(), diagnostics);
  ServerConfig config = parse_server_config(document, diagnostics);
  bool applied = diagnostics.ok() && server_.apply(std::move(config), diagnostics, [] {});
  if (!applied) ledger_.fail(nullptr, diagnostics.render());
  for (const auto& each : server_.listeners()) {
    if (std::ranges::count(listeners_, each) == 0) listeners_.push_back(each);
  }
}

void Proxy::drain(Duration patience) {
  if (std::exchange(draining_, true)) return;
  server_.drain([this] { drained_ = true; });
  world_.after(patience, [this] {
    if (!drained_) server_.abort();
  });
}

// Until the end: the world becomes quiet after it.
void Proxy::tend() {
  if (drained_) return;
  server_.tend_clusters(host_.control().now(), host_.control().wall_now());
  world_.after(std::chrono::seconds(1), [this] { tend(); });
}

void Proxy::sessions(SessionCounters& total) const {
  for (const auto& each : listeners_) each->sessions.add_to(total);
}

}  // namespace weir::sim

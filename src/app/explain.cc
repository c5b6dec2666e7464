#include "app/explain.h"

#include <algorithm>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/explain_route.h"
#include "app/imagined_request.h"
#include "config/suggest.h"
#include "http/error_response.h"
#include "server/client_address.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kDefaultClient = "127.0.0.1";

ControlAnswer wrong(std::string_view why) { return {false, fmt::format("explain: {}\n", why), {}}; }

class Explainer {
 public:
  Explainer(const ExplainedConfiguration& configuration, const ImaginedRequest& request,
            const IpAddress& client, Loop& loop)
      : configuration_(configuration), request_(request), client_(client, 0), loop_(loop) {
    text_ = fmt::format("{} from {}\n", request.text(), client.text());
  }

  /// Those that the request would reach; all of them, said so, if that cannot be known.
  std::vector<std::size_t> listeners_by_port() {
    std::vector<std::size_t> chosen;
    std::vector<std::size_t> all;
    std::uint16_t port = request_.port();
    for (std::size_t i = 0; i < configuration_.snapshot.listeners.size(); ++i) {
      if (configuration_.snapshot.listeners[i]->site == nullptr) continue;  // admin, or a redirect
      all.push_back(i);
      if (port_of(*configuration_.snapshot.listeners[i]) == port) chosen.push_back(i);
    }
    if (!chosen.empty()) return chosen;
    if (port != 0 && all.size() > 0) {
      text_ += fmt::format("no listener has port {}; what each of them would do:\n", port);
    }
    return all;
  }

  void explain(std::size_t index) {
    const ListenerPlan& plan = *configuration_.snapshot.listeners[index];
    Json& entry = data_["listeners"].emplace_back();
    entry["listener"] = plan.name;
    text_ +=
        fmt::format("\nlistener {}{}\n", plan.name, place(configuration_.source, plan.position));
    ConnectionFacts facts{client_, plan.name, request_.secure()};
    Exchange exchange(loop_, facts, StopToken());
    if (Status filled = request_.fill(exchange, plan.limits.target); !filled) {
      refuse(filled.error(), entry);
      return;
    }
    find_client(exchange, plan.trusted);
    const ServerConfig& config = configuration_.snapshot.config;
    RouteReport report = explain_routes(*plan.site, config, config.listeners[index], exchange,
                                        configuration_.source);
    text_ += report.text;
    if (report.route.empty()) {
      entry["status"] = 404;
      entry["reason"] = name(ErrorCode::no_route);
    } else {
      entry["route"] = report.route;
      entry["handler"] = report.handler;
    }
  }

  ControlAnswer answer() const { return {true, text_, data_.dump()}; }

 private:
  void refuse(const Error& error, Json& entry) {
    text_ += fmt::format("  refuses it with {} ({}): {}\n", status_of(error), name(error.code),
                         error.detail);
    entry["status"] = status_of(error);
    entry["reason"] = name(error.code);
  }

  std::uint16_t port_of(const ListenerPlan& plan) const {
    for (const auto& listener : configuration_.bound) {
      if (same_listener(plan, *listener)) return listener->bound.port();
    }
    return plan.address.port();
  }

  const ExplainedConfiguration& configuration_;
  const ImaginedRequest& request_;
  Address client_;
  Loop& loop_;
  std::string text_;
  Json data_;
};

}  // namespace

ExplainQuestion ExplainQuestion::from(const ControlRequest& request) {
  return {std::string(request.argument("request")), request.list("header"),
          std::string(request.argument("listener")), std::string(request.argument("client"))};
}

ControlRequest ExplainQuestion::to_request() const {
  return {"explain",
          {{"request", {request}},
           {"header", headers},
           {"listener", {listener}},
           {"client", {client}}}};
}

ControlAnswer explain(const ExplainedConfiguration& configuration, const ExplainQuestion& question,
                      Loop& loop) {
  auto request = ImaginedRequest::parse(question.request, question.headers);
  if (!request) return wrong(request.error());
  auto client = IpAddress::parse(question.client.empty() ? kDefaultClient : question.client);
  if (!client) return wrong(fmt::format("\"{}\" is not an IP address", question.client));
  Explainer explainer(configuration, *request, *client, loop);
  if (question.listener.empty()) {
    for (std::size_t index : explainer.listeners_by_port()) explainer.explain(index);
    return explainer.answer();
  }
  std::vector<std::string_view> known;
  for (std::size_t i = 0; i < configuration.snapshot.listeners.size(); ++i) {
    const ListenerPlan& plan = *configuration.snapshot.listeners[i];
    if (plan.site == nullptr) continue;
    known.push_back(plan.name);
    if (plan.name != question.listener && plan.address.text() != question.listener) continue;
    explainer.explain(i);
    return explainer.answer();
  }
  return wrong(fmt::format("no listener is named \"{}\"; {}", question.listener,
                           config::suggestion(question.listener, known)));
}

}  // namespace weir

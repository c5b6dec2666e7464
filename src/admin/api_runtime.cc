// What the admin API changes without a new configuration: endpoints that are taken out, and caches.
#include <algorithm>

#include <fmt/format.h>

#include "admin/api.h"
#include "admin/config_path.h"
#include "admin/endpoints_page.h"
#include "admin/purge.h"
#include "core/log.h"

namespace weir {
namespace {

constexpr std::string_view kEndpoints = "/endpoints";

struct Found {
  std::shared_ptr<Cluster> cluster;
  std::shared_ptr<Endpoint> endpoint;
};

std::optional<Found> find_endpoint(const ProcessStatus& status, std::string_view upstream,
                                   std::string_view address) {
  for (const auto& cluster : status.clusters()) {
    if (cluster->name() != upstream) continue;
    for (const auto& endpoint : cluster->endpoints()->endpoints) {
      if (endpoint->text == address) return Found{cluster, endpoint};
    }
  }
  return std::nullopt;
}

// The new state comes before the old one goes: in between it must not be available.
void set_state(const Found& found, std::string_view state) {
  constexpr std::pair<std::string_view, Away> kStates[] = {{"draining", Away::draining},
                                                           {"disabled", Away::disabled}};
  for (const auto& [name, why] : kStates) {
    if (name == state) found.cluster->set_away(*found.endpoint, why, true);
  }
  for (const auto& [name, why] : kStates) {
    if (name != state) found.cluster->set_away(*found.endpoint, why, false);
  }
}

/// The texts of a JSON object of nothing but texts and booleans; an error for anything else.
class Fields {
 public:
  Fields(const std::string& body, std::initializer_list<std::string_view> known) {
    auto read = config::read_json(body);
    if (!read || !read->is_object()) {
      problem_ = read ? std::string("the body is no JSON object") : read.error();
      return;
    }
    json_ = std::move(*read);
    for (const auto& [key, value] : json_.items()) {
      if (std::ranges::find(known, key) == known.end()) {
        problem_ = fmt::format("\"{}\" is not known here", key);
      }
    }
  }
  std::string text(const char* key) {
    auto found = json_.find(key);
    if (found == json_.end()) return {};
    if (found->is_string()) return *found;
    problem_ = fmt::format("\"{}\" is a text", key);
    return {};
  }
  bool yes(const char* key) {
    auto found = json_.find(key);
    if (found == json_.end()) return false;
    if (found->is_boolean()) return *found;
    problem_ = fmt::format("\"{}\" is true or false", key);
    return false;
  }
  const std::string& problem() const { return problem_; }

 private:
  Json json_ = Json::object();
  std::string problem_;
};

}  // namespace

/// /endpoints/UPSTREAM/ADDRESS: what an operator says of it, until the process ends or the endpoint
/// leaves the configuration.
ApiAnswer AdminApi::answer_endpoint(const ApiRequest& request) {
  auto path = parse_config_path(std::string_view(request.path).substr(kEndpoints.size()));
  auto found =
      path && path->size() == 2 ? find_endpoint(status_, (*path)[0], (*path)[1]) : std::nullopt;
  if (!found) {
    return refuse(request.request_id,
                  {404, "no_such_endpoint", "there is no such endpoint; /endpoints lists them"});
  }
  bool reads = request.method == Method::get || request.method == Method::head;
  if (!reads && request.method != Method::put) {
    return refuse_method(request.request_id, "GET, HEAD, PUT");
  }
  if (!reads) {
    Fields fields(request.body, {"state"});
    std::string state = fields.text("state");
    if (!fields.problem().empty() ||
        (state != "enabled" && state != "draining" && state != "disabled")) {
      return refuse(
          request.request_id,
          {422, "bad_state",
           fields.problem().empty() ? std::string("the state is enabled, draining or disabled")
                                    : fields.problem()});
    }
    set_state(*found, state);
    log("endpoint_state_set", {{"upstream", found->cluster->name()},
                               {"endpoint", found->endpoint->text},
                               {"state", state}});
  }
  VersionPointer head = config_.history().head();
  return {200,
          endpoint_json(status_, *found->cluster, *found->endpoint, loop_.now()),
          {},
          head ? head->number : 0,
          {}};
}

ApiAnswer AdminApi::answer_purge(const ApiRequest& request) {
  if (request.method != Method::post) return refuse_method(request.request_id, "POST");
  Fields fields(request.body, {"url", "prefix", "tag", "cache", "soft"});
  PurgeOrder order{fields.text("url"), fields.text("prefix"), fields.text("tag"),
                   fields.text("cache"), fields.yes("soft")};
  if (!fields.problem().empty()) {
    return refuse(request.request_id, {422, "bad_purge", fields.problem()});
  }
  auto purged = purge(server_, order);
  if (!purged) return refuse(request.request_id, {422, "bad_purge", purged.error()});
  VersionPointer head = config_.history().head();
  return {200, fmt::format("{{\"purged\":{}}}\n", *purged), {}, head ? head->number : 0, {}};
}

}  // namespace weir

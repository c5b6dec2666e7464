#include "app/status.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "config/values.h"
#include "core/version.h"

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

std::string uptime_text(Duration uptime) {
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(uptime).count();
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", seconds / 60);
  return fmt::format("{} h", seconds / 3600);
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

void add_listeners(const Server& server, Json& json, std::string& text) {
  json["listeners"] = Json::array();
  text += "listeners\n";
  for (const auto& listener : server.listeners()) {
    json["listeners"].push_back({{"name", listener->name()},
                                 {"address", listener->address.text()},
                                 {"bound", listener->bound.text()},
                                 {"connections", listener->limits.open()},
                                 {"refused", listener->limits.refused()}});
    text += fmt::format("  {:<24} {}\n", listener->bound.text(),
                        counted(listener->limits.open(), "connection"));
  }
}

void add_upstreams(const Server& server, Json& json, std::string& text) {
  json["upstreams"] = Json::object();
  std::vector<std::shared_ptr<Cluster>> clusters = server.clusters();
  if (!clusters.empty()) text += "upstreams\n";
  for (const auto& cluster : clusters) {
    Json& entry = json["upstreams"][cluster->name()] = Json::array();
    text += fmt::format("  {}\n", cluster->name());
    for (const auto& endpoint : cluster->endpoints()->endpoints) {
      entry.push_back({{"address", endpoint->text},
                       {"in_flight", endpoint->in_flight.load()},
                       {"requests", endpoint->requests.load()}});
      text += fmt::format("    {:<22} {}\n", endpoint->text,
                          counted(endpoint->requests.load(), "request"));
    }
    if (entry.empty()) text += "    no endpoint yet\n";
  }
}

}  // namespace

ControlAnswer status_of_process(const Server& server, const ProcessFacts& facts) {
  std::uint64_t generation = server.snapshot() ? server.snapshot()->generation : 0;
  Json json = {
      {"version", kVersion},
      {"pid", facts.pid},
      {"phase", facts.phase},
      {"engine", facts.engine},
      {"workers", server.worker_count()},
      {"retiring_workers", server.retiring_count()},
      {"config", facts.config},
      {"generation", generation},
      {"uptime_seconds", std::chrono::duration_cast<std::chrono::seconds>(facts.uptime).count()}};
  std::string text = fmt::format("weir {}, process {}, {} for {}\n", kVersion, facts.pid,
                                 facts.phase, uptime_text(facts.uptime));
  text += fmt::format("configuration {}, generation {}\n", facts.config, generation);
  text += fmt::format("{} ({})\n", counted(server.worker_count(), "worker"), facts.engine);
  add_listeners(server, json, text);
  add_upstreams(server, json, text);
  return {true, text, json.dump()};
}

std::string_view scheme_of(ListenerKind kind) {
  switch (kind) {
    case ListenerKind::http: return "http";
    case ListenerKind::tcp: return "tcp";
    case ListenerKind::udp: return "udp";
  }
  return "";
}

std::string url_of(const SharedListener& listener) {
  const Address& bound = listener.bound;
  if (bound.family() == Address::Family::unix_path) return bound.text();
  IpAddress ip = bound.ip();
  bool every = ip.v4 ? ip == IpAddress{.v4 = true} : ip == IpAddress{};
  std::string_view scheme = scheme_of(listener.kind);
  return every ? fmt::format("{}://localhost:{}", scheme, bound.port())
               : fmt::format("{}://{}", scheme, bound.text());
}

std::string greeting(const Server& server, const ProcessFacts& facts) {
  std::string text = fmt::format("weir {} serves {}\n", kVersion, facts.config);
  std::string first;
  for (const auto& listener : server.listeners()) {
    text += fmt::format("  {}\n", url_of(*listener));
    bool typed = listener->bound.family() != Address::Family::unix_path;
    bool http = listener->kind == ListenerKind::http;
    if (first.empty() && typed && http && listener->name() != "admin") first = url_of(*listener);
  }
  if (!first.empty()) text += fmt::format("try: curl {}/\n", first);
  return text;
}

}  // namespace weir

#include "app/config_verbs.h"

#include <fmt/format.h>

#include <iostream>
#include <iterator>

#include "config/json_document.h"
#include "config/places.h"

namespace weir {
namespace {

using config::Json;

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  for (unsigned char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 std::string_view("/-._~:[]").find(static_cast<char>(c)) != std::string_view::npos;
    encoded += plain ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
  }
  return encoded;
}

// `idle_timeout 30s` needs no quotes that a shell would eat.
std::expected<std::string, std::string> json_of(const std::string& value) {
  if (value != "-") return config::read_json(value) ? value : Json(value).dump();
  std::string text(std::istreambuf_iterator<char>(std::cin), {});
  auto read = config::read_json(text);
  if (!read) return std::unexpected("the standard input is not JSON: " + read.error());
  return text.size() > kMaxControlRequest / 2 ? read->dump() : text;
}

ControlRequest ask(std::string method, std::string path, std::string query = {},
                   std::string body = {}) {
  ControlRequest request{"config", {}};
  request.arguments["method"] = {std::move(method)};
  request.arguments["path"] = {std::move(path)};
  if (!query.empty()) request.arguments["query"] = {std::move(query)};
  if (!body.empty()) request.arguments["body"] = {std::move(body)};
  return request;
}

std::string config_path(const std::string& path) {
  bool rooted = path.empty() || path.starts_with('/');
  std::string whole = path == "/" ? std::string() : (rooted ? path : "/" + path);
  return "/config" + percent_encoded(whole);
}

std::string shown(const Json& difference, const char* key) {
  auto found = difference.find(key);
  if (found == difference.end()) return "nothing";
  return found->dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string differences_text(const Json& list) {
  std::string text;
  for (const Json& each : list) {
    text += fmt::format("{}: {} -> {}\n", each["path"].get<std::string>(), shown(each, "old"),
                        shown(each, "new"));
  }
  return text;
}

std::string problems_text(const Json& list) {
  std::string text;
  for (const Json& each : list) {
    std::string path = each["path"].get<std::string>();
    text += fmt::format("{}: {} {}: {}\n", path.empty() ? "/" : path,
                        each["severity"].get<std::string>(), each["code"].get<std::string>(),
                        each["message"].get<std::string>());
    if (each.contains("help"))
      text += fmt::format("      help: {}\n", each["help"].get<std::string>());
  }
  return text;
}

std::string versions_text(const Json& list) {
  std::string text;
  for (const Json& each : list) {
    std::string origin = each["origin"].get<std::string>();
    if (each.contains("of")) origin += fmt::format(" to {}", each["of"].get<std::uint64_t>());
    text += fmt::format("{:>6}  {}  {}{}\n", each["version"].get<std::uint64_t>(),
                        each["at"].get<std::string>(), origin,
                        each["in_force"].get<bool>() ? "  (in force)" : "");
  }
  return text;
}

// What a change did; nothing for answers that are none.
std::string change_text(const Json& body) {
  if (!body.contains("dry_run")) return {};
  std::string text = problems_text(body["problems"]) + differences_text(body["differences"]);
  if (!body["changed"].get<bool>()) return text + "nothing changes\n";
  if (body["dry_run"].get<bool>()) return text + "it would be accepted; nothing was changed\n";
  return text + fmt::format("version {} is in force\n", body["version"].get<std::uint64_t>());
}

std::string text_of(const Json& body) {
  if (!body.is_object()) return {};
  if (body.contains("error") && body["error"].is_object()) {
    std::string problems = body.contains("problems") ? problems_text(body["problems"]) : "";
    return problems + body["error"].value("message", std::string()) + "\n";
  }
  if (body.size() == 1 && body.contains("versions")) return versions_text(body["versions"]);
  if (body.contains("differences") && body.contains("from")) {
    return differences_text(body["differences"]);
  }
  return change_text(body);
}

}  // namespace

std::expected<ControlRequest, std::string> to_request(const std::string& verb,
                                                      const ConfigVerb& what) {
  std::string dry = what.dry_run ? "dry_run" : "";
  if (verb == "config get")
    return ask("GET", config_path(what.path), what.brief ? "defaults=no" : "");
  if (verb == "config unset") return ask("DELETE", config_path(what.path), dry);
  if (verb == "config versions") return ask("GET", "/versions");
  if (verb == "config diff") {
    std::string query = what.from.empty() ? "" : "from=" + what.from;
    std::string to = what.version.empty() ? "latest" : what.version;
    return ask("GET", fmt::format("/versions/{}/diff", percent_encoded(to)), query);
  }
  if (verb == "config rollback") {
    return ask("POST", fmt::format("/versions/{}/rollback", percent_encoded(what.version)), dry);
  }
  if (verb == "endpoint") {
    return ask("PUT",
               percent_encoded(fmt::format("/endpoints/{}/{}", config::pointer_step(what.upstream),
                                           config::pointer_step(what.endpoint))),
               {}, Json({{"state", what.state}}).dump());
  }
  auto value = json_of(what.value);
  if (!value) return std::unexpected(value.error());
  return ask(verb == "config patch" ? "PATCH" : "PUT", config_path(what.path), dry,
             std::move(*value));
}

ApiRequest to_api(const ControlRequest& request) {
  ApiRequest asked;
  asked.method = parse_method(request.argument("method"));
  asked.path = request.argument("path");
  asked.query = request.argument("query");
  asked.body = request.argument("body");
  return asked;
}

ControlAnswer to_control(const ApiAnswer& answer) {
  Json body = Json::parse(answer.body, nullptr, false);
  std::string text = text_of(body);
  return {answer.status < 400, text.empty() ? answer.body : text, answer.body};
}

}  // namespace weir

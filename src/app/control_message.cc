#include "app/control_message.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::expected<Json, std::string> decode(std::string_view line) {
  Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::unexpected("not a JSON object");
  auto version = json.find("version");
  if (version == json.end() || !version->is_number_integer()) {
    return std::unexpected("the version is missing");
  }
  if (version->get<std::int64_t>() != kControlVersion) {
    return std::unexpected(
        fmt::format("version {} of the control protocol is not known here, {} is",
                    text_of(*version), kControlVersion));
  }
  return json;
}

std::expected<std::vector<std::string>, std::string> texts(const Json& value) {
  if (value.is_string()) return std::vector{value.get<std::string>()};
  std::vector<std::string> list;
  if (!value.is_array()) return std::unexpected("an argument is a text or a list of texts");
  for (const Json& each : value) {
    if (!each.is_string()) return std::unexpected("an argument is a text or a list of texts");
    list.push_back(each.get<std::string>());
  }
  return list;
}

}  // namespace

std::string_view ControlRequest::argument(const std::string& name) const {
  auto found = arguments.find(name);
  if (found == arguments.end() || found->second.empty()) return {};
  return found->second.front();
}

std::vector<std::string> ControlRequest::list(const std::string& name) const {
  auto found = arguments.find(name);
  return found == arguments.end() ? std::vector<std::string>() : found->second;
}

std::string encode(const ControlRequest& request) {
  Json json = {{"version", kControlVersion}, {"verb", request.verb}};
  json["arguments"] = Json::object();
  for (const auto& [name, values] : request.arguments) json["arguments"][name] = values;
  return text_of(json);
}

std::string encode(const ControlAnswer& answer) {
  Json json = {{"version", kControlVersion}, {"ok", answer.ok}, {"text", answer.text}};
  if (!answer.data.empty()) json["data"] = Json::parse(answer.data, nullptr, false);
  return text_of(json);
}

std::expected<ControlRequest, std::string> decode_request(std::string_view line) {
  auto json = decode(line);
  if (!json) return std::unexpected(json.error());
  auto verb = json->find("verb");
  if (verb == json->end() || !verb->is_string()) return std::unexpected("the verb is missing");
  ControlRequest request{verb->get<std::string>(), {}};
  auto arguments = json->find("arguments");
  if (arguments == json->end()) return request;
  if (!arguments->is_object()) return std::unexpected("the arguments are not an object");
  for (const auto& [name, value] : arguments->items()) {
    auto list = texts(value);
    if (!list) return std::unexpected(list.error());
    request.arguments[name] = std::move(*list);
  }
  return request;
}

std::expected<ControlAnswer, std::string> decode_answer(std::string_view line) {
  auto json = decode(line);
  if (!json) return std::unexpected(json.error());
  auto ok = json->find("ok");
  auto text = json->find("text");
  if (ok == json->end() || !ok->is_boolean() || text == json->end() || !text->is_string()) {
    return std::unexpected("the answer has no \"ok\" or no \"text\"");
  }
  ControlAnswer answer{ok->get<bool>(), text->get<std::string>(), {}};
  auto data = json->find("data");
  if (data != json->end()) answer.data = data->dump(2);
  return answer;
}

}  // namespace weir

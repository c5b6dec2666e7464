#include "config/json_schema.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "config/effective.h"

namespace weir::config {
namespace {

// Objects go to $defs, so that each stands there once and may contain itself.
class Writer {
 public:
  Json document(const Type& type) {
    Json root = value(type, Rules{});
    Json result = Json::object();
    result["$schema"] = "https://json-schema.org/draft/2020-12/schema";
    for (auto& [key, entry] : root.items()) result[key] = std::move(entry);
    result["$defs"] = std::move(definitions_);
    return result;
  }

 private:
  Json value(const Type& type, const Rules& rules);
  Json scalar(const ScalarType& type, const Rules& rules);
  Json module_list_entry(const Rules& rules);
  Json object(const ObjectType& object);
  Json reference(const ObjectType& object);

  std::map<const ObjectType*, std::string> names_;
  Json definitions_ = Json::object();
};

Json either(std::initializer_list<Json> choices) {
  Json result = Json::object();
  result["anyOf"] = Json::array();
  for (const Json& choice : choices) {
    // Choices of choices are one level of choices.
    const bool nested = choice.is_object() && choice.size() == 1 && choice.contains("anyOf");
    if (!nested) {
      result["anyOf"].push_back(choice);
      continue;
    }
    for (const Json& inner : choice["anyOf"]) result["anyOf"].push_back(inner);
  }
  return result;
}

Json whole(double number) {
  return number < 0 ? Json(static_cast<std::int64_t>(number))
                    : Json(static_cast<std::uint64_t>(number));
}

Json Writer::scalar(const ScalarType& type, const Rules& rules) {
  Json result = Json::object();
  if (!type.words.empty()) {
    result["enum"] = Json::array();
    for (std::string_view word : type.words) result["enum"].push_back(std::string(word));
    return result;
  }
  if (!rules.allowed.empty()) {
    result["enum"] = rules.allowed;
    return result;
  }
  result["type"] = std::string(type.json_type);
  const bool number = type.json_type == "integer" || type.json_type == "number";
  if (number) {
    const double low = std::max(rules.min, type.lowest);
    const double high = std::min(rules.max, type.highest);
    const bool integer = type.json_type == "integer";
    if (std::isfinite(low)) result["minimum"] = integer ? whole(low) : Json(low);
    if (std::isfinite(high)) result["maximum"] = integer ? whole(high) : Json(high);
  } else if (type.json_type == "string" && type.pattern.empty()) {
    // Texts may be written without quotes, even where YAML takes them for numbers.
    result["type"] = {"string", "number", "boolean"};
    if (rules.not_empty) result["minLength"] = 1;
  } else if (!type.pattern.empty()) {
    result["pattern"] = std::string(type.pattern);
  }
  return result;
}

Json Writer::module_list_entry(const Rules& rules) {
  Json names = Json::object();
  names["enum"] = Json::array();
  Json map = Json::object();
  map["type"] = "object";
  map["properties"] = Json::object();
  for (const ModuleType* type : rules.modules()) {
    const std::string name(type->name);
    names["enum"].push_back(name);
    map["properties"][name] = either({reference(*type->type().object), Json{{"type", "null"}}});
  }
  map["additionalProperties"] = false;
  map["minProperties"] = 1;
  map["maxProperties"] = 1;
  // An empty enum is not a schema; then nothing but the (impossible) map remains.
  if (names["enum"].empty()) return map;
  return either({names, map});
}

Json Writer::value(const Type& type, const Rules& rules) {
  switch (type.kind) {
    case Kind::scalar: return scalar(*type.scalar, rules);
    case Kind::located: return value(type.inner(), rules);
    case Kind::optional: {
      Json inner = value(type.inner(), rules);
      if (rules.none_word.empty()) return inner;
      Json word = Json::object();
      word["const"] = std::string(rules.none_word);
      // Editors read `off` as false where they follow YAML 1.1.
      if (rules.none_word == "off") return either({word, Json{{"const", false}}, inner});
      return either({word, inner});
    }
    case Kind::list: {
      Json list = Json::object();
      list["type"] = "array";
      Json entry = value(type.inner(), rules);
      list["items"] = entry;
      if (rules.at_least_one) list["minItems"] = 1;
      return rules.one_or_many ? either({entry, list}) : list;
    }
    case Kind::map: {
      Json map = Json::object();
      map["type"] = "object";
      map["additionalProperties"] = value(type.inner(), rules);
      if (rules.at_least_one) map["minProperties"] = 1;
      return map;
    }
    case Kind::object: return reference(*type.object);
    case Kind::module: return module_list_entry(rules);
  }
  return Json::object();
}

Json Writer::reference(const ObjectType& type) {
  auto known = names_.find(&type);
  if (known == names_.end()) {
    std::string name(type.name);
    std::replace(name.begin(), name.end(), ' ', '_');
    while (definitions_.contains(name)) name += '_';
    definitions_[name] = Json::object();  // takes the name before the object may speak of itself
    known = names_.emplace(&type, name).first;
    Json made = object(type);
    definitions_[name] = std::move(made);
  }
  Json result = Json::object();
  result["$ref"] = "#/$defs/" + known->second;
  return result;
}

Json Writer::object(const ObjectType& type) {
  const std::shared_ptr<void> defaults = type.make();
  Json properties = Json::object();
  Json required = Json::array();
  Json choices = Json::array();
  std::vector<Json> shorthands;
  for (const Field& field : type.fields) {
    if (field.rules.chosen_by_key) {
      for (const ModuleType* module : field.rules.modules()) {
        const std::string name(module->name);
        properties[name] = either({reference(*module->type().object), Json{{"type", "null"}}});
        choices.push_back({{"required", {name}}});
      }
      continue;
    }
    Json schema = value(field.type(), field.rules);
    if (field.rules.shorthand) shorthands.push_back(schema);
    schema["description"] = std::string(field.text);
    if (field.rules.required) {
      required.push_back(std::string(field.name));
    } else {
      Json by_default =
          effective(field.type(), field.rules, field.address_in(defaults.get()), Secrets::redacted);
      if (!by_default.is_discarded()) schema["default"] = std::move(by_default);
    }
    properties[std::string(field.name)] = std::move(schema);
  }
  Json map = Json::object();
  map["type"] = "object";
  map["properties"] = std::move(properties);
  map["additionalProperties"] = false;
  if (!required.empty()) map["required"] = std::move(required);
  if (!choices.empty()) map["oneOf"] = std::move(choices);
  Json result = std::move(map);
  for (const Json& shorthand : shorthands) result = either({shorthand, result});
  result["description"] = std::string(type.text);
  return result;
}

}  // namespace

std::string json_schema(const Type& type) {
  Writer writer;
  return writer.document(type).dump(2) + "\n";
}

}  // namespace weir::config

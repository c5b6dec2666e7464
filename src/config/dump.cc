#include "config/dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "config/effective.h"

namespace weir::config {
namespace {

const Json kAbsent(Json::value_t::discarded);

Json scalar_json(const ScalarType& type, const Rules& rules, const void* value, Secrets secrets) {
  std::string text = type.write(value);
  if (rules.secret && secrets == Secrets::redacted) return text.empty() ? "" : "<redacted>";
  if (type.json_type == "boolean") return text == "true";
  if (type.json_type == "integer") {
    if (text.starts_with('-')) return std::strtoll(text.c_str(), nullptr, 10);
    return std::strtoull(text.c_str(), nullptr, 10);
  }
  if (type.json_type == "number") {
    double number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
  }
  return text;
}

Json module_json(const Module& module, Secrets secrets) {
  Json result = Json::object();
  if (module) {
    result[std::string(module.type->name)] =
        effective_object(*module.type->type().object, module.value.get(), secrets);
  }
  return result;
}

}  // namespace

Json effective(const Type& type, const Rules& rules, const void* value, Secrets secrets) {
  switch (type.kind) {
    case Kind::scalar: return scalar_json(*type.scalar, rules, value, secrets);
    case Kind::object: return effective_object(*type.object, value, secrets);
    case Kind::module: return module_json(*static_cast<const Module*>(value), secrets);
    case Kind::optional:
      if (type.access->size(value) == 0) {
        return rules.none_word.empty() ? kAbsent : Json(std::string(rules.none_word));
      }
      [[fallthrough]];
    case Kind::located: return effective(type.inner(), rules, type.access->at(value, 0), secrets);
    case Kind::list:
    case Kind::map: break;
  }
  Json result = type.kind == Kind::list ? Json::array() : Json::object();
  for (std::size_t i = 0; i < type.access->size(value); ++i) {
    Json entry = effective(type.inner(), rules, type.access->at(value, i), secrets);
    if (type.kind == Kind::list) {
      result.push_back(std::move(entry));
    } else {
      // Not operator[]: keys are known to be unique, and looking for them is linear.
      result.get_ref<Json::object_t&>().push_back(
          {std::string(type.access->name(value, i)), std::move(entry)});
    }
  }
  return result;
}

Json effective_object(const ObjectType& object, const void* value, Secrets secrets) {
  Json result = Json::object();
  for (const Field& field : object.fields) {
    Json entry = effective(field.type(), field.rules, field.address_in(value), secrets);
    if (entry.is_discarded()) continue;
    if (field.rules.chosen_by_key) {
      for (auto& [name, options] : entry.items()) result[name] = std::move(options);
    } else {
      result[std::string(field.name)] = std::move(entry);
    }
  }
  return result;
}

namespace {

// Texts that every YAML reader takes for this text, in any place. All others are quoted.
bool plain_text(std::string_view text) {
  static constexpr std::string_view kWords[] = {"true", "false", "null", "yes", "no",
                                                "on",   "off",   "y",    "n",   "~"};
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || (!letter(text[0]) && text[0] != '/' && text[0] != '_')) return false;
  for (std::string_view word : kWords) {
    const bool equal =
        std::equal(text.begin(), text.end(), word.begin(), word.end(),
                   [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
    if (equal) return false;
  }
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return letter(c) || digit(c) || std::string_view("-_./+").find(c) != std::string_view::npos;
  });
}

// A number and a unit (30s, 64KiB, 100/s), or a dotted address with a prefix or port.
bool plain_quantity(std::string_view text) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return false;
  const bool unit = std::any_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/' || c == ':';
  });
  // "0x1f", "1e3" and "12:30" are numbers to some readers.
  if (!unit || text.find_first_of("xXeEoO_") != std::string_view::npos) return false;
  const std::size_t dots = static_cast<std::size_t>(std::count(text.begin(), text.end(), '.'));
  const bool colon = text.find(':') != std::string_view::npos;
  if (colon && dots != 3) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '/' ||
           c == '.' || c == ':';
  });
}

// What YAML does not take unescaped, or takes for the end of a line, even in double quotes.
bool needs_escape(std::uint32_t point) {
  return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x2028 || point == 0x2029 ||
         point == 0xFEFF || point == 0xFFFE || point == 0xFFFF;
}

// The bytes of the UTF-8 sequence at the start of a valid text, and its code point.
std::size_t first_point(std::string_view text, std::uint32_t& point) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  point = length == 1 ? lead : lead & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length && i < text.size(); ++i) {
    point = point << 6 | (static_cast<unsigned char>(text[i]) & 0x3F);
  }
  return std::min(length, text.size());
}

}  // namespace

std::string quoted_yaml(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    std::uint32_t point = 0;
    const std::size_t length = first_point(text, point);
    if (point == '"' || point == '\\') {
      out += '\\';
      out += text[0];
    } else if (point == '\n') {
      out += "\\n";
    } else if (point == '\t') {
      out += "\\t";
    } else if (needs_escape(point)) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", point);
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out + '"';
}

namespace {

std::string scalar_yaml(const Json& value) {
  if (!value.is_string()) return value.dump();
  const auto& text = value.get_ref<const std::string&>();
  // `off` is a word of this language; where a text is needed, it reads as that text.
  const bool plain = plain_text(text) || plain_quantity(text) || text == "off";
  return plain ? text : quoted_yaml(text);
}

std::string key_yaml(const std::string& key) { return scalar_yaml(Json(key)); }

bool is_leaf(const Json& value) { return !value.is_structured() || value.empty(); }

void write_block(const Json& value, std::size_t indent, bool in_list, std::string& out);

void write_leaf(const Json& value, std::string& out) {
  if (value.is_structured()) {
    out += value.is_array() ? "[]" : "{}";
  } else {
    out += scalar_yaml(value);
  }
  out += '\n';
}

void write_block(const Json& value, std::size_t indent, bool in_list, std::string& out) {
  bool first = in_list;  // the first key of a map in a list stands on the line of its "- "
  if (value.is_array()) {
    for (const Json& entry : value) {
      if (!first) out.append(indent, ' ');
      first = false;
      out += "- ";
      is_leaf(entry) ? write_leaf(entry, out) : write_block(entry, indent + 2, true, out);
    }
    return;
  }
  for (const auto& [key, entry] : value.items()) {
    if (!first) out.append(indent, ' ');
    first = false;
    out += key_yaml(key) + ":";
    if (is_leaf(entry)) {
      out += ' ';
      write_leaf(entry, out);
    } else {
      out += '\n';
      out.append(indent + 2, ' ');
      write_block(entry, indent + 2, true, out);
    }
  }
}

}  // namespace

std::string flow_yaml(const Json& value) {
  if (!value.is_structured()) return scalar_yaml(value);
  if (value.empty()) return value.is_array() ? "[]" : "{}";
  std::string out = value.is_array() ? "[" : "{ ";
  bool first = true;
  for (const auto& [key, entry] : value.items()) {
    if (!first) out += ", ";
    first = false;
    if (value.is_object()) out += key_yaml(key) + ": ";
    out += flow_yaml(entry);
  }
  return out + (value.is_array() ? "]" : " }");
}

std::string dump_yaml(const Type& type, const void* value, Secrets secrets) {
  const Json tree = effective(type, Rules{}, value, secrets);
  std::string out;
  is_leaf(tree) ? write_leaf(tree, out) : write_block(tree, 0, false, out);
  return out;
}

std::string dump_json(const Type& type, const void* value, Secrets secrets) {
  return effective(type, Rules{}, value, secrets)
      .dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace weir::config

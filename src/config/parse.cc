#include "config/parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "config/suggest.h"

namespace weir::config {

bool Found::given(std::string_view key) const {
  return std::any_of(keys_.begin(), keys_.end(), [&](const auto& k) { return k.first == key; });
}

Position Found::at(std::string_view key) const {
  for (const auto& [name, position] : keys_) {
    if (name == key) return position;
  }
  return object_;
}

namespace {

std::string_view shape_noun(Node node) {
  if (node.is_list()) return "a list";
  if (node.is_map()) return "a map";
  return "a single value";
}

std::string_view noun(const Type& type) {
  switch (type.kind) {
    case Kind::scalar: return type.scalar->noun;
    case Kind::list: return "a list";
    case Kind::map:
    case Kind::object: return "a map";
    case Kind::module: return "a name, or a map with one key";
    case Kind::optional:
    case Kind::located: return noun(type.inner());
  }
  return {};
}

// Through optionals and positions to the type that decides the shape.
const Type& core_type(const Type& type) {
  const bool wrapper = type.kind == Kind::optional || type.kind == Kind::located;
  return wrapper ? core_type(type.inner()) : type;
}

// Which value is read: for messages.
struct Place {
  std::string_view key;
  const Rules& rules;
};

class Reader {
 public:
  Reader(Diagnostics& diagnostics, const std::string& directory)
      : diagnostics_(diagnostics), directory_(directory) {}

  void read(const Type& type, Place place, Node node, void* into);
  void read_object(const ObjectType& object, Place place, Node node, void* into);

 private:
  void read_scalar(const ScalarType& type, Place place, Node node, void* into);
  void read_optional(const Type& type, Place place, Node node, void* into);
  void read_list(const Type& type, Place place, Node node, void* into);
  void read_map(const Type& type, Place place, Node node, void* into);
  void read_module(Place place, Node node, void* into);
  void read_shorthand(const ObjectType& object, Place place, Node node, void* into);
  void read_pair(const ObjectType& object, Node key, Node value, void* into, Found& found);
  bool read_choice(const ObjectType& object, Node key, Node value, void* into, Found& found);
  void require(const ObjectType& object, Node node, const Found& found);
  void load_module(const ModuleType& type, std::optional<Node> options, Position position,
                   Module& into);

  void error(Node node, Code code, std::string message, std::string help = {}) {
    diagnostics_.error(node.position(), code, std::move(message), std::move(help));
  }
  void wrong_shape(std::string_view wanted, Place place, Node node, std::string help = {});
  bool no_value(Place place, Node node);

  void settle_path(const Rules& rules, std::string& path) const;

  Diagnostics& diagnostics_;
  const std::string& directory_;
};

void Reader::wrong_shape(std::string_view wanted, Place place, Node node, std::string help) {
  error(node, Code::wrong_shape,
        place.key.empty()
            ? fmt::format("{} is needed here, not {}", wanted, shape_noun(node))
            : fmt::format("\"{}\" needs {}, not {}", place.key, wanted, shape_noun(node)),
        std::move(help));
}

// `key:` with nothing after it.
bool Reader::no_value(Place place, Node node) {
  if (!node.null()) return false;
  error(node, Code::missing_value, fmt::format("\"{}\" has no value", place.key),
        "give one, or remove the key");
  return true;
}

void Reader::read(const Type& type, Place place, Node node, void* into) {
  if (node.kind() == Node::Kind::broken) return;
  switch (type.kind) {
    case Kind::scalar: return read_scalar(*type.scalar, place, node, into);
    case Kind::optional: return read_optional(type, place, node, into);
    case Kind::located:
      return read(type.inner(), place, node, type.access->append(into, {}, node.position()));
    case Kind::list: return read_list(type, place, node, into);
    case Kind::map: return read_map(type, place, node, into);
    case Kind::object: return read_object(*type.object, place, node, into);
    case Kind::module: return read_module(place, node, into);
  }
}

// What a text of the right type breaks of its field's rules.
std::optional<Problem> broken_rule(const ScalarType& type, const Rules& rules,
                                   std::string_view text, const void* value) {
  if (rules.not_empty && text.empty()) {
    return Problem{Code::empty_text, "the text must not be empty", {}};
  }
  if (type.measure != nullptr) {
    const double size = type.measure(value);
    const bool listed =
        rules.allowed.empty() ||
        std::any_of(rules.allowed.begin(), rules.allowed.end(),
                    [&](std::int64_t allowed) { return static_cast<double>(allowed) == size; });
    if (!listed) {
      std::string list;
      for (std::int64_t allowed : rules.allowed) {
        fmt::format_to(std::back_inserter(list), "{}{}", list.empty() ? "" : ", ", allowed);
      }
      return Problem{Code::out_of_range, fmt::format("{} is not one of {}", text, list), {}};
    }
    if (size < rules.min || size > rules.max) {
      const double bound = size < rules.min ? rules.min : rules.max;
      return Problem{
          Code::out_of_range,
          fmt::format("{} is too {}", text, size < rules.min ? "small" : "large"),
          fmt::format("at {} {}", size < rules.min ? "least" : "most", type.write_measure(bound))};
    }
  }
  return rules.check != nullptr ? rules.check(text) : std::nullopt;
}

// Where the program was started says nothing about where the user keeps the files.
void Reader::settle_path(const Rules& rules, std::string& path) const {
  if (directory_.empty() || path.empty() || path.starts_with('/')) return;
  if (std::ranges::find(rules.no_paths, path) != rules.no_paths.end()) return;
  path = (std::filesystem::path(directory_) / path).lexically_normal().string();
}

void Reader::read_scalar(const ScalarType& type, Place place, Node node, void* into) {
  if (!node.is_scalar()) return wrong_shape(type.noun, place, node);
  if (no_value(place, node)) return;
  if (place.rules.secret) diagnostics_.hide(node.position());
  const std::string_view text = node.text();
  auto problem = type.read({text, node.plain()}, place.rules, into);
  if (!problem) problem = broken_rule(type, place.rules, text, into);
  if (!problem && place.rules.file_path) settle_path(place.rules, *static_cast<std::string*>(into));
  if (!problem) return;
  if (place.rules.secret) {
    problem->message = fmt::format("the value of \"{}\" is refused", place.key);
    problem->help = fmt::format("it must be {}", type.noun);
  }
  if (problem->help.empty() && !place.rules.none_word.empty()) {
    problem->help = fmt::format("write {}, or {}", type.noun, place.rules.none_word);
  }
  error(node, problem->code, std::move(problem->message), std::move(problem->help));
}

void Reader::read_optional(const Type& type, Place place, Node node, void* into) {
  const std::string_view word = place.rules.none_word;
  if (!word.empty() && node.is_scalar() && node.text() == word) return type.access->clear(into);
  const Type& inner = core_type(type.inner());
  if (!word.empty() && node.is_scalar() && !node.null() && inner.kind != Kind::scalar) {
    const bool has_shorthand =
        inner.kind == Kind::object &&
        std::any_of(inner.object->fields.begin(), inner.object->fields.end(),
                    [](const Field& field) { return field.rules.shorthand; });
    if (!has_shorthand) {
      return wrong_shape(fmt::format("{} or {}", noun(inner), word), place, node);
    }
  }
  read(type.inner(), place, node, type.access->append(into, {}, node.position()));
}

void Reader::read_list(const Type& type, Place place, Node node, void* into) {
  type.access->clear(into);
  const Type& inner = type.inner();
  if (!node.is_list()) {
    if (place.rules.one_or_many && !node.null()) {
      return read(inner, place, node, type.access->append(into, {}, node.position()));
    }
    if (no_value(place, node)) return;
    std::string help =
        node.is_scalar() ? fmt::format("write [{}]", node.text()) : "begin each entry with \"- \"";
    if (node.is_scalar() && place.rules.secret) help = "write it in [ ]";
    return wrong_shape("a list", place, node, std::move(help));
  }
  if (place.rules.at_least_one && node.size() == 0 && !node.truncated()) {
    error(node, Code::empty_list, fmt::format("\"{}\" needs at least one entry", place.key));
  }
  if (!node.has_child()) return;
  for (Node entry = node.first_child();; entry = entry.next()) {
    read(inner, place, entry, type.access->append(into, {}, entry.position()));
    if (!entry.has_next()) return;
  }
}

void Reader::read_map(const Type& type, Place place, Node node, void* into) {
  type.access->clear(into);
  if (!node.is_map()) {
    if (no_value(place, node)) return;
    return wrong_shape("a map", place, node,
                       node.is_list() ? "write `name: value` lines, without \"- \"" : "");
  }
  if (place.rules.at_least_one && node.size() == 0 && !node.truncated()) {
    error(node, Code::empty_list, fmt::format("\"{}\" needs at least one entry", place.key));
  }
  if (!node.has_child()) return;
  for (Node key = node.first_child(); key.has_next();) {
    const Node value = key.next();
    if (key.is_scalar()) {
      auto problem =
          place.rules.check_key != nullptr ? place.rules.check_key(key.text()) : std::nullopt;
      if (problem) error(key, problem->code, problem->message, problem->help);
      void* entry = type.access->append(into, key.text(), key.position());
      read(type.inner(), {key.text(), place.rules}, value, entry);
    }
    if (!value.has_next()) return;
    key = value.next();
  }
}

void Reader::load_module(const ModuleType& type, std::optional<Node> options, Position position,
                         Module& into) {
  const ObjectType& object = *type.type().object;
  std::shared_ptr<void> value = object.make();
  const Rules none;
  const Place place{type.name, none};
  if (options && !options->null()) {
    read_object(object, place, *options, value.get());
  } else {
    // The name alone: all defaults, unless the module needs an option.
    for (const Field& field : object.fields) {
      if (!field.rules.required) continue;
      diagnostics_.error(position, Code::missing_key,
                         fmt::format("\"{}\" needs \"{}\"", type.name, field.name),
                         std::string(field.text));
    }
  }
  into = {&type, std::move(value), position};
}

std::vector<std::string_view> names(ModuleSet set) {
  std::vector<std::string_view> result;
  for (const ModuleType* type : set()) result.push_back(type->name);
  return result;
}

const ModuleType* find_module(ModuleSet set, std::string_view name) {
  for (const ModuleType* type : set()) {
    if (type->name == name) return type;
  }
  return nullptr;
}

void Reader::read_module(Place place, Node node, void* into) {
  if (no_value(place, node)) return;
  if (node.is_list()) return wrong_shape("a name, or a map with one key", place, node);
  const bool alone = node.is_scalar();
  if (!alone && (node.size() != 1 || !node.first_child().has_next())) {
    if (node.truncated()) return;
    return error(node, Code::module_shape,
                 fmt::format("an entry of \"{}\" has one key, its name; this has {}", place.key,
                             node.size()),
                 "begin each entry with \"- \", and indent its options below its name");
  }
  const Node name = alone ? node : node.first_child();
  if (!name.is_scalar()) return;
  const ModuleType* type = find_module(place.rules.modules, name.text());
  if (type == nullptr) {
    return error(name, Code::unknown_module,
                 fmt::format("\"{}\" is not known in \"{}\"", name.text(), place.key),
                 suggestion(name.text(), names(place.rules.modules)));
  }
  std::optional<Node> options;
  if (!alone) options = name.next();
  load_module(*type, options, name.position(), *static_cast<Module*>(into));
}

// The keys under which a field may be written.
std::vector<std::string_view> keys_of(const Field& field) {
  if (field.rules.chosen_by_key) return names(field.rules.modules);
  return {field.name};
}

bool has_key(const Type& type, std::string_view key) {
  if (type.kind != Kind::object) return false;
  return std::any_of(type.object->fields.begin(), type.object->fields.end(),
                     [&](const Field& field) { return field.name == key; });
}

// The keys of an object below which this key could stand: `"respond" or "redirect"`.
std::string owners_of(const ObjectType& object, std::string_view key) {
  std::string result;
  const auto add = [&](std::string_view owner) {
    fmt::format_to(std::back_inserter(result), "{}\"{}\"", result.empty() ? "" : " or ", owner);
  };
  for (const Field& field : object.fields) {
    if (!field.rules.chosen_by_key) {
      if (has_key(core_type(field.type()), key)) add(field.name);
      continue;
    }
    for (const ModuleType* module : field.rules.modules()) {
      if (has_key(module->type(), key)) add(module->name);
    }
  }
  return result;
}

bool looks_numeric(Node node) {
  const std::string_view text = node.text();
  return node.plain() && !text.empty() && text[0] >= '0' && text[0] <= '9';
}

// The field that takes a value which stands for the whole object, or null.
const Field* shorthand_field(const ObjectType& object, Node node) {
  const Field* fallback = nullptr;
  for (const Field& field : object.fields) {
    if (!field.rules.shorthand) continue;
    const Type& type = core_type(field.type());
    if (node.is_list() != (type.kind == Kind::list)) continue;
    const bool number = type.kind == Kind::scalar && type.scalar->json_type == "integer";
    if (!number) {
      if (fallback == nullptr) fallback = &field;
    } else if (looks_numeric(node)) {
      return &field;
    }
  }
  return fallback;
}

// `address ":80"` is one text to YAML, and was meant as a key with its value.
const Field* key_without_colon(const ObjectType& object, Node node) {
  if (!node.is_scalar() || !node.plain()) return nullptr;
  for (const Field& field : object.fields) {
    const std::string_view text = node.text();
    if (text.starts_with(field.name) && text.substr(field.name.size()).starts_with(' ')) {
      return &field;
    }
  }
  return nullptr;
}

void Reader::read_shorthand(const ObjectType& object, Place place, Node node, void* into) {
  const Field* field = node.null() ? nullptr : shorthand_field(object, node);
  if (field == nullptr) {
    if (no_value(place, node)) return;
    std::vector<std::string_view> keys;
    for (const Field& known : object.fields) keys.push_back(known.name);
    return wrong_shape("a map", place, node, suggestion("", keys));
  }
  if (const Field* key = key_without_colon(object, node)) {
    return error(node, Code::wrong_shape, fmt::format("a \":\" is missing after \"{}\"", key->name),
                 "write `key: value`");
  }
  const std::size_t before = diagnostics_.error_count();
  read(field->type(), {field->name, field->rules}, node, field->address(into));
  Found found(node.position(), diagnostics_);
  found.add(field->name, node.position());
  require(object, node, found);
  if (object.check != nullptr && diagnostics_.error_count() == before) object.check(into, found);
}

void Reader::read_object(const ObjectType& object, Place place, Node node, void* into) {
  if (object.position != nullptr) {
    if (Position* position = object.position(into)) *position = node.position();
  }
  if (!node.is_map()) return read_shorthand(object, place, node, into);
  const std::size_t before = diagnostics_.error_count();
  Found found(node.position(), diagnostics_);
  if (node.has_child()) {
    for (Node key = node.first_child(); key.has_next();) {
      const Node value = key.next();
      if (key.is_scalar()) read_pair(object, key, value, into, found);
      if (!value.has_next()) break;
      key = value.next();
    }
  }
  if (node.truncated()) return;
  require(object, node, found);
  // Judged only when its parts are sound: a default in place of a refused value would mislead.
  if (object.check != nullptr && diagnostics_.error_count() == before) object.check(into, found);
}

void Reader::read_pair(const ObjectType& object, Node key, Node value, void* into, Found& found) {
  const std::string_view name = key.text();
  for (const Field& field : object.fields) {
    if (field.name != name || field.rules.chosen_by_key) continue;
    found.add(field.name, value.position());
    return read(field.type(), {field.name, field.rules}, value, field.address(into));
  }
  if (read_choice(object, key, value, into, found)) return;
  std::vector<std::string_view> known;
  for (const Field& field : object.fields) {
    for (std::string_view key_name : keys_of(field)) known.push_back(key_name);
  }
  std::string help = suggestion(name, known);
  if (const std::string owners = owners_of(object, name); !owners.empty()) {
    help = fmt::format("it is a key of {}; check the indentation", owners);
  }
  error(key, Code::unknown_key, fmt::format("unknown key \"{}\" in {}", name, object.name),
        std::move(help));
  // A misspelt key is not reported as missing too.
  const std::string_view meant = closest(name, known);
  for (const Field& field : object.fields) {
    const auto keys = keys_of(field);
    if (std::find(keys.begin(), keys.end(), meant) != keys.end()) found.add(field.name, {});
  }
}

bool Reader::read_choice(const ObjectType& object, Node key, Node value, void* into, Found& found) {
  for (const Field& field : object.fields) {
    if (!field.rules.chosen_by_key) continue;
    const ModuleType* type = find_module(field.rules.modules, key.text());
    if (type == nullptr) continue;
    auto& module = *static_cast<Module*>(field.address(into));
    if (module) {
      error(key, Code::two_choices,
            fmt::format("a {} has one {}, and \"{}\" already stands on line {}", object.name,
                        field.name, module.type->name, module.position.line),
            "remove one of the two, or write two entries");
      Module second;
      load_module(*type, value, key.position(), second);  // for what else is wrong with it
      return true;
    }
    found.add(field.name, value.position());
    if (value.kind() == Node::Kind::broken) {
      module = {type, type->type().object->make(), key.position()};
    } else {
      load_module(*type, value, key.position(), module);
    }
    return true;
  }
  return false;
}

void Reader::require(const ObjectType& object, Node node, const Found& found) {
  for (const Field& field : object.fields) {
    if (!field.rules.required || found.given(field.name)) continue;
    Position position = node.position();
    // Underlining a whole object would hide where it begins.
    position.length = 1;
    if (!field.rules.chosen_by_key) {
      diagnostics_.error(position, Code::missing_key,
                         fmt::format("{} needs \"{}\"", object.name, field.name),
                         std::string(field.text));
      continue;
    }
    std::string list;
    for (std::string_view name : names(field.rules.modules)) {
      fmt::format_to(std::back_inserter(list), "{}{}", list.empty() ? "" : ", ", name);
    }
    diagnostics_.error(position, Code::no_choice,
                       fmt::format("{} has no {}", object.name, field.name),
                       fmt::format("add one of: {}", list));
  }
}

}  // namespace

void parse(const Document& document, const Type& type, void* into, Diagnostics& diagnostics) {
  const Rules none;
  Reader reader(diagnostics, document.directory);
  const Tree& tree = document.tree;
  if (tree.empty() || tree.root().null()) {
    if (tree.complete()) {
      diagnostics.error({document.file}, Code::empty_file, "the configuration is empty",
                        "begin with `listeners:`");
    }
    return;
  }
  reader.read(type, {"", none}, tree.root(), into);
}

}  // namespace weir::config

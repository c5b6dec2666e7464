#include "config/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "config/codes.h"
#include "config/effective.h"

namespace weir::config {
namespace {

const Type& core_type(const Type& type) {
  const bool wrapper = type.kind == Kind::optional || type.kind == Kind::located;
  return wrapper ? core_type(type.inner()) : type;
}

// The anchor that Markdown viewers make of a heading.
std::string anchor(std::string_view heading) {
  std::string result(heading);
  std::replace(result.begin(), result.end(), ' ', '-');
  return result;
}

std::string link(const ObjectType& object) {
  return fmt::format("[{}](#{})", object.name, anchor(object.name));
}

// A cell of a table: no line breaks, no bars.
std::string cell(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (c == '|') result += '\\';
    result += c == '\n' ? ' ' : c;
  }
  return result;
}

std::string bounds(const ScalarType& type, const Rules& rules) {
  if (type.write_measure == nullptr) return {};
  const bool low = std::isfinite(rules.min);
  const bool high = std::isfinite(rules.max);
  if (low && high) {
    return fmt::format(", {} to {}", type.write_measure(rules.min), type.write_measure(rules.max));
  }
  if (low) return fmt::format(", at least {}", type.write_measure(rules.min));
  return high ? fmt::format(", at most {}", type.write_measure(rules.max)) : "";
}

std::string words(std::span<const std::string_view> list) {
  std::string result;
  for (std::string_view word : list) {
    fmt::format_to(std::back_inserter(result), "{}`{}`", result.empty() ? "" : ", ", word);
  }
  return result;
}

std::string without_article(std::string_view noun) {
  for (std::string_view article : {"a ", "an "}) {
    if (noun.starts_with(article)) return std::string(noun.substr(article.size()));
  }
  return std::string(noun);
}

std::string type_text(const Type& type, const Rules& rules) {
  switch (type.kind) {
    case Kind::scalar: {
      if (!type.scalar->words.empty()) return words(type.scalar->words);
      std::string result = without_article(type.scalar->noun);
      if (!rules.allowed.empty()) {
        return fmt::format("{}: {}", result, fmt::join(rules.allowed, ", "));
      }
      return result + bounds(*type.scalar, rules);
    }
    case Kind::optional: {
      std::string inner = type_text(type.inner(), rules);
      return rules.none_word.empty() ? inner : fmt::format("{}, or `{}`", inner, rules.none_word);
    }
    case Kind::located: return type_text(type.inner(), rules);
    case Kind::list: {
      const std::string inner = type_text(type.inner(), rules);
      return rules.one_or_many ? fmt::format("{}, or a list of these", inner)
                               : fmt::format("list: {}", inner);
    }
    case Kind::map: return fmt::format("map of names to: {}", type_text(type.inner(), rules));
    case Kind::object: return link(*type.object);
    case Kind::module: {
      std::string result;
      for (const ModuleType* module : rules.modules()) {
        result += (result.empty() ? "" : ", ") + link(*module->type().object);
      }
      return result.empty() ? "none in this version" : result;
    }
  }
  return {};
}

class Writer {
 public:
  std::string document(const Type& type) {
    visit(type, Rules{});
    for (std::size_t i = 0; i < objects_.size(); ++i) section(*objects_[i]);
    return std::move(out_);
  }

 private:
  void visit(const Type& type, const Rules& rules);
  void section(const ObjectType& object);
  void row(const Field& field, const void* defaults);

  std::vector<const ObjectType*> objects_;
  std::string out_;
};

void Writer::visit(const Type& type, const Rules& rules) {
  if (type.kind == Kind::scalar) return;
  if (type.kind == Kind::module) {
    for (const ModuleType* module : rules.modules()) visit(module->type(), Rules{});
    return;
  }
  if (type.kind != Kind::object) return visit(type.inner(), rules);
  if (std::find(objects_.begin(), objects_.end(), type.object) == objects_.end()) {
    objects_.push_back(type.object);
  }
}

void Writer::row(const Field& field, const void* defaults) {
  std::string by_default;
  if (field.rules.required) {
    by_default = "required";
  } else {
    const Json value =
        effective(field.type(), field.rules, field.address_in(defaults), Secrets::redacted);
    // The defaults of an object stand in its own section.
    const bool object = core_type(field.type()).kind == Kind::object && value.is_object();
    if (!value.is_discarded() && !object) by_default = fmt::format("`{}`", flow_yaml(value));
  }
  std::string text(field.text);
  if (!field.rules.example.empty()) {
    text += fmt::format(" Example: `{}`.", field.rules.example);
  }
  if (field.rules.shorthand) text += " The value alone may stand for the whole object.";
  if (field.rules.secret) text += " Secret: never shown.";
  fmt::format_to(
      std::back_inserter(out_), "| `{}` | {} | {} | {} |\n",
      field.rules.chosen_by_key ? fmt::format("({})", field.name) : std::string(field.name),
      cell(type_text(field.type(), field.rules)), cell(by_default), cell(text));
}

void Writer::section(const ObjectType& object) {
  fmt::format_to(std::back_inserter(out_), "{}## {}\n\n{}\n", out_.empty() ? "" : "\n", object.name,
                 object.text);
  if (object.fields.empty()) return;
  out_ += "\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n";
  const std::shared_ptr<void> defaults = object.make();
  for (const Field& field : object.fields) {
    row(field, defaults.get());
    visit(field.type(), field.rules);
  }
  for (const Field& field : object.fields) {
    const Type& type = core_type(field.type());
    if (type.kind != Kind::scalar || type.scalar->word_texts.empty()) continue;
    for (std::size_t i = 0; i < type.scalar->words.size(); ++i) {
      fmt::format_to(std::back_inserter(out_), "{}* `{}: {}`: {}\n", i == 0 ? "\n" : "", field.name,
                     type.scalar->words[i], type.scalar->word_texts[i]);
    }
  }
}

}  // namespace

std::string reference_markdown(const Type& type) { return Writer().document(type); }

std::string codes_markdown() {
  std::string out;
  for (const CodeInfo& info : code_table()) {
    fmt::format_to(std::back_inserter(out), "{}## {}\n\n{}{}. {}\n\n{}\n", out.empty() ? "" : "\n",
                   to_string(info.code), static_cast<char>(std::toupper(info.title[0])),
                   info.title.substr(1), info.cause, info.remedy);
  }
  return out;
}

}  // namespace weir::config

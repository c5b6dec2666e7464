#include "admin/config_change.h"

#include <fmt/format.h>

namespace weir {
namespace {

using Kind = ConfigChange::Kind;

Refusal no_such(const std::vector<std::string>& path) {
  return {404, "no_such_value",
          fmt::format("nothing that differs from the default stands at {}", path_text(path))};
}

/// Gives back the secrets that stand as `<redacted>` in a value, where the old one had them.
class Secrets {
 public:
  /// `real` and `shown`: the old value, null if there was none.
  void restore(Json& value, const Json* real, const Json* shown, const std::string& path);

  std::string unknown;  // path of one that nobody knows

 private:
  static const Json* old_entry(const Json& entry, std::size_t number, const Json* old);
};

// An entry of a list may have moved: its name tells which it was.
const Json* Secrets::old_entry(const Json& entry, std::size_t number, const Json* old) {
  if (old == nullptr || !old->is_array()) return nullptr;
  std::string_view label = label_of(entry);
  if (!label.empty()) {
    auto found = entry_of(*old, label);
    if (found) return &(*old)[*found];
  }
  return number < old->size() ? &(*old)[number] : nullptr;
}

void Secrets::restore(Json& value, const Json* real, const Json* shown, const std::string& path) {
  if (value.is_object()) {
    auto in = [](const Json* old, const std::string& key) -> const Json* {
      if (old == nullptr || !old->is_object()) return nullptr;
      auto found = old->find(key);
      return found == old->end() ? nullptr : &*found;
    };
    for (auto& [key, entry] : value.items()) {
      restore(entry, in(real, key), in(shown, key), path + "/" + key);
    }
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      restore(value[i], old_entry(value[i], i, real), old_entry(value[i], i, shown),
              fmt::format("{}/{}", path, i));
    }
  } else if (value == Json(std::string(kRedacted))) {
    if (real != nullptr && shown != nullptr && *shown == value) {
      value = *real;
    } else if (unknown.empty()) {
      unknown = path;
    }
  }
}

/// The value at a path and what is above it, in a document that is being changed.
class Editor {
 public:
  explicit Editor(Json& document) : document_(document) {}

  std::expected<void, Refusal> put(const std::vector<std::string>& path, Json value);
  std::expected<void, Refusal> remove(const std::vector<std::string>& path);

 private:
  std::expected<Json*, Refusal> parent_of(const std::vector<std::string>& path);

  Json& document_;
};

std::expected<Json*, Refusal> Editor::parent_of(const std::vector<std::string>& path) {
  Json* at = &document_;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) {
    if (at->is_array()) {
      auto entry = entry_of(*at, path[i]);
      if (!entry) return std::unexpected(no_such({path.begin(), path.begin() + i + 1}));
      at = &(*at)[*entry];
      continue;
    }
    // `off`, or a value that is none: what is put below it takes its place.
    if (!at->is_object()) *at = Json::object();
    at = &(*at)[path[i]];
    if (at->is_null()) *at = Json::object();
  }
  return at;
}

std::expected<void, Refusal> Editor::put(const std::vector<std::string>& path, Json value) {
  if (path.empty()) {
    document_ = std::move(value);
    return {};
  }
  auto parent = parent_of(path);
  if (!parent) return std::unexpected(parent.error());
  Json& into = **parent;
  if (!into.is_array()) {
    if (!into.is_object()) into = Json::object();
    into[path.back()] = std::move(value);
    return {};
  }
  const std::string& step = path.back();
  if (auto entry = entry_of(into, step)) {
    into[*entry] = std::move(value);
  } else if (step == "-" || step == std::to_string(into.size()) || label_of(value) == step) {
    into.push_back(std::move(value));
  } else {
    return std::unexpected(
        Refusal{404, "no_such_value",
                fmt::format("the list has no entry {}; write - in its place to append one",
                            path_text(path))});
  }
  return {};
}

std::expected<void, Refusal> Editor::remove(const std::vector<std::string>& path) {
  if (path.empty()) {
    return std::unexpected(Refusal{400, "bad_change", "the whole configuration cannot be removed"});
  }
  if (find_value(document_, path) == nullptr) return std::unexpected(no_such(path));
  Json& from = **parent_of(path);
  if (from.is_array()) {
    from.erase(*entry_of(from, path.back()));
  } else {
    from.erase(path.back());
  }
  return {};
}

}  // namespace

void merge_patch(Json& target, const Json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = Json::object();
  for (const auto& [key, value] : patch.items()) {
    if (value.is_null()) {
      target.erase(key);
    } else {
      merge_patch(target[key], value);
    }
  }
}

std::expected<Json, Refusal> changed(Json document, const Json& shown, ConfigChange change) {
  Editor editor(document);
  const Json* before = find_value(document, change.path);
  if (change.kind == Kind::remove) {
    auto removed = editor.remove(change.path);
    if (!removed) return std::unexpected(removed.error());
    return document;
  }
  Json value;
  if (change.kind == Kind::merge) {
    value = before != nullptr ? *before : Json::object();
    merge_patch(value, change.value);
  } else {
    value = std::move(change.value);
  }
  Secrets secrets;
  secrets.restore(value, before, find_value(shown, change.path), path_text(change.path));
  if (!secrets.unknown.empty()) {
    return std::unexpected(
        Refusal{422, "unknown_secret",
                fmt::format("{} stands for a secret at {}, which has none: write the secret itself",
                            kRedacted, secrets.unknown)});
  }
  auto done = editor.put(change.path, std::move(value));
  if (!done) return std::unexpected(done.error());
  return document;
}

}  // namespace weir

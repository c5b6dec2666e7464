#include "handler/fastcgi/script.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "io/files/root.h"

namespace weir {
namespace {

// A line break or a NUL in a variable has misled applications (CVE-2019-11043).
bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

/// One look for a script; keeps why the system could not look.
class Search {
 public:
  explicit Search(const ScriptRules& rules) {
    auto root = Root::open(rules.root);
    if (root) {
      root_.emplace(std::move(*root));
    } else {
      note(root.error());
    }
  }

  bool is_file(std::string_view path) { return is(path, S_IFREG); }
  bool is_directory(std::string_view path) { return is(path, S_IFDIR); }
  int error() const { return error_; }

 private:
  bool is(std::string_view path, mode_t type) {
    if (!root_ || is_hidden(path)) return false;
    auto found = root_->look(std::string(path), Symlinks::beneath, /*hidden=*/false);
    if (!found) note(found.error());
    return found && (found->status.st_mode & S_IFMT) == type;
  }
  void note(int error) {
    bool ours = error == EMFILE || error == ENFILE || error == ENOMEM || error == EIO;
    if (ours) error_ = error;
  }

  std::optional<Root> root_;
  int error_ = 0;
};

}  // namespace

Script split_script(std::string_view path, std::string_view ending) {
  std::size_t at = 0;
  while ((at = path.find(ending, at)) != std::string_view::npos) {
    at += ending.size();
    if (at == path.size() || path[at] == '/') return {path.substr(0, at), path.substr(at)};
  }
  return {};
}

ScriptLookup find_script(const ScriptRules& rules, std::string_view path, Arena& arena) {
  using Kind = ScriptLookup::Kind;
  if (has_control(path)) return {};
  Search search(rules);
  Script script = split_script(path, rules.split);
  if (script.path.empty() && (path.empty() || path.ends_with('/'))) {
    script.path = arena.concat({path, rules.index});
  }
  if (!script.path.empty()) {
    if (search.is_file(script.path)) return {Kind::script, script};
  } else if (search.is_directory(path) && search.is_file(arena.concat({path, "/", rules.index}))) {
    return {Kind::directory};
  }
  if (!rules.fallback.empty() && search.is_file(rules.fallback)) {
    return {Kind::script, {rules.fallback, {}}};
  }
  if (search.error() != 0) return {Kind::failed, {}, search.error()};
  return {};
}

}  // namespace weir

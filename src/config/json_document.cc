#include "config/json_document.h"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "config/effective.h"

namespace weir::config {
namespace {

// What the parser does not judge itself.
class Strictness {
 public:
  // Told of each event; what is refused is left out, and the problem remembered.
  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    if (static_cast<std::size_t>(depth) > YamlLimits{}.depth) problem = "it is nested too deeply";
    if (event == Json::parse_event_t::object_start) open_.emplace_back();
    if (event == Json::parse_event_t::object_end) open_.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!open_.back().insert(key).second) {
        problem = fmt::format("the key \"{}\" stands twice in one object", key);
      }
    }
    return problem.empty();
  }

  std::string problem;

 private:
  std::vector<std::set<std::string, std::less<>>> open_;
};

void write(const Json& value, std::size_t indent, std::string& out) {
  if (!value.is_structured() || value.empty()) {
    out += value.is_string() ? quoted_yaml(value.get_ref<const std::string&>()) : flow_yaml(value);
    return;
  }
  out += value.is_array() ? "[\n" : "{\n";
  std::size_t left = value.size();
  for (const auto& [key, entry] : value.items()) {
    out.append(indent + 2, ' ');
    if (value.is_object()) out += quoted_yaml(key) + ": ";
    write(entry, indent + 2, out);
    out += --left > 0 ? ",\n" : "\n";
  }
  out.append(indent, ' ');
  out += value.is_array() ? ']' : '}';
}

}  // namespace

std::expected<Json, std::string> read_json(std::string_view text) {
  Strictness strictness;
  try {
    Json value = Json::parse(text, std::ref(strictness));
    if (!strictness.problem.empty()) return std::unexpected(strictness.problem);
    return value;
  } catch (const Json::exception& problem) {
    if (!strictness.problem.empty()) return std::unexpected(strictness.problem);
    const std::string_view said = problem.what();  // "[json.exception.parse_error.101] parse ..."
    const std::size_t begin = said.find("] ");
    return std::unexpected(
        std::string(begin == std::string_view::npos ? said : said.substr(begin + 2)));
  }
}

Document document_of(const Json& value, std::string name, Diagnostics& diagnostics) {
  std::string text;
  write(value, 0, text);
  text += '\n';
  return read_text(std::move(name), std::move(text), diagnostics);
}

}  // namespace weir::config

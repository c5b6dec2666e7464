#include "config/json_document.h"

#include <fmt/format.h>

#include <set>
#include <vector>

#include "config/effective.h"

namespace weir::config {
namespace {

// What the parser does not judge itself. A pass of its own: the parser's callbacks would look
// through a whole list at the end of each of its entries.
class Strictness final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(); }
  bool end_array() override { return close(); }
  bool key(string_t& key) override {
    if (keys_.back().insert(key).second) return true;
    problem = fmt::format("the key \"{}\" stands twice in one object", key);
    return false;
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception& wrong) override {
    const std::string_view said = wrong.what();  // "[json.exception.parse_error.101] parse ..."
    const std::size_t begin = said.find("] ");
    problem = begin == std::string_view::npos ? said : said.substr(begin + 2);
    return false;
  }

  std::string problem;

 private:
  bool open() {
    keys_.emplace_back();
    if (keys_.size() <= YamlLimits{}.depth) return true;
    problem = "it is nested too deeply";
    return false;
  }
  bool close() {
    keys_.pop_back();
    return true;
  }

  std::vector<std::set<std::string, std::less<>>> keys_;  // of what is open; a list has none
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
  if (!Json::sax_parse(text, &strictness)) return std::unexpected(strictness.problem);
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return std::unexpected("a number is out of range");
  return value;
}

Document document_of(const Json& value, std::string name, Diagnostics& diagnostics) {
  std::string text;
  write(value, 0, text);
  text += '\n';
  return read_text(std::move(name), std::move(text), diagnostics);
}

}  // namespace weir::config

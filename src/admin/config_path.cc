#include "admin/config_path.h"

#include <algorithm>
#include <charconv>

#include "config/places.h"

namespace weir {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    int high = hex_digit(text[i + 1]);
    int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

std::optional<std::string> step_of(std::string_view text) {
  std::string step;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '~') {
      step += text[i];
      continue;
    }
    if (i + 1 >= text.size() || (text[i + 1] != '0' && text[i + 1] != '1')) return std::nullopt;
    step += text[++i] == '0' ? '~' : '/';
  }
  return step;
}

}  // namespace

std::optional<std::vector<std::string>> parse_pointer(std::string_view text) {
  if (text == "/") return std::vector<std::string>();
  std::vector<std::string> steps;
  while (!text.empty()) {
    if (text[0] != '/') return std::nullopt;
    text.remove_prefix(1);
    std::string_view part = text.substr(0, text.find('/'));
    text.remove_prefix(part.size());
    auto step = step_of(part);
    if (!step) return std::nullopt;
    steps.push_back(std::move(*step));
  }
  return steps;
}

std::optional<std::vector<std::string>> parse_config_path(std::string_view text) {
  if (text.ends_with('/')) text.remove_suffix(1);
  auto decoded = percent_decoded(text);
  auto steps = decoded ? parse_pointer(*decoded) : std::nullopt;
  if (!steps || std::ranges::find(*steps, "") != steps->end()) return std::nullopt;
  return steps;
}

std::string_view label_of(const Json& entry) {
  if (!entry.is_object()) return {};
  for (const char* key : {"name", "address"}) {
    auto found = entry.find(key);
    if (found == entry.end() || !found->is_string()) continue;
    const auto& text = found->get_ref<const std::string&>();
    if (!text.empty()) return text;
  }
  return {};
}

std::optional<std::size_t> entry_of(const Json& list, std::string_view step) {
  std::size_t number = 0;
  auto [end, wrong] = std::from_chars(step.data(), step.data() + step.size(), number);
  if (wrong == std::errc{} && end == step.data() + step.size()) {
    return number < list.size() ? std::optional(number) : std::nullopt;
  }
  auto found = std::ranges::find_if(list, [&](const Json& each) { return label_of(each) == step; });
  if (found == list.end()) return std::nullopt;
  return static_cast<std::size_t>(found - list.begin());
}

const Json* find_value(const Json& document, const std::vector<std::string>& path) {
  const Json* at = &document;
  for (const std::string& step : path) {
    if (at->is_object()) {
      auto found = at->find(step);
      if (found == at->end()) return nullptr;
      at = &*found;
    } else if (at->is_array()) {
      auto entry = entry_of(*at, step);
      if (!entry) return nullptr;
      at = &(*at)[*entry];
    } else {
      return nullptr;
    }
  }
  return at;
}

std::string path_text(const std::vector<std::string>& path) {
  std::string text;
  for (const std::string& step : path) text += "/" + config::pointer_step(step);
  return text.empty() ? "/" : text;
}

}  // namespace weir

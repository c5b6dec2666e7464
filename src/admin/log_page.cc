#include "admin/log_page.h"

#include <charconv>

#include <fmt/format.h>

namespace weir {
namespace {

constexpr std::size_t kMostText = 256;

int hex_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// As forms write it: "+" is a space.
std::string decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    bool escaped = text[i] == '%' && i + 2 < text.size() && hex_of(text[i + 1]) >= 0 &&
                   hex_of(text[i + 2]) >= 0;
    if (escaped) {
      out += static_cast<char>(hex_of(text[i + 1]) * 16 + hex_of(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  return wrong == std::errc{} && end == text.data() + text.size();
}

bool read_level(std::string_view text, LogLevel& level) {
  constexpr std::pair<std::string_view, LogLevel> kLevels[] = {
      {"info", LogLevel::info}, {"warning", LogLevel::warning}, {"error", LogLevel::error}};
  for (const auto& [name, value] : kLevels) {
    if (text != name) continue;
    level = value;
    return true;
  }
  return false;
}

bool take(LogQuery& query, std::string_view name, const std::string& value) {
  if (name == "level") return read_level(value, query.least);
  if (name == "after") return read_number(value, query.after);
  if (name == "limit") {
    return read_number(value, query.most) && query.most >= 1 && query.most <= RecentLog::kMostLines;
  }
  query.text = value;
  return name == "text" && value.size() <= kMostText;
}

}  // namespace

std::expected<LogQuery, std::string> parse_log_query(std::string_view text) {
  LogQuery query;
  while (!text.empty()) {
    std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    std::string_view name = pair.substr(0, pair.find('='));
    std::string value = decode(pair.substr(std::min(pair.size(), name.size() + 1)));
    if (!take(query, name, value)) {
      return std::unexpected(
          "Of level (info, warning, error), text (up to 256 bytes), after and "
          "limit (1 to 1000), one makes no sense or is something else.");
    }
  }
  return query;
}

std::string log_json(const RecentLog& log, const LogQuery& query) {
  LogExcerpt found = log.find(
      {.least = query.least, .text = query.text, .after = query.after, .most = query.most});
  std::string out = "{\"lines\":[";
  for (const std::string& line : found.lines) {
    if (&line != &found.lines.front()) out += ',';
    out += '\n';
    out += line;
  }
  out += fmt::format("],\n\"last\":{},\"forgotten\":{}}}\n", found.last, found.forgotten);
  return out;
}

}  // namespace weir

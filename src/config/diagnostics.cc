#include "config/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>
#include <tuple>

namespace weir::config {
namespace {

constexpr std::size_t kMostShown = 100;
constexpr std::size_t kMostKept = 1000;  // a broken file of 16 MiB could have millions
constexpr std::size_t kWidth = 120;      // code points of a source line that are shown

std::string_view line_of(std::string_view text, std::uint32_t line) {
  std::size_t begin = 0;
  for (std::uint32_t i = 1; i < line; ++i) {
    begin = text.find('\n', begin);
    if (begin == std::string_view::npos) return {};
    ++begin;
  }
  std::string_view rest = text.substr(std::min(begin, text.size()));
  rest = rest.substr(0, rest.find('\n'));
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  return rest;
}

// One entry per code point, with everything that could move the cursor made harmless.
std::vector<std::string> code_points(std::string_view line) {
  std::vector<std::string> points;
  for (char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if (!points.empty() && (byte & 0xC0) == 0x80) {
      points.back().push_back(c);
    } else if (byte < 0x20 || byte == 0x7F) {
      points.emplace_back(" ");
    } else {
      points.emplace_back(1, c);
    }
  }
  for (std::string& point : points) {
    const auto lead = static_cast<unsigned char>(point[0]);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
    // C1 controls are two bytes in UTF-8 and act on some terminals.
    const bool c1 =
        lead == 0xC2 && point.size() == 2 && static_cast<unsigned char>(point[1]) < 0xA0;
    if (point.size() != length || c1) point = "?";
  }
  return points;
}

struct Paint {
  std::string_view bold, red, yellow, cyan, reset;
};

constexpr Paint kPlain{"", "", "", "", ""};
constexpr Paint kColour{"\x1b[1m", "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;36m", "\x1b[0m"};

// Messages quote what the file says; what would move the cursor or change colours is shown as ?.
std::string harmless(std::string_view text) {
  std::string result;
  for (std::string& point : code_points(text)) result += point;
  return result;
}

std::string counted(std::size_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace

std::uint32_t Diagnostics::add_source(std::string name, std::string text) {
  sources_.push_back(std::make_shared<const Source>(Source{std::move(name), std::move(text)}));
  return static_cast<std::uint32_t>(sources_.size() - 1);
}

const Source* Diagnostics::source(std::uint32_t file) const {
  return file < sources_.size() ? sources_[file].get() : nullptr;
}

void Diagnostics::error(Position position, Code code, std::string message, std::string help) {
  ++errors_;
  add({Severity::error, code, position, std::move(message), std::move(help)});
}

void Diagnostics::warning(Position position, Code code, std::string message, std::string help) {
  ++warnings_;
  add({Severity::warning, code, position, std::move(message), std::move(help)});
}

void Diagnostics::add(Diagnostic entry) {
  if (entries_.size() < kMostKept) entries_.push_back(std::move(entry));
}

std::vector<Diagnostic> Diagnostics::sorted() const {
  std::vector<std::size_t> order(entries_.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [this](std::size_t a, std::size_t b) {
    const auto key = [this](std::size_t i) {
      const Position& position = entries_[i].position;
      return std::tuple(position.file, position.line, position.column, i);
    };
    return key(a) < key(b);
  });
  std::vector<Diagnostic> result;
  for (std::size_t i : order) result.push_back(entries_[i]);
  return result;
}

// The line with a gutter and, below it, the mark. Long lines are cut to a window around the mark.
std::string Diagnostics::source_line(Position position) const {
  const Source* from = source(position.file);
  if (!position.known() || from == nullptr) return {};
  std::vector<std::string> points = code_points(line_of(from->text, position.line));
  for (const Position& secret : secrets_) {
    if (secret.file != position.file || secret.line != position.line) continue;
    const std::size_t begin = std::min<std::size_t>(secret.column - 1, points.size());
    const std::size_t end = secret.length == 0
                                ? points.size()
                                : std::min<std::size_t>(begin + secret.length, points.size());
    std::fill(points.begin() + static_cast<std::ptrdiff_t>(begin),
              points.begin() + static_cast<std::ptrdiff_t>(end), "*");
  }
  const std::size_t mark = std::min<std::size_t>(position.column - 1, points.size());
  const std::size_t first = mark > kWidth * 2 / 3 ? mark - kWidth / 2 : 0;
  const std::size_t last = std::min(points.size(), first + kWidth);
  std::string shown = first > 0 ? "..." : "";
  const std::size_t indent = shown.size() + mark - first;
  for (std::size_t i = first; i < last; ++i) shown += points[i];
  if (last < points.size()) shown += "...";
  const std::size_t room = last > mark ? last - mark : 1;
  const std::size_t length = std::clamp<std::size_t>(position.length, 1, room);
  return fmt::format("{:>5} | {}\n      | {:{}}{:^>{}}\n", position.line, shown, "", indent, "",
                     length);
}

std::string Diagnostics::render(bool colour) const {
  const Paint& paint = colour ? kColour : kPlain;
  const std::vector<Diagnostic> all = sorted();
  std::string out;
  for (std::size_t i = 0; i < std::min(all.size(), kMostShown); ++i) {
    const Diagnostic& entry = all[i];
    const bool is_error = entry.severity == Severity::error;
    std::string place;
    if (const Source* from = source(entry.position.file)) {
      place = harmless(from->name) + ": ";
      if (entry.position.known()) {
        place = fmt::format("{}:{}:{}: ", harmless(from->name), entry.position.line,
                            entry.position.column);
      }
    }
    fmt::format_to(std::back_inserter(out), "{}{}{}{}{} {}{}: {}\n", paint.bold, place,
                   is_error ? paint.red : paint.yellow, is_error ? "error" : "warning", "",
                   to_string(entry.code), paint.reset, harmless(entry.message));
    out += source_line(entry.position);
    if (!entry.help.empty()) {
      fmt::format_to(std::back_inserter(out), "      {}help:{} {}\n", paint.cyan, paint.reset,
                     harmless(entry.help));
    }
  }
  const std::size_t total = errors_ + warnings_;
  if (total > kMostShown) {
    fmt::format_to(std::back_inserter(out), "and {} more\n", total - kMostShown);
  }
  if (!all.empty()) {
    out += counted(error_count(), "error");
    if (warning_count() > 0) out += ", " + counted(warning_count(), "warning");
    out += '\n';
  }
  return out;
}

std::string Diagnostics::render_json() const {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Diagnostic& entry : sorted()) {
    nlohmann::ordered_json item;
    item["severity"] = entry.severity == Severity::error ? "error" : "warning";
    item["code"] = to_string(entry.code);
    if (const Source* from = source(entry.position.file)) item["file"] = from->name;
    if (entry.position.known()) {
      item["line"] = entry.position.line;
      item["column"] = entry.position.column;
    }
    item["message"] = entry.message;
    if (!entry.help.empty()) item["help"] = entry.help;
    list.push_back(std::move(item));
  }
  return list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace weir::config

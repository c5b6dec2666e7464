#include "server/exposition.h"

#include <array>

#include <fmt/format.h>

namespace weir {
namespace {

// Microseconds.
constexpr std::array<std::uint64_t, 18> kBounds = {
    96,     256,     512,     1'024,     2'560,     5'120,     10'240,     24'576,     49'152,
    98'304, 262'144, 524'288, 1'048'576, 2'621'440, 5'242'880, 10'485'760, 25'165'824, 67'108'864};

constexpr bool are_bounds_of_buckets() {
  for (std::uint64_t bound : kBounds) {
    auto time = std::chrono::microseconds(bound);
    if (HistogramBuckets::bound(HistogramBuckets::of(time)) != bound) return false;
  }
  return true;
}
static_assert(are_bounds_of_buckets());

}  // namespace

void Exposition::family(const Metric& metric) {
  metric_ = &metric;
  fmt::format_to(std::back_inserter(out_), "# HELP {} {}\n# TYPE {} {}\n", metric.name,
                 metric.meaning, metric.name, name(metric.kind));
}

void Exposition::label(const Label& label, bool first) {
  out_ += first ? '{' : ',';
  out_ += label.first;
  out_ += "=\"";
  for (char c : label.second) {
    if (c == '\n') {
      out_ += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') out_ += '\\';
    out_ += c;
  }
  out_ += '"';
}

void Exposition::begin(std::string_view suffix, std::initializer_list<Label> labels) {
  out_ += metric_->name;
  out_ += suffix;
  bool first = true;
  for (const Label& each : labels) {
    label(each, first);
    first = false;
  }
  if (!first) out_ += '}';
  out_ += ' ';
}

void Exposition::sample(std::initializer_list<Label> labels, std::uint64_t value) {
  begin({}, labels);
  fmt::format_to(std::back_inserter(out_), "{}\n", value);
}

void Exposition::sample(std::initializer_list<Label> labels, double value) {
  begin({}, labels);
  fmt::format_to(std::back_inserter(out_), "{}\n", value);
}

void Exposition::histogram(Label label, const HistogramTotals& totals) {
  for (std::uint64_t bound : kBounds) {
    std::string text = fmt::format("{}", static_cast<double>(bound) / 1e6);
    begin("_bucket", {label, {"le", text}});
    fmt::format_to(std::back_inserter(out_), "{}\n", totals.count_up_to(bound));
  }
  std::uint64_t count = totals.count();
  begin("_bucket", {label, {"le", "+Inf"}});
  fmt::format_to(std::back_inserter(out_), "{}\n", count);
  begin("_sum", {label});
  fmt::format_to(std::back_inserter(out_), "{}\n", static_cast<double>(totals.nanoseconds) / 1e9);
  begin("_count", {label});
  fmt::format_to(std::back_inserter(out_), "{}\n", count);
}

}  // namespace weir

// Exposition: metrics as Prometheus reads them (text format 0.0.4).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "core/histogram.h"
#include "server/metric_table.h"

namespace weir {

using Label = std::pair<std::string_view, std::string_view>;

/// Appends to one text. Written by hand: prometheus-cpp would copy every name, label and bucket
/// into objects of their own first, about 200 000 small blocks for 10 000 routes, to save what
/// are some sixty lines here.
class Exposition {
 public:
  /// What follows are samples of `metric`.
  void family(const Metric& metric);
  void sample(std::initializer_list<Label> labels, std::uint64_t value);
  void sample(std::initializer_list<Label> labels, double value);
  /// Buckets, sum and count. The bounds are those of our buckets that come closest to 1, 2.5 and 5
  /// of each power of ten, from 100 us to 67 s; so the counts are exact.
  void histogram(Label label, const HistogramTotals& totals);

  std::string take() { return std::move(out_); }

 private:
  void begin(std::string_view suffix, std::initializer_list<Label> labels);
  void label(const Label& label, bool first);

  std::string out_;
  const Metric* metric_ = nullptr;
};

}  // namespace weir

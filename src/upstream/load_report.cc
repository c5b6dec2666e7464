#include "upstream/load_report.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <string>

#include <nlohmann/json.hpp>

#include "core/base64.h"
#include "upstream/protobuf.h"

namespace weir {
namespace {

constexpr std::string_view kField = "endpoint-load-metrics";
constexpr std::string_view kBinaryField = "endpoint-load-metrics-bin";
constexpr std::size_t kMostBytes = 8192;

/// What is read of a report, in either form.
struct Figures {
  double application = 0;
  double named = 0;  // the highest of `utilization`
  double processor = 0;
  double rate = 0;

  void take(std::string_view name, double value) {
    if (!std::isfinite(value) || value < 0) return;
    if (name == "application_utilization" || name == "applicationUtilization") {
      application = value;
    } else if (name == "cpu_utilization" || name == "cpuUtilization") {
      processor = value;
    } else if (name == "rps_fractional" || name == "rpsFractional") {
      rate = value;
    } else if (name.starts_with("utilization.")) {
      named = std::max(named, value);
    }
  }
  std::optional<LoadReport> report() const {
    double utilization = application > 0 ? application : named > 0 ? named : processor;
    if (utilization == 0) return std::nullopt;
    return LoadReport{utilization, rate};
  }
};

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// `name=value` or `name:value`, separated by commas; nothing of a text that has anything else.
std::optional<Figures> read_text(std::string_view text) {
  Figures figures;
  while (!text.empty()) {
    std::size_t end = std::min(text.find(','), text.size());
    std::string_view pair = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    std::size_t equal = pair.find_first_of("=:");
    if (equal == std::string_view::npos) return std::nullopt;
    std::string_view digits = trim(pair.substr(equal + 1));
    double value = 0;
    auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || rest != digits.data() + digits.size()) return std::nullopt;
    figures.take(trim(pair.substr(0, equal)), value);
  }
  return figures;
}

std::optional<Figures> read_json(std::string_view text) {
  auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  Figures figures;
  for (const auto& [name, value] : json.items()) {
    if (value.is_number()) figures.take(name, value.get<double>());
    if (name != "utilization" || !value.is_object()) continue;
    for (const auto& [of, share] : value.items()) {
      if (share.is_number()) figures.take("utilization." + of, share.get<double>());
    }
  }
  return figures;
}

// Of a map's entry: field 2.
double value_of(std::string_view entry) {
  double value = 0;
  while (!entry.empty()) {
    auto field = protobuf::take_field(entry);
    if (!field) return 0;
    if (field->number == 2 && field->wire == protobuf::Wire::eight_bytes) {
      value = std::bit_cast<double>(field->value);
    }
  }
  return value;
}

// The numbers of the fields are those of xds.data.orca.v3.OrcaLoadReport.
std::optional<Figures> read_message(std::string_view in) {
  Figures figures;
  while (!in.empty()) {
    auto field = protobuf::take_field(in);
    if (!field) return std::nullopt;
    if (field->number == 5 && field->wire == protobuf::Wire::bytes) {
      figures.take("utilization.", value_of(field->bytes));
    }
    if (field->wire != protobuf::Wire::eight_bytes) continue;
    double value = std::bit_cast<double>(field->value);
    if (field->number == 1) figures.take("cpu_utilization", value);
    if (field->number == 6) figures.take("rps_fractional", value);
    if (field->number == 9) figures.take("application_utilization", value);
  }
  return figures;
}

}  // namespace

std::optional<LoadReport> parse_load_report(std::string_view value) {
  if (value.size() > kMostBytes) return std::nullopt;
  std::optional<Figures> figures;
  if (value.starts_with("JSON ")) figures = read_json(value.substr(5));
  if (value.starts_with("TEXT ")) figures = read_text(value.substr(5));
  return figures ? figures->report() : std::nullopt;
}

std::optional<LoadReport> parse_binary_load_report(std::string_view value) {
  if (value.empty() || value.size() > kMostBytes) return std::nullopt;
  std::string padded(value);
  if (value.find('=') == value.npos) padded.append((4 - value.size() % 4) % 4, '=');
  Base64Decoder decoder;
  Result<Slice> message = decoder.decode(padded);
  if (!message || !decoder.complete()) return std::nullopt;
  std::optional<Figures> figures = read_message(message->view());
  return figures ? figures->report() : std::nullopt;
}

std::optional<LoadReport> take_load_report(Headers& headers) {
  if (!headers.has(HeaderId::unknown)) return std::nullopt;
  std::optional<LoadReport> report = parse_load_report(headers.get(kField));
  if (!report) report = parse_binary_load_report(headers.get(kBinaryField));
  headers.remove(kField);
  headers.remove(kBinaryField);
  return report;
}

Task<Result<Slice>> ReportingBody::read() {
  Result<Slice> piece = co_await origin_.read();
  if (piece && piece->empty()) end();
  co_return piece;
}

std::optional<Slice> ReportingBody::try_read() {
  std::optional<Slice> piece = origin_.try_read();
  if (piece && piece->empty()) end();
  return piece;
}

void ReportingBody::end() {
  const Headers* sent = origin_.trailers();
  if (sent == nullptr || trailers_ != nullptr) return;
  trailers_ = exchange_.own<Headers>(sent->clone(exchange_.arena()));
  if (auto load = take_load_report(*trailers_)) {
    endpoint_->load.report(*load, exchange_.loop().now());
  }
}

}  // namespace weir

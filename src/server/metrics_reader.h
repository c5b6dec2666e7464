// Test support: reads the text that Prometheus would be given, strictly. Included by tests only.
#pragma once

#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace weir::test {

/// What a scrape says: `name{label="value",...}` as written, without the names' order changed.
class MetricsReader {
 public:
  /// Fails the test at whatever Prometheus would refuse, and at what it would only misread:
  /// samples outside their family, a family twice, a sample twice, buckets that do not add up.
  explicit MetricsReader(std::string_view text) {
    EXPECT_TRUE(text.ends_with('\n'));
    while (!text.empty()) {
      std::size_t end = std::min(text.find('\n'), text.size() - 1);
      line_ = text.substr(0, end);
      text.remove_prefix(end + 1);
      read_line();
    }
    end_histogram();
  }

  bool has(const std::string& sample) const { return samples_.contains(sample); }
  /// NaN, and a failure, if there is none.
  double operator[](const std::string& sample) const {
    auto found = samples_.find(sample);
    if (found != samples_.end()) return found->second;
    ADD_FAILURE() << "no sample " << sample;
    return std::nan("");
  }
  const std::vector<std::string>& families() const { return families_; }
  std::string_view kind(const std::string& family) const { return kinds_.at(family); }
  std::size_t size() const { return samples_.size(); }

 private:
  void wrong(std::string_view what) const { ADD_FAILURE() << what << ": " << line_; }

  void read_line() {
    if (line_.starts_with("# HELP ")) return begin_family(line_.substr(7));
    if (line_.starts_with("# TYPE ")) return take_kind(line_.substr(7));
    read_sample(line_);
  }

  void begin_family(std::string_view rest) {
    end_histogram();
    std::size_t space = rest.find(' ');
    if (space == std::string_view::npos || space + 1 == rest.size()) return wrong("no help");
    family_ = rest.substr(0, space);
    if (!is_name(family_)) wrong("bad name");
    if (!seen_.insert(family_).second) wrong("a family twice");
    families_.push_back(family_);
    kind_.clear();
  }

  void take_kind(std::string_view rest) {
    if (!rest.starts_with(family_ + " ") || !kind_.empty()) return wrong("a type out of place");
    kind_ = rest.substr(family_.size() + 1);
    kinds_[family_] = kind_;
    if (kind_ != "counter" && kind_ != "gauge" && kind_ != "histogram") wrong("unknown type");
    if ((kind_ == "counter") != family_.ends_with("_total"))
      wrong("the name does not fit the type");
  }

  static bool is_name(std::string_view text) {
    if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
    return text.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:") ==
           std::string_view::npos;
  }

  void read_sample(std::string_view rest) {
    std::size_t end = rest.find_first_of("{ ");
    if (end == std::string_view::npos) return wrong("no value");
    std::string name(rest.substr(0, end));
    std::size_t labels_begin = end;
    if (kind_.empty()) wrong("a sample before its type");
    labels_.clear();
    if (rest[end] == '{' && !read_labels(rest, end)) return wrong("bad labels");
    std::string key(rest.substr(0, end));
    if (end >= rest.size() || rest[end] != ' ') return wrong("no value");
    std::string_view number = rest.substr(end + 1);
    double value = 0;
    auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error != std::errc() || stop != number.data() + number.size()) return wrong("bad value");
    if (kind_ != "gauge" && value < 0) wrong("below zero");
    if (!samples_.emplace(key, value).second) wrong("a sample twice");
    if (kind_ == "histogram") return take_part(name, key.substr(labels_begin), value);
    if (name != family_) wrong("a sample outside its family");
  }

  // Stops behind the closing brace.
  bool read_labels(std::string_view rest, std::size_t& at) {
    ++at;
    while (true) {
      std::size_t equal = rest.find('=', at);
      if (equal == std::string_view::npos || !is_name(rest.substr(at, equal - at))) return false;
      std::string label(rest.substr(at, equal - at));
      std::string value;
      at = equal + 1;
      if (!read_quoted(rest, at, value)) return false;
      if (!labels_.emplace(label, value).second) return false;
      if (at >= rest.size()) return false;
      if (rest[at++] == '}') return true;
      if (rest[at - 1] != ',') return false;
    }
  }

  static bool read_quoted(std::string_view rest, std::size_t& at, std::string& value) {
    if (at >= rest.size() || rest[at++] != '"') return false;
    for (; at < rest.size(); ++at) {
      char c = rest[at];
      if (c == '"') {
        ++at;
        return true;
      }
      if (c != '\\') {
        value += c;
        continue;
      }
      if (++at >= rest.size()) return false;
      if (rest[at] != '\\' && rest[at] != '"' && rest[at] != 'n') return false;
      value += rest[at] == 'n' ? '\n' : rest[at];
    }
    return false;
  }

  // The parts of one series follow each other: buckets by rising bound, sum, count.
  void take_part(const std::string& name, const std::string&, double value) {
    if (name == family_ + "_bucket") {
      if (!labels_.contains("le")) return wrong("a bucket without its bound");
      double bound = labels_["le"] == "+Inf" ? INFINITY : std::stod(labels_["le"]);
      if (count_ && infinite_) end_histogram();
      if (bound_ && bound <= *bound_) wrong("bounds do not rise");
      if (count_ && value < *count_) wrong("counts fall");
      bound_ = bound;
      count_ = value;
      infinite_ = infinite_ || std::isinf(bound);
    } else if (name == family_ + "_count") {
      if (!infinite_ || !count_ || *count_ != value) wrong("the count is not the last bucket's");
      counted_ = true;
    } else if (name != family_ + "_sum") {
      wrong("a sample outside its family");
    }
  }

  void end_histogram() {
    if (count_ && !counted_) wrong("a histogram without a count before");
    bound_.reset();
    count_.reset();
    infinite_ = counted_ = false;
  }

  std::string_view line_;
  std::string family_;
  std::string kind_;
  std::map<std::string, std::string> labels_;
  std::optional<double> bound_;
  std::optional<double> count_;
  bool infinite_ = false;
  bool counted_ = false;
  std::set<std::string> seen_;
  std::vector<std::string> families_;
  std::map<std::string, std::string> kinds_;
  std::map<std::string, double> samples_;
};

}  // namespace weir::test

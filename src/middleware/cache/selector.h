// Selector: which requests a stored response is an answer to, beside its address (RFC 9111, 4.1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/headers.h"

namespace weir::cache {

/// The fields that Vary names, with the values of the request that was answered.
class Selector {
 public:
  Selector() = default;
  /// Nothing of `*`, which is never stored.
  Selector(const Headers& response, const Headers& request);

  /// Each field has the value that it had: its lines in order, joined by commas. What is inside of
  /// a line is not looked into: not every field is a list. But of Accept-Encoding what counts is
  /// what it means (`AcceptedCodings::normal_form`).
  bool matches(const Headers& request) const;
  /// The two requests have the same values of the fields named here.
  bool same(const Headers& one, const Headers& other) const;
  bool empty() const { return fields_.empty(); }
  /// For those who write it down and read it again.
  template <class F>
  void for_each(F&& fn) const {
    for (const Field& field : fields_) fn(field.name, field.value);
  }
  void add(std::string_view name, std::string_view value) {
    fields_.push_back({std::string(name), std::string(value)});
  }
  std::uint64_t size() const;

 private:
  struct Field {
    std::string name;
    std::string value;
  };
  std::vector<Field> fields_;
};

}  // namespace weir::cache

// PathTemplate: a new address made of an old one: what a regular expression captured of the path,
// and facts.
#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "expression/template.h"

namespace re2 {
class RE2;
}

namespace weir::expression {

/// `$0` is all of the path, `$1` to `$9` what the groups captured; empty where a group took no
/// part. Views into the path.
using Captures = std::array<std::string_view, 10>;

/// A regular expression (RE2) that the whole of a path matches. Linear in the path, 1 MiB at most.
class CapturingRegex {
 public:
  /// The error is RE2's own word, or that there are more than nine groups.
  static std::expected<CapturingRegex, std::string> compile(std::string_view regex);

  int groups() const { return groups_; }
  bool match(std::string_view path, Captures& captures) const;

 private:
  std::shared_ptr<const re2::RE2> regex_;
  int groups_ = 0;
};

/// Text with `$1` and `${...}` in it; `$$1` stands for `$1`. Immutable.
///
/// What fills a place can change what it stands in as little as possible: parts of an address
/// (captures, `path`, `host`, ...) go in as they are, in a query with `&`, `+`, `;` and `=`
/// percent-encoded, and `query` goes into a query as it is; every other value, and these where
/// they do not belong, is percent-encoded but for unreserved characters (RFC 3986, 2.3).
class PathTemplate {
 public:
  /// Errors as Template::compile, and captures above `groups` (-1: there is no pattern).
  static std::expected<PathTemplate, CompileError> compile(std::string_view source, Stage stage,
                                                           int groups);

  /// A `?` stands in the text itself.
  bool has_query() const;

  void append_to(std::string& out, const Facts& facts, const Captures& captures) const;

 private:
  enum class Kind : std::uint8_t { capture, address, query, value };
  /// Literal text, then what fills a place.
  struct Part {
    std::string text;
    Kind kind = Kind::value;
    int capture = 0;
    std::vector<Template> hole;  // one, or none at the end and for captures
  };

  std::vector<Part> parts_;
};

}  // namespace weir::expression

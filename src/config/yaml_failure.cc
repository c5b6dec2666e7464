#include "config/yaml_failure.h"

#include <fmt/format.h>
#include <yaml.h>

#include <algorithm>
#include <optional>

namespace weir::config {
namespace {

// Where libyaml's own words do not help: what people most often did.
struct Translation {
  std::string_view problem;
  std::string_view message;
  std::string_view help;
};

constexpr Translation kTranslations[] = {
    {"did not find expected key", "this line does not fit the map above it",
     "align it with the keys of its map; a text that goes on needs quotes"},
    {"did not find expected '-' indicator", "this line does not fit the list above it",
     "align it with the other \"-\" of its list"},
    {"mapping values are not allowed in this context", "a \": \" is not allowed here",
     "check the indentation; a text that contains \": \" needs quotes"},
    {"did not find expected ',' or ']'", "the list in [ ] is not closed, or lacks a comma",
     "write [a, b]"},
    {"did not find expected ',' or '}'", "the map in { } is not closed, or lacks a comma",
     "write { a: 1, b: 2 }"},
    {"could not find expected ':'", "a key without a \":\"",
     "write `key: value`, with a space after the colon"},
    {"found unexpected end of stream", "the file ends inside a text in quotes", "close the quotes"},
    {"block sequence entries are not allowed in this context", "a list cannot begin here",
     "put the \"- \" on a line of its own, below its key"},
    {"found unknown escape character", "an unknown escape in double quotes",
     "write \\\\ for a backslash, or use single quotes"},
    {"did not find expected node content", "a value is missing here", ""},
    {"did not find expected <document start>", "text after the end of the document",
     "check the indentation of this line: the document ended above it"},
    {"control characters are not allowed", "a control character",
     "write it as an escape in double quotes, such as \"\\x1b\""},
};

Position at(const yaml_mark_t& mark, std::uint32_t file) {
  return {file, static_cast<std::uint32_t>(mark.line + 1),
          static_cast<std::uint32_t>(mark.column + 1), 1};
}

// A text that begins with `*` (not an alias), `@`, a backtick or `%`.
std::optional<YamlFailure> unquoted(const yaml_parser_t& parser, std::string_view text,
                                    std::uint32_t file) {
  const std::string_view where = parser.context != nullptr ? parser.context : "";
  const bool alias = where == "while scanning an alias";
  Position position = at(alias ? parser.context_mark : parser.problem_mark, file);
  const std::size_t offset = offset_of(text, position);
  if (offset >= text.size()) return std::nullopt;
  const char character = text[offset];
  if (alias ? character != '*' : character != '@' && character != '`' && character != '%') {
    return std::nullopt;
  }
  std::string_view word = text.substr(offset);
  word = word.substr(0, std::min<std::size_t>(word.find_first_of(" \t\r\n,]}"), 60));
  position.length = static_cast<std::uint32_t>(word.size());
  const std::string_view meaning =
      alias ? "begins an alias in YAML" : "cannot begin a text in YAML";
  return YamlFailure{position, Code::unquoted_character,
                     fmt::format("an unquoted \"{}\" {}", character, meaning),
                     fmt::format("put quotes around the text: \"{}\"", word)};
}

// libyaml gives a byte offset instead of a mark when a character itself is bad.
YamlFailure bad_character(const yaml_parser_t& parser, std::string_view text, std::uint32_t file,
                          std::string_view problem) {
  const std::string_view before = text.substr(0, std::min(parser.problem_offset, text.size()));
  const auto line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n'));
  const std::string_view start = before.substr(before.rfind('\n') + 1);  // npos + 1 is 0
  const auto column =
      static_cast<std::uint32_t>(std::count_if(start.begin(), start.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
      }));
  return {{file, line + 1, column + 1, 1},
          Code::bad_encoding,
          fmt::format("the file is not clean UTF-8: {}", problem),
          "save it as UTF-8; write control characters as escapes in double quotes"};
}

}  // namespace

std::size_t offset_of(std::string_view text, Position position) {
  std::size_t offset = 0;
  for (std::uint32_t line = 1; line < position.line; ++line) {
    offset = text.find('\n', offset);
    if (offset == std::string_view::npos) return text.size();
    ++offset;
  }
  for (std::uint32_t column = 1; column < position.column && offset < text.size(); ++column) {
    ++offset;
    while (offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0) == 0x80) {
      ++offset;
    }
  }
  return offset;
}

YamlFailure explain_failure(const yaml_parser_s& parser, std::string_view text,
                            std::uint32_t file) {
  const std::string_view problem = parser.problem != nullptr ? parser.problem : "out of memory";
  if (parser.error == YAML_READER_ERROR) return bad_character(parser, text, file, problem);
  if (auto failure = unquoted(parser, text, file)) return *std::move(failure);
  const Position position = at(parser.problem_mark, file);
  const std::size_t offset = offset_of(text, position);
  if (offset < text.size() && text[offset] == '\t') {
    return {position, Code::tab, "a tab where YAML allows only spaces",
            "replace the tabs of this line with spaces"};
  }
  for (const Translation& known : kTranslations) {
    if (problem != known.problem) continue;
    return {position, Code::syntax, std::string(known.message), std::string(known.help)};
  }
  const std::string_view where = parser.context != nullptr ? parser.context : "";
  return {position,
          Code::syntax,
          fmt::format("invalid YAML: {}{}{}", problem, where.empty() ? "" : " ", where),
          {}};
}

}  // namespace weir::config

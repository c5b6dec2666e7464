#include "expression/template.h"

#include "expression/parser.h"

namespace weir::expression {
namespace {

/// Where a literal of a header value has a character that must not be there.
std::optional<std::size_t> forbidden_in_header(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return i;
  }
  return std::nullopt;
}

}  // namespace

std::expected<Template, CompileError> Template::compile(std::string_view source, Stage stage,
                                                        Escape escape) {
  if (escape == Escape::header) {
    if (auto at = forbidden_in_header(source)) {
      return std::unexpected(CompileError{
          *at, 1, "a header value has no control characters, no line breaks above all", {}});
    }
  }
  if (source.size() > kMaxSource) {
    return std::unexpected(
        CompileError{kMaxSource, source.size() - kMaxSource, "this is longer than 8192 bytes", {}});
  }
  Template made;
  made.escape_ = escape;
  std::size_t at = 0;
  while (true) {
    std::size_t open = source.find("${", at);
    made.literals_ += source.substr(at, open == std::string_view::npos ? open : open - at);
    if (open == std::string_view::npos) break;
    at = open + 2;
    if (open > 0 && source[open - 1] == '$') {
      made.literals_ += '{';  // `$${`: the first dollar is there already
      continue;
    }
    std::expected<Hole, CompileError> hole = parse_hole(source, at, stage);
    if (!hole) return std::unexpected(hole.error());
    made.parts_.push_back({made.literals_.size(), made.program_.add(hole->operand)});
    at = hole->end;
  }
  made.parts_.push_back({made.literals_.size(), {}});
  return made;
}

void Template::put(Sink& sink, const Facts& facts) const {
  std::size_t start = 0;
  for (const Part& part : parts_) {
    sink.put(std::string_view(literals_).substr(start, part.text_end - start));
    start = part.text_end;
    if (part.hole.count > 0) program_.put(part.hole, facts, sink, escape_);
  }
}

bool Template::append_to(std::string& out, const Facts& facts) const {
  std::size_t before = out.size();
  Sink sink(out);
  put(sink, facts);
  if (sink.failed()) out.resize(before);
  return !sink.failed();
}

std::optional<std::size_t> Template::write_to(std::span<char> out, const Facts& facts) const {
  Sink sink(out.data(), out.size());
  put(sink, facts);
  if (sink.failed()) return std::nullopt;
  return static_cast<std::size_t>(sink.position() - out.data());
}

std::optional<std::string_view> Template::constant() const {
  if (parts_.size() > 1) return std::nullopt;
  return literals_;
}

}  // namespace weir::expression

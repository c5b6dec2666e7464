#include "expression/key.h"

#include "core/hash.h"
#include "expression/parser.h"

namespace weir::expression {

std::expected<void, CompileError> Key::add(std::string_view source, Stage stage) {
  std::expected<Operand, CompileError> value = parse_value(source, stage);
  if (!value) return std::unexpected(value.error());
  values_.push_back(program_.add(*value));
  return {};
}

std::optional<std::uint64_t> Key::hash(const Facts& facts) const {
  for (AtomRange value : values_) {
    char buffer[256];
    Sink sink(buffer, sizeof buffer);
    if (!program_.put(value, facts, sink, Escape::none)) continue;
    if (!sink.failed()) {
      return stable_hash({buffer, static_cast<std::size_t>(sink.position() - buffer)});
    }
    std::string text;
    Sink growing(text);
    program_.put(value, facts, growing, Escape::none);
    return stable_hash(text);
  }
  return std::nullopt;
}

}  // namespace weir::expression

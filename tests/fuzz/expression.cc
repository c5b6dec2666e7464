// Expressions and templates: any text compiles or is refused with a place inside it; what
// compiles runs, and its printed form compiles to the same program.
#include "expression/expression.h"

#include <cstdint>
#include <vector>

#include "expression/fake_facts.h"
#include "expression/parser.h"
#include "expression/template.h"
#include "require.h"

namespace {

using namespace weir::expression;

void check_error(const CompileError& error, std::string_view source) {
  require(!error.message.empty(), "an error says what is wrong");
  require(error.offset + error.length <= source.size(), "an error lies inside the source");
}

void check_expression(std::string_view source, Stage stage, const FakeFacts& facts) {
  auto expression = Expression::compile(source, stage);
  if (!expression) return check_error(expression.error(), source);
  bool result = expression->evaluate(facts);
  expression->evaluate(FakeFacts());
  if (expression->text().size() > kMaxSource) return;  // escapes and spaces can make it longer
  auto again = Expression::compile(expression->text(), stage);
  require(again.has_value(), "what is printed compiles");
  require(again->text() == expression->text(), "printing twice changes nothing");
  require(again->listing() == expression->listing(), "printing keeps the program");
  require(again->evaluate(facts) == result, "equal programs give equal results");
}

void check_template(std::string_view source, Stage stage, Escape escape, const FakeFacts& facts) {
  auto made = Template::compile(source, stage, escape);
  if (!made) return check_error(made.error(), source);
  std::string grown;
  bool accepted = made->append_to(grown, facts);
  std::vector<char> fixed(grown.size());
  auto written = made->write_to(fixed, facts);
  require(written.has_value() == accepted, "both ways of writing accept the same");
  if (!accepted) return;
  require(std::string_view(fixed.data(), *written) == grown, "both ways write the same");
  if (escape == Escape::header) {
    require(grown.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
            "no line break in a header");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  static const FakeFacts facts = FakeFacts::sample();
  std::string_view source(reinterpret_cast<const char*>(data + 1), size - 1);
  auto stage = static_cast<Stage>(data[0] % 4);
  check_expression(source, stage, facts);
  check_template(source, stage, static_cast<Escape>(data[0] / 4 % 4), facts);
  return 0;
}

#include "expression/reference.h"

#include <fmt/format.h>

#include "expression/catalog.h"
#include "expression/log_formats.h"

namespace weir::expression {

std::string reference_markdown() {
  std::string out =
      "### Facts\n\n| fact | type | known from | meaning |\n| --- | --- | --- | --- |\n";
  for (const FactEntry& fact : facts()) {
    out += fmt::format("| `{}` | {} | {} | {} |\n", fact.name, name(fact.type), name(fact.stage),
                       fact.meaning);
  }
  out += "\n### Fields\n\n| field | names | known from | meaning |\n| --- | --- | --- | --- |\n";
  for (const SourceEntry& source : sources()) {
    out += fmt::format("| `{}.NAME` | {} | {} | {} |\n", source.name,
                       source.any_case ? "in any case" : "as sent", name(source.stage),
                       source.meaning);
  }
  out += "\n### Log formats\n";
  for (const LogFormat& format : {kCombinedFormat, kJsonFormat}) {
    out += fmt::format("\n`{}`:\n\n```\n{}\n```\n", format.name, format.source);
  }
  return out;
}

}  // namespace weir::expression

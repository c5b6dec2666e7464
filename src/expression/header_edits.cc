#include "expression/header_edits.h"

namespace weir {
namespace {

std::optional<std::string_view> fill(const expression::Template& value, Arena& arena,
                                     const expression::Facts& facts) {
  if (auto constant = value.constant()) return *constant;
  static thread_local std::string scratch;
  scratch.clear();
  if (!value.append_to(scratch, facts) || scratch.empty()) return std::nullopt;
  return arena.copy(scratch);
}

}  // namespace

HeaderEdits::HeaderEdits(const HeaderEditsConfig& config, expression::Stage stage,
                         config::Diagnostics& diagnostics)
    : remove_(config.remove) {
  compile(config.set, stage, set_, diagnostics);
  compile(config.add, stage, add_, diagnostics);
}

void HeaderEdits::compile(const config::Map<config::Located<std::string>>& from,
                          expression::Stage stage, std::vector<Edit>& to,
                          config::Diagnostics& diagnostics) {
  for (const auto& entry : from) {
    auto compiled = expression::Template::compile(*entry.value, stage, expression::Escape::header);
    if (compiled) {
      to.push_back(Edit{entry.name, std::move(*compiled)});
    } else {
      report(compiled.error(), entry.value.position, diagnostics);
    }
  }
}

void HeaderEdits::apply(Headers& headers, const expression::Facts& facts) const {
  for (const std::string& name : remove_) headers.remove(name);
  for (const Edit& edit : set_) {
    if (auto value = fill(edit.value, headers.arena(), facts)) headers.set(edit.name, *value);
  }
  for (const Edit& edit : add_) {
    if (auto value = fill(edit.value, headers.arena(), facts)) headers.add(edit.name, *value);
  }
}

void report(const expression::CompileError& error, config::Position position,
            config::Diagnostics& diagnostics) {
  diagnostics.error(position, config::Code::bad_expression, error.message, error.help);
}

}  // namespace weir

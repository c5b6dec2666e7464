// Changes to the fields of a message, compiled from the configuration.
#pragma once

#include <string>
#include <vector>

#include "config/diagnostics.h"
#include "expression/exchange_facts.h"
#include "expression/template.h"
#include "http/header_edits_config.h"

namespace weir {

/// Removal first, then set, then add. A value whose template gives no valid field value, or an
/// empty one, sets nothing.
class HeaderEdits {
 public:
  HeaderEdits() = default;
  HeaderEdits(const HeaderEditsConfig& config, expression::Stage stage,
              config::Diagnostics& diagnostics);

  bool empty() const { return remove_.empty() && set_.empty() && add_.empty(); }
  void apply(Headers& headers, const expression::Facts& facts) const;

 private:
  struct Edit {
    std::string name;
    expression::Template value;
  };
  static void compile(const config::Map<config::Located<std::string>>& from,
                      expression::Stage stage, std::vector<Edit>& to,
                      config::Diagnostics& diagnostics);

  std::vector<std::string> remove_;
  std::vector<Edit> set_;
  std::vector<Edit> add_;
};

/// Reports a template's or expression's error at its place inside the configured text.
void report(const expression::CompileError& error, config::Position position,
            config::Diagnostics& diagnostics);

}  // namespace weir

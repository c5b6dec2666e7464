// The reference of the language, written from the catalog that the compiler uses.
#pragma once

#include <string>

namespace weir::expression {

/// Tables of facts, fields and log formats in Markdown. docs/expressions.md ends with
/// this text; a test fails when it is stale.
std::string reference_markdown();

}  // namespace weir::expression

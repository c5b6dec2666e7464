// The one list of facts: name, type, when each is known, what it means.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "expression/facts.h"

namespace weir::expression {

enum class Type : std::uint8_t { text, number, duration, address, time };

/// As it is written in documentation and messages.
std::string_view name(Type type);

/// From when on a fact is known. A place that uses expressions says how far its exchange has
/// come; facts of later stages are refused there when the expression is compiled.
enum class Stage : std::uint8_t { connection, request, route, response };

std::string_view name(Stage stage);

struct FactEntry {
  Fact fact;
  std::string_view name;
  Type type;
  Stage stage;
  std::string_view meaning;
};

struct SourceEntry {
  Source source;
  std::string_view name;  ///< written before the dot: `header.user-agent`
  Stage stage;
  bool any_case;  ///< names compare without regard to case
  std::string_view meaning;
};

/// In the order of the enum and of the documentation.
std::span<const FactEntry> facts();
std::span<const SourceEntry> sources();

const FactEntry& entry(Fact fact);
const SourceEntry& entry(Source source);

/// Null if there is none.
const FactEntry* find_fact(std::string_view name);
const SourceEntry* find_source(std::string_view name);

/// The fact (or source with its dot) that was probably meant, or empty.
std::string nearest_name(std::string_view name);

}  // namespace weir::expression

// An expression as a tree: checked, but not yet laid out for evaluation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "expression/catalog.h"
#include "expression/facts.h"
#include "io/address.h"

namespace weir::expression {

/// One thing that has a value.
struct Atom {
  enum class Kind : std::uint8_t { text, number, fact, field };
  Kind kind = Kind::text;
  Fact fact{};
  Source source{};
  bool lower = false;       ///< lower(...) was around it
  std::int64_t number = 0;  ///< number literals; durations in nanoseconds
  std::string text;         ///< text literals, or the name of a field

  bool literal() const { return kind == Kind::text || kind == Kind::number; }
};

/// One side of a comparison, or what a hole of a template shows: the first atom that is neither
/// absent nor empty. `default(a, b)` makes lists of more than one.
struct Operand {
  Type type = Type::text;
  std::vector<Atom> atoms;
  std::size_t offset = 0;  ///< in the source, for messages
  std::size_t length = 0;

  bool is_literal() const { return atoms.size() == 1 && atoms[0].literal(); }
  bool has_fields() const;  ///< can have several values
  bool has_lower() const;
};

enum class Operator : std::uint8_t {
  equal,
  unequal,
  less,
  less_or_equal,
  greater,
  greater_or_equal,
  starts_with,
  ends_with,
  contains,
  matches,
  in,
  present,
};

/// As it is written.
std::string_view name(Operator op);

struct Comparison {
  Operator op = Operator::equal;
  Operand left;
  Operand right;                      ///< unless `in`, `present`
  std::vector<std::string> texts;     ///< of `in`
  std::vector<std::int64_t> numbers;  ///< of `in`
  std::vector<IpNetwork> networks;    ///< of `in`, and of == and != with an address
};

struct Node {
  enum class Kind : std::uint8_t { constant, comparison, negation, all, any };
  Kind kind = Kind::constant;
  bool value = false;            ///< constant
  std::uint32_t comparison = 0;  ///< index into Tree::comparisons
  std::vector<Node> children;    ///< negation: one; all, any: two or more
};

struct Tree {
  Node root;
  std::vector<Comparison> comparisons;
};

/// The one spelling of a tree; parsing it gives the same tree again.
std::string print(const Tree& tree);
std::string print(const Operand& operand);

}  // namespace weir::expression

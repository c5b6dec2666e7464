// The form in which expressions and templates are evaluated: flat, immutable, no allocation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "expression/facts.h"
#include "expression/syntax.h"
#include "expression/text.h"

namespace re2 {
class RE2;
}

namespace weir::expression {

/// A range of atoms: an operand as the program holds it.
struct AtomRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  Type type = Type::text;
};

/// A condition is a list of tests; each names the test to go on with when it is true and when it
/// is false, always one that stands later. So a run takes at most as many steps as there are
/// tests, and needs neither stack nor memory. Safe to use from several threads.
class Program {
 public:
  Program();
  explicit Program(const Tree& tree);
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;
  ~Program();

  bool run(const Facts& facts) const;

  AtomRange add(const Operand& operand);
  /// Writes the operand's first value that is neither absent nor empty; several values of a field
  /// with ", " between them. An absent number is `-`, in JSON `null`. False if all are absent.
  bool put(AtomRange range, const Facts& facts, Sink& sink, Escape escape) const;

  /// One line for each test; equal texts mean equal programs.
  std::string listing() const;

 private:
  static constexpr std::uint16_t kTrue = 0xffff;
  static constexpr std::uint16_t kFalse = 0xfffe;

  struct Test {
    Operator op = Operator::equal;
    Type type = Type::text;
    std::uint16_t on_true = kTrue;
    std::uint16_t on_false = kFalse;
    AtomRange left;
    AtomRange right;
    std::uint32_t list = 0;  ///< first of `count` entries of texts_, numbers_ or networks_
    std::uint32_t count = 0;
    const re2::RE2* regex = nullptr;
  };

  /// A text whose capitals may have to be lowered while it is looked at.
  struct Text {
    std::string_view text;
    bool lower = false;
  };

  std::uint16_t lay_out(const Tree& tree, const Node& node, std::uint16_t on_true,
                        std::uint16_t on_false);
  Test make_test(const Comparison& comparison);
  void reverse();

  bool holds(const Test& test, const Facts& facts) const;
  bool text_holds(const Test& test, Text left, Text right) const;
  bool number_holds(const Test& test, const Facts& facts) const;
  bool address_holds(const Test& test, const Facts& facts) const;
  bool present(AtomRange range, const Facts& facts) const;
  bool put_atom(const Atom& atom, Type type, const Facts& facts, Sink& sink, Escape escape) const;
  bool put_field(const Atom& atom, const Facts& facts, Sink& sink, Escape escape) const;

  /// True if `visit(Text)` is true for a value of the operand.
  template <class Visit>
  bool any_text(AtomRange range, const Facts& facts, Visit visit) const;
  Text first_text(AtomRange range, const Facts& facts) const;
  Value first_value(AtomRange range, const Facts& facts) const;

  static bool equal(Text a, Text b);
  static bool contains(Text text, Text part);

  std::uint16_t entry_ = kTrue;
  std::vector<Test> tests_;
  std::vector<Atom> atoms_;
  std::vector<std::string> texts_;
  std::vector<std::int64_t> numbers_;
  std::vector<IpNetwork> networks_;
  std::vector<std::unique_ptr<re2::RE2>> regexes_;
};

}  // namespace weir::expression

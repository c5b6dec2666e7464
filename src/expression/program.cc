#include "expression/program.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstring>

#include "expression/regex.h"

namespace weir::expression {
namespace {

char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

template <class T>
bool ordered(Operator op, T a, T b) {
  switch (op) {
    case Operator::equal: return a == b;
    case Operator::less: return a < b;
    case Operator::less_or_equal: return a <= b;
    case Operator::greater: return a > b;
    case Operator::greater_or_equal: return a >= b;
    default: return false;
  }
}

}  // namespace

Program::Program() = default;
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;
Program::~Program() = default;

Program::Program(const Tree& tree) {
  entry_ = lay_out(tree, tree.root, kTrue, kFalse);
  reverse();
}

/// Lays the tests out from the last to the first, so that where to go on is known when a test is
/// made. Returns the number of the first test, or kTrue or kFalse.
std::uint16_t Program::lay_out(const Tree& tree, const Node& node, std::uint16_t on_true,
                               std::uint16_t on_false) {
  switch (node.kind) {
    case Node::Kind::constant: return node.value ? on_true : on_false;
    case Node::Kind::negation: return lay_out(tree, node.children[0], on_false, on_true);
    case Node::Kind::all:
    case Node::Kind::any: {
      bool all = node.kind == Node::Kind::all;
      std::uint16_t next = all ? on_true : on_false;
      for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) {
        next = all ? lay_out(tree, *child, next, on_false) : lay_out(tree, *child, on_true, next);
      }
      return next;
    }
    case Node::Kind::comparison: break;
  }
  Test test = make_test(tree.comparisons[node.comparison]);
  test.on_true = on_true;
  test.on_false = on_false;
  if (test.op == Operator::unequal) {  // true if no value is equal
    test.op = Operator::equal;
    std::swap(test.on_true, test.on_false);
  }
  tests_.push_back(test);
  return static_cast<std::uint16_t>(tests_.size() - 1);
}

Program::Test Program::make_test(const Comparison& comparison) {
  Test test{.op = comparison.op, .type = comparison.left.type, .left = add(comparison.left)};
  if (!comparison.right.atoms.empty()) test.right = add(comparison.right);
  if (comparison.op == Operator::matches) {
    regexes_.push_back(std::make_unique<re2::RE2>(comparison.right.atoms[0].text, regex_options()));
    test.regex = regexes_.back().get();
  }
  auto take = [&test](auto& all, const auto& list) {
    if (list.empty()) return;
    test.list = static_cast<std::uint32_t>(all.size());
    test.count = static_cast<std::uint32_t>(list.size());
    all.insert(all.end(), list.begin(), list.end());
  };
  take(texts_, comparison.texts);
  take(numbers_, comparison.numbers);
  take(networks_, comparison.networks);
  return test;
}

/// After this, tests stand in the order in which they are run.
void Program::reverse() {
  auto flip = [this](std::uint16_t& at) {
    if (at < kFalse) at = static_cast<std::uint16_t>(tests_.size() - 1 - at);
  };
  std::reverse(tests_.begin(), tests_.end());
  for (Test& test : tests_) {
    flip(test.on_true);
    flip(test.on_false);
  }
  flip(entry_);
}

AtomRange Program::add(const Operand& operand) {
  AtomRange range{static_cast<std::uint32_t>(atoms_.size()),
                  static_cast<std::uint32_t>(operand.atoms.size()), operand.type};
  atoms_.insert(atoms_.end(), operand.atoms.begin(), operand.atoms.end());
  return range;
}

bool Program::run(const Facts& facts) const {
  std::uint16_t at = entry_;
  while (at < kFalse) {
    const Test& test = tests_[at];
    at = holds(test, facts) ? test.on_true : test.on_false;
  }
  return at == kTrue;
}

bool Program::holds(const Test& test, const Facts& facts) const {
  if (test.op == Operator::present) return present(test.left, facts);
  switch (test.type) {
    case Type::text: {
      Text right = test.right.count > 0 ? first_text(test.right, facts) : Text{};
      return any_text(test.left, facts, [&](Text left) { return text_holds(test, left, right); });
    }
    case Type::number:
    case Type::duration: return number_holds(test, facts);
    case Type::address: return address_holds(test, facts);
    case Type::time: break;
  }
  return false;
}

bool Program::text_holds(const Test& test, Text left, Text right) const {
  std::size_t size = right.text.size();
  switch (test.op) {
    case Operator::equal: return equal(left, right);
    case Operator::starts_with:
      return left.text.size() >= size && equal({left.text.substr(0, size), left.lower}, right);
    case Operator::ends_with:
      return left.text.size() >= size &&
             equal({left.text.substr(left.text.size() - size), left.lower}, right);
    case Operator::contains: return contains(left, right);
    case Operator::matches:
      return test.regex->Match(re2::StringPiece(left.text.data(), left.text.size()), 0,
                               left.text.size(), re2::RE2::ANCHOR_BOTH, nullptr, 0);
    case Operator::in:
      for (std::uint32_t i = 0; i < test.count; ++i) {
        if (equal(left, {texts_[test.list + i]})) return true;
      }
      return false;
    default: return false;
  }
}

bool Program::number_holds(const Test& test, const Facts& facts) const {
  Value left = first_value(test.left, facts);
  if (left.kind != Value::Kind::number) return false;
  if (test.op == Operator::in) {
    auto first = numbers_.begin() + test.list;
    return std::find(first, first + test.count, left.number) != first + test.count;
  }
  Value right = first_value(test.right, facts);
  return right.kind == Value::Kind::number && ordered(test.op, left.number, right.number);
}

bool Program::address_holds(const Test& test, const Facts& facts) const {
  Value left = first_value(test.left, facts);
  if (left.kind != Value::Kind::address) return false;
  for (std::uint32_t i = 0; i < test.count; ++i) {
    if (networks_[test.list + i].contains(left.address)) return true;
  }
  return false;
}

bool Program::equal(Text a, Text b) {
  if (a.text.size() != b.text.size()) return false;
  if (!a.lower && !b.lower) return a.text == b.text;
  for (std::size_t i = 0; i < a.text.size(); ++i) {
    char left = a.lower ? lower_case(a.text[i]) : a.text[i];
    char right = b.lower ? lower_case(b.text[i]) : b.text[i];
    if (left != right) return false;
  }
  return true;
}

bool Program::contains(Text text, Text part) {
  if (part.text.empty()) return true;
  // memmem is linear in both lengths. The other way costs their product, but there `part` is a
  // literal of the configuration.
  if (!text.lower) {
    return memmem(text.text.data(), text.text.size(), part.text.data(), part.text.size()) !=
           nullptr;
  }
  for (std::size_t at = 0; at + part.text.size() <= text.text.size(); ++at) {
    if (equal({text.text.substr(at, part.text.size()), true}, part)) return true;
  }
  return false;
}

template <class Visit>
bool Program::any_text(AtomRange range, const Facts& facts, Visit visit) const {
  for (std::uint32_t i = 0; i < range.count; ++i) {
    const Atom& atom = atoms_[range.first + i];
    bool last = i + 1 == range.count;
    if (atom.kind != Atom::Kind::field) {
      Value value = atom.kind == Atom::Kind::fact ? facts.get(atom.fact) : Value::of(atom.text);
      std::string_view text = value.kind == Value::Kind::text ? value.text : std::string_view();
      if (last || !text.empty()) return visit(Text{text, atom.lower});
      continue;
    }
    bool filled = false;
    std::size_t position = 0;
    std::string_view value;
    while (facts.next(atom.source, atom.text, position, value)) {
      filled = filled || !value.empty();
      if ((last || !value.empty()) && visit(Text{value, atom.lower})) return true;
    }
    if (filled) return false;
  }
  return false;
}

Program::Text Program::first_text(AtomRange range, const Facts& facts) const {
  Text found;
  any_text(range, facts, [&found](Text text) {
    found = text;
    return true;
  });
  return found;
}

Value Program::first_value(AtomRange range, const Facts& facts) const {
  for (std::uint32_t i = 0; i < range.count; ++i) {
    const Atom& atom = atoms_[range.first + i];
    if (atom.kind == Atom::Kind::number) return Value::of(atom.number);
    Value value = facts.get(atom.fact);
    if (value.kind != Value::Kind::absent) return value;
  }
  return {};
}

bool Program::present(AtomRange range, const Facts& facts) const {
  for (std::uint32_t i = 0; i < range.count; ++i) {
    const Atom& atom = atoms_[range.first + i];
    if (atom.literal()) return true;
    if (atom.kind == Atom::Kind::field) {
      std::size_t position = 0;
      std::string_view ignored;
      if (facts.next(atom.source, atom.text, position, ignored)) return true;
      continue;
    }
    Value value = facts.get(atom.fact);
    bool empty = value.kind == Value::Kind::text && value.text.empty();
    if (value.kind != Value::Kind::absent && !empty) return true;
  }
  return false;
}

bool Program::put(AtomRange range, const Facts& facts, Sink& sink, Escape escape) const {
  for (std::uint32_t i = 0; i < range.count; ++i) {
    if (put_atom(atoms_[range.first + i], range.type, facts, sink, escape)) return true;
  }
  if (range.type != Type::text) sink.put(escape == Escape::json ? "null" : "-");
  return false;
}

/// False if the atom has nothing to show.
bool Program::put_atom(const Atom& atom, Type type, const Facts& facts, Sink& sink,
                       Escape escape) const {
  if (atom.kind == Atom::Kind::field) return put_field(atom, facts, sink, escape);
  Value value = atom.kind == Atom::Kind::text     ? Value::of(std::string_view(atom.text))
                : atom.kind == Atom::Kind::number ? Value::of(atom.number)
                                                  : facts.get(atom.fact);
  switch (value.kind) {
    case Value::Kind::absent: return false;
    case Value::Kind::text:
      if (!value.text.empty()) put_text(sink, value.text, escape, atom.lower);
      return !value.text.empty();
    case Value::Kind::address: put_address(sink, value.address); return true;
    case Value::Kind::number: break;
  }
  if (type == Type::time) {
    auto put_time = atom.fact == Fact::time_clf    ? put_clf
                    : atom.fact == Fact::time_unix ? put_unix
                                                   : put_rfc3339;
    put_time(sink, value.number);
  } else if (type == Type::duration) {
    put_milliseconds(sink, value.number);
  } else {
    put_number(sink, value.number);
  }
  return true;
}

bool Program::put_field(const Atom& atom, const Facts& facts, Sink& sink, Escape escape) const {
  bool any = false;
  std::size_t position = 0;
  std::string_view value;
  while (facts.next(atom.source, atom.text, position, value)) {
    if (value.empty()) continue;
    if (any) sink.put(", ");
    put_text(sink, value, escape, atom.lower);
    any = true;
  }
  return any;
}

std::string Program::listing() const {
  auto target = [](std::uint16_t at) {
    return at == kTrue ? "true" : at == kFalse ? "false" : std::to_string(at);
  };
  auto operand = [this](AtomRange range) {
    Operand made{.type = range.type};
    made.atoms.assign(atoms_.begin() + range.first, atoms_.begin() + range.first + range.count);
    return expression::print(made);
  };
  std::string out = fmt::format("start {}\n", target(entry_));
  for (std::size_t i = 0; i < tests_.size(); ++i) {
    const Test& test = tests_[i];
    out += fmt::format("{}: {} {}", i, operand(test.left), name(test.op));
    if (test.right.count > 0) out += " " + operand(test.right);
    for (std::uint32_t j = test.list; j < test.list + test.count; ++j) {
      if (test.type == Type::text) out += fmt::format(" {:?}", texts_[j]);
      if (test.type == Type::number || test.type == Type::duration) {
        out += fmt::format(" {}", numbers_[j]);
      }
      if (test.type == Type::address) {
        out += fmt::format(" {}/{}", networks_[j].base.text(), networks_[j].prefix);
      }
    }
    out += fmt::format(" ? {} : {}\n", target(test.on_true), target(test.on_false));
  }
  return out;
}

}  // namespace weir::expression

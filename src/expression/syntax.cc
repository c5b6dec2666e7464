#include "expression/syntax.h"

#include <fmt/format.h>

#include <algorithm>

namespace weir::expression {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// True if the lexer takes the name as part of one word.
bool plain_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_' ||
           c == '-' || c == '.';
  });
}

std::string print_duration(std::int64_t nanoseconds) {
  struct Unit {
    std::int64_t size;
    const char* name;
  };
  for (Unit unit : {Unit{3'600'000'000'000, "h"},
                    {60'000'000'000, "m"},
                    {1'000'000'000, "s"},
                    {1'000'000, "ms"}}) {
    if (nanoseconds != 0 && nanoseconds % unit.size == 0) {
      return fmt::format("{}{}", nanoseconds / unit.size, unit.name);
    }
  }
  return fmt::format("{}us", nanoseconds / 1000);
}

std::string print(const Atom& atom, Type type) {
  switch (atom.kind) {
    case Atom::Kind::text: return quoted(atom.text);
    case Atom::Kind::number:
      return type == Type::duration ? print_duration(atom.number) : std::to_string(atom.number);
    case Atom::Kind::fact: return std::string(entry(atom.fact).name);
    case Atom::Kind::field: {
      std::string name = plain_name(atom.text) ? atom.text : quoted(atom.text);
      return fmt::format("{}.{}", entry(atom.source).name, name);
    }
  }
  return {};
}

std::string print(const IpNetwork& network) {
  unsigned whole = network.base.v4 ? 32 : 128;
  if (network.prefix == whole) return network.base.text();
  return fmt::format("{}/{}", network.base.text(), network.prefix);
}

std::string print_list(const Comparison& comparison) {
  std::string out = "[";
  auto item = [&](std::string text) { out += (out.size() > 1 ? ", " : "") + text; };
  for (const std::string& text : comparison.texts) item(quoted(text));
  for (std::int64_t number : comparison.numbers) {
    bool duration = comparison.left.type == Type::duration;
    item(duration ? print_duration(number) : std::to_string(number));
  }
  for (const IpNetwork& network : comparison.networks) item(print(network));
  return out + "]";
}

std::string print(const Comparison& comparison) {
  std::string left = print(comparison.left);
  if (comparison.op == Operator::present) return fmt::format("present({})", left);
  std::string right = comparison.op == Operator::in           ? print_list(comparison)
                      : comparison.left.type == Type::address ? print(comparison.networks[0])
                                                              : print(comparison.right);
  return fmt::format("{} {} {}", left, name(comparison.op), right);
}

std::string print(const Node& node, const Tree& tree) {
  switch (node.kind) {
    case Node::Kind::constant: return node.value ? "true" : "false";
    case Node::Kind::comparison: return print(tree.comparisons[node.comparison]);
    case Node::Kind::negation: {
      const Node& child = node.children[0];
      bool group = child.kind == Node::Kind::all || child.kind == Node::Kind::any;
      return (group ? "not (" : "not ") + print(child, tree) + (group ? ")" : "");
    }
    case Node::Kind::all:
    case Node::Kind::any: {
      std::string out;
      for (const Node& child : node.children) {
        if (!out.empty()) out += node.kind == Node::Kind::all ? " and " : " or ";
        bool group = node.kind == Node::Kind::all && child.kind == Node::Kind::any;
        out += (group ? "(" : "") + print(child, tree) + (group ? ")" : "");
      }
      return out;
    }
  }
  return {};
}

}  // namespace

bool Operand::has_fields() const {
  return std::any_of(atoms.begin(), atoms.end(),
                     [](const Atom& atom) { return atom.kind == Atom::Kind::field; });
}

bool Operand::has_lower() const {
  return std::any_of(atoms.begin(), atoms.end(), [](const Atom& atom) { return atom.lower; });
}

std::string_view name(Operator op) {
  static constexpr std::string_view kNames[] = {"==",       "!=",      "<",           "<=",
                                                ">",        ">=",      "starts_with", "ends_with",
                                                "contains", "matches", "in",          "present"};
  return kNames[static_cast<std::size_t>(op)];
}

std::string print(const Tree& tree) { return print(tree.root, tree); }

std::string print(const Operand& operand) {
  // default() takes two; a longer list nests to the right.
  std::string out;
  for (std::size_t i = operand.atoms.size(); i-- > 0;) {
    const Atom& atom = operand.atoms[i];
    std::string text = print(atom, operand.type);
    if (atom.lower) text = fmt::format("lower({})", text);
    out = out.empty() ? text : fmt::format("default({}, {})", text, out);
  }
  return out;
}

}  // namespace weir::expression

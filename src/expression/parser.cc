#include "expression/parser.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <optional>

#include "expression/lexer.h"
#include "expression/regex.h"

namespace weir::expression {
namespace {

char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

std::string lower_case(std::string text) {
  for (char& c : text) c = lower_case(c);
  return text;
}

struct OperatorName {
  std::string_view text;
  Operator op;
};

constexpr OperatorName kOperators[] = {
    {"==", Operator::equal},
    {"!=", Operator::unequal},
    {"<", Operator::less},
    {"<=", Operator::less_or_equal},
    {">", Operator::greater},
    {">=", Operator::greater_or_equal},
    {"starts_with", Operator::starts_with},
    {"ends_with", Operator::ends_with},
    {"contains", Operator::contains},
    {"matches", Operator::matches},
    {"in", Operator::in},
};

bool is_order(Operator op) {
  return op == Operator::less || op == Operator::less_or_equal || op == Operator::greater ||
         op == Operator::greater_or_equal;
}

bool is_equality(Operator op) { return op == Operator::equal || op == Operator::unequal; }

/// "a text", "an address".
std::string one(Type type) {
  return fmt::format("{} {}", type == Type::address ? "an" : "a", name(type));
}

/// Recursive descent; the first error stays and turns every later token into the end, so that all
/// loops stop.
class Parser {
 public:
  Parser(std::string_view source, std::size_t offset, Stage stage)
      : lexer_(source, offset), stage_(stage) {
    advance();
  }

  std::expected<Tree, CompileError> run() {
    tree_.root = disjunction();
    if (!error_ && token_.kind != Token::Kind::end) unexpected("and, or, or the end");
    if (error_) return std::unexpected(*error_);
    return std::move(tree_);
  }

  std::expected<Operand, CompileError> run_value() {
    Operand shown = operand();
    if (!error_ && token_.kind != Token::Kind::end) unexpected("the end");
    if (error_) return std::unexpected(*error_);
    return shown;
  }

  std::expected<Hole, CompileError> run_hole() {
    Operand shown = operand();
    if (!error_ && !token_.is("}")) unexpected("} to close the hole");
    if (error_) return std::unexpected(*error_);
    return Hole{std::move(shown), token_.offset + 1};
  }

 private:
  // Tokens and errors.

  void advance() {
    last_end_ = token_.offset + token_.text.size();
    if (!error_) token_ = lexer_.next();
  }

  bool take(std::string_view text) {
    if (!token_.is(text)) return false;
    advance();
    return true;
  }

  void expect(std::string_view text) {
    if (!take(text)) unexpected(fmt::format("\"{}\"", text));
  }

  void fail(std::size_t offset, std::size_t length, std::string message, std::string help = {}) {
    if (error_) return;
    error_ = CompileError{offset, length, std::move(message), std::move(help)};
    token_ = Token{.offset = offset};
  }

  void fail_at(const Operand& operand, std::string message, std::string help = {}) {
    fail(operand.offset, operand.length, std::move(message), std::move(help));
  }

  void unexpected(std::string_view wanted) {
    if (token_.kind == Token::Kind::invalid) {
      fail(token_.offset, token_.text.size(), std::move(token_.value), std::move(token_.help));
    } else if (token_.kind == Token::Kind::end) {
      fail(token_.offset, 0, fmt::format("the text ends where {} is expected", wanted));
    } else {
      fail(token_.offset, token_.text.size(),
           fmt::format("\"{}\" stands where {} is expected", token_.text, wanted));
    }
  }

  /// False, and an error, when the text is nested too deep. Pairs with `leave`.
  bool enter() {
    if (++depth_ > kMaxDepth) fail(token_.offset, token_.text.size(), "this is nested too deep");
    return !error_;
  }
  void leave() { --depth_; }

  // Conditions.

  Node disjunction() { return chain(Node::Kind::any, "or", &Parser::conjunction); }
  Node conjunction() { return chain(Node::Kind::all, "and", &Parser::negation); }

  Node chain(Node::Kind kind, std::string_view word, Node (Parser::*part)()) {
    Node first = (this->*part)();
    if (!token_.is(word)) return first;
    Node node{.kind = kind};
    append(node, std::move(first));
    while (take(word)) append(node, (this->*part)());
    return node;
  }

  /// `(a and b) and c` is `a and b and c`.
  static void append(Node& node, Node child) {
    if (child.kind != node.kind) {
      node.children.push_back(std::move(child));
      return;
    }
    for (Node& grandchild : child.children) node.children.push_back(std::move(grandchild));
  }

  Node negation() {
    if (!token_.is("not")) return primary();
    Node node{.kind = Node::Kind::negation};
    if (!enter()) return node;
    advance();
    node.children.push_back(negation());
    leave();
    return node;
  }

  Node primary() {
    if (token_.is("(")) {
      if (!enter()) return {};
      advance();
      Node inside = disjunction();
      leave();
      expect(")");
      return inside;
    }
    if (token_.is("true") || token_.is("false")) {
      Node node{.value = token_.is("true")};
      advance();
      return node;
    }
    return token_.is("present") ? presence() : comparison();
  }

  Node presence() {
    Comparison made{.op = Operator::present};
    advance();
    expect("(");
    made.left = operand();
    expect(")");
    if (made.left.is_literal()) fail_at(made.left, "a literal is always present");
    return add(std::move(made));
  }

  Node add(Comparison made) {
    tree_.comparisons.push_back(std::move(made));
    return {.kind = Node::Kind::comparison,
            .comparison = static_cast<std::uint32_t>(tree_.comparisons.size() - 1)};
  }

  // Comparisons.

  Node comparison() {
    Comparison made;
    made.left = operand();
    if (error_) return {};
    if (!read_operator(made)) return {};
    check_operator(made);
    if (error_) return {};
    if (made.op == Operator::in) {
      membership(made);
    } else if (made.left.type == Type::address) {
      made.networks.push_back(network(made.op));
      advance();
    } else {
      advance();
      made.right = operand();
      check_right(made);
    }
    return add(std::move(made));
  }

  bool read_operator(Comparison& made) {
    for (const OperatorName& known : kOperators) {
      if (!token_.is(known.text)) continue;
      made.op = known.op;
      return true;
    }
    if (token_.is("not")) {
      fail(token_.offset, 3, "not stands before the whole comparison",
           "write not client_ip in 10.0.0.0/8");
    } else if (token_.kind == Token::Kind::invalid || token_.kind == Token::Kind::word) {
      unexpected("an operator");
    } else {
      fail_at(made.left, "this is a value, where a condition is expected",
              fmt::format("compare it, or write present({})", print(made.left)));
    }
    return false;
  }

  void check_operator(const Comparison& made) {
    Type type = made.left.type;
    bool fits = is_equality(made.op) || made.op == Operator::in;
    if (type == Type::text) fits = !is_order(made.op);
    if (type == Type::number || type == Type::duration) fits = fits || is_order(made.op);
    if (type == Type::time) fits = false;
    if (fits) return;
    fail(token_.offset, token_.text.size(),
         fmt::format("{} does not work on {}", name(made.op), one(type)),
         type == Type::time ? "times are for logs; they cannot be compared" : "");
  }

  void check_right(const Comparison& made) {
    const Operand& right = made.right;
    if (error_) return;
    if (right.type != made.left.type) {
      fail_at(right, fmt::format("{} is compared with {}", one(made.left.type), one(right.type)),
              right.type == Type::text ? "" : "text stands in double quotes");
    } else if (right.has_fields()) {
      fail_at(right, "this can have several values, so it stands only on the left side");
    } else if (made.op == Operator::matches) {
      check_regex(made);
    } else if (made.op == Operator::contains && !right.is_literal() &&
               (made.left.has_lower() || right.has_lower())) {
      fail_at(right, "with lower(...), contains takes only text in quotes");
    } else if (right.is_literal()) {
      check_case(made, right.atoms[0].text, right.offset, right.length);
    }
  }

  /// A comparison of lowered text with capitals can never be true.
  void check_case(const Comparison& made, std::string_view text, std::size_t offset,
                  std::size_t length) {
    for (const Atom& atom : made.left.atoms) {
      if (!atom.lower) return;
    }
    std::string lowered = lower_case(std::string(text));
    if (lowered == text) return;
    fail(offset, length, "lower(...) never equals a text with capitals",
         fmt::format("write \"{}\"", lowered));
  }

  void check_regex(const Comparison& made) {
    const Operand& right = made.right;
    if (!right.is_literal()) return fail_at(right, "matches takes a regular expression in quotes");
    if (made.left.has_lower()) {
      return fail_at(made.left, "matches does not work after lower(...)",
                     "begin the expression with (?i)");
    }
    re2::RE2 regex(right.atoms[0].text, regex_options());
    if (!regex.ok()) {
      fail_at(right, fmt::format("this is no regular expression of RE2: {}", regex.error()));
    }
  }

  /// `token_` is the word `in`; what follows is read as the left side's type demands.
  void membership(Comparison& made) {
    std::size_t after = token_.offset + token_.text.size();
    advance();
    bool list = token_.is("[");
    if (!list && made.left.type == Type::address) {
      token_ = lexer_.address(token_.offset);
      return item(made);
    }
    if (!list) {
      std::string help =
          made.left.type == Type::text ? "write in [\"a\", \"b\"]" : "write in [1, 2]";
      return fail(after, 0, "in takes a list", std::move(help));
    }
    do {
      next_item(made.left.type);
      item(made);
    } while (!error_ && token_.is(","));
    expect("]");
  }

  /// From `[` or `,` to the item behind it.
  void next_item(Type type) {
    advance();
    if (type == Type::address && !error_ && token_.kind != Token::Kind::end && !token_.is("]")) {
      token_ = lexer_.address(token_.offset);
    }
  }

  void item(Comparison& made) {
    if (made.left.type == Type::address) {
      made.networks.push_back(parse_network());
    } else if (made.left.type == Type::text) {
      if (token_.kind != Token::Kind::text) return unexpected("text in quotes");
      check_case(made, token_.value, token_.offset, token_.text.size());
      made.texts.push_back(token_.value);
    } else {
      auto wanted = made.left.type == Type::number ? Token::Kind::number : Token::Kind::duration;
      if (token_.kind != wanted) return unexpected(one(made.left.type));
      made.numbers.push_back(token_.number);
    }
    advance();
  }

  /// The one address behind == or !=, which is `token_`.
  IpNetwork network(Operator op) {
    std::size_t after = token_.offset + token_.text.size();
    advance();
    if (error_) return {};
    token_ = lexer_.address(token_.kind == Token::Kind::end ? after : token_.offset);
    IpNetwork found = parse_network();
    if (!error_ && token_.text.find('/') != std::string_view::npos) {
      fail(token_.offset, token_.text.size(), fmt::format("{} takes one address", name(op)),
           fmt::format("write in {}", token_.text));
    }
    return found;
  }

  IpNetwork parse_network() {
    std::optional<IpNetwork> found = IpNetwork::parse(token_.text);
    if (found) return *found;
    fail(token_.offset, token_.text.size(),
         fmt::format("\"{}\" is neither an address nor a network", token_.text),
         "write 10.0.0.1 or 10.0.0.0/8");
    return {};
  }

  // Operands.

  Operand operand() {
    Operand made{.offset = token_.offset};
    switch (token_.kind) {
      case Token::Kind::text:
        made.atoms.push_back({.kind = Atom::Kind::text, .text = token_.value});
        advance();
        break;
      case Token::Kind::number:
      case Token::Kind::duration:
        made.type = token_.kind == Token::Kind::number ? Type::number : Type::duration;
        made.atoms.push_back({.kind = Atom::Kind::number, .number = token_.number});
        advance();
        break;
      case Token::Kind::field:
        field(made, token_.text.substr(0, token_.text.size() - 1), token_.value);
        break;
      case Token::Kind::word: word(made); break;
      default: unexpected("a fact or a value");
    }
    made.length = last_end_ > made.offset ? last_end_ - made.offset : 0;
    return made;
  }

  void word(Operand& made) {
    if (token_.is("lower")) return lower(made);
    if (token_.is("default")) return fallback(made);
    if (const FactEntry* known = find_fact(token_.text)) {
      check_stage(known->stage);
      made.type = known->type;
      made.atoms.push_back({.kind = Atom::Kind::fact, .fact = known->fact});
      return advance();
    }
    std::size_t dot = token_.text.find('.');
    if (dot != std::string_view::npos && find_source(token_.text.substr(0, dot))) {
      return field(made, token_.text.substr(0, dot), std::string(token_.text.substr(dot + 1)));
    }
    unknown();
  }

  void field(Operand& made, std::string_view group, std::string name) {
    const SourceEntry* source = find_source(group);
    if (source == nullptr) return unknown();
    if (name.empty()) {
      return fail(token_.offset, token_.text.size(),
                  fmt::format("the name of the {} is missing", group),
                  fmt::format("write {}.name, or {}.\"odd name\"", group, group));
    }
    check_stage(source->stage);
    if (source->any_case) name = lower_case(std::move(name));
    made.atoms.push_back(
        {.kind = Atom::Kind::field, .source = source->source, .text = std::move(name)});
    advance();
  }

  void unknown() {
    std::string suggestion = nearest_name(token_.text);
    std::string help = suggestion.empty() ? "" : fmt::format("did you mean \"{}\"?", suggestion);
    if (find_source(token_.text)) help = fmt::format("write {}.name", token_.text);
    fail(token_.offset, token_.text.size(), fmt::format("there is no fact \"{}\"", token_.text),
         std::move(help));
  }

  void check_stage(Stage known_from) {
    if (known_from <= stage_) return;
    std::string_view when = known_from == Stage::response ? "there is a response"
                            : known_from == Stage::route  ? "a route is chosen"
                                                          : "there is a request";
    fail(token_.offset, token_.text.size(),
         fmt::format("{} is not known here: only when {}", token_.text, when));
  }

  void lower(Operand& made) {
    if (!enter()) return;
    advance();
    expect("(");
    Operand inside = operand();
    expect(")");
    leave();
    if (error_) return;
    if (inside.type != Type::text) {
      return fail_at(inside, fmt::format("lower() takes a text, not {}", one(inside.type)));
    }
    made.atoms = std::move(inside.atoms);
    for (Atom& atom : made.atoms) {
      if (atom.literal()) atom.text = lower_case(std::move(atom.text));
      if (!atom.literal()) atom.lower = true;
    }
  }

  void fallback(Operand& made) {
    if (!enter()) return;
    advance();
    expect("(");
    Operand first = operand();
    expect(",");
    Operand second = operand();
    expect(")");
    leave();
    if (error_) return;
    if (first.type != second.type) {
      return fail_at(second,
                     fmt::format("the default of {} is {}", one(first.type), one(second.type)));
    }
    if (first.atoms.back().literal()) return fail_at(first, "this always has a value");
    made.type = first.type;
    made.atoms = std::move(first.atoms);
    for (Atom& atom : second.atoms) made.atoms.push_back(std::move(atom));
  }

  Lexer lexer_;
  Stage stage_;
  Token token_;
  Tree tree_;
  std::optional<CompileError> error_;
  std::size_t last_end_ = 0;
  int depth_ = 0;
};

std::optional<CompileError> too_long(std::string_view source) {
  if (source.size() <= kMaxSource) return std::nullopt;
  return CompileError{kMaxSource,
                      source.size() - kMaxSource,
                      fmt::format("this is longer than {} bytes", kMaxSource),
                      {}};
}

}  // namespace

std::expected<Tree, CompileError> parse(std::string_view source, Stage stage) {
  if (auto error = too_long(source)) return std::unexpected(*error);
  return Parser(source, 0, stage).run();
}

std::expected<Operand, CompileError> parse_value(std::string_view source, Stage stage) {
  if (auto error = too_long(source)) return std::unexpected(*error);
  return Parser(source, 0, stage).run_value();
}

std::expected<Hole, CompileError> parse_hole(std::string_view source, std::size_t offset,
                                             Stage stage) {
  if (auto error = too_long(source)) return std::unexpected(*error);
  return Parser(source, offset, stage).run_hole();
}

}  // namespace weir::expression

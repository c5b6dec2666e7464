#include "expression/path_template.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "expression/parser.h"

namespace weir::expression {
namespace {

constexpr int kMostGroups = 9;
constexpr char kDigits[] = "0123456789ABCDEF";

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

template <class Keeps>
void put(std::string& out, std::string_view text, Keeps keeps) {
  for (char c : text) {
    if (keeps(c)) {
      out += c;
      continue;
    }
    auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
}

// What would end a name or a value of a query.
bool stays_in_query(char c) { return c != '&' && c != '+' && c != ';' && c != '='; }

bool is_address(Fact fact) {
  return fact == Fact::scheme || fact == Fact::host || fact == Fact::path ||
         fact == Fact::raw_path || fact == Fact::target;
}

std::unexpected<CompileError> no_group(std::size_t offset, int number, int groups) {
  CompileError error{offset, 2, "$" + std::to_string(number) + " is no group of the regex", {}};
  if (groups < 0) {
    error.message = "$" + std::to_string(number) + " needs a \"regex\" that captures it";
    error.help =
        "give a regex with a group, or write $$" + std::to_string(number) + " for the text itself";
  } else {
    error.help = "it has " + std::to_string(groups) + "; $0 is the whole path";
  }
  return std::unexpected(std::move(error));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::expected<CapturingRegex, std::string> CapturingRegex::compile(std::string_view regex) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(std::int64_t{1} << 20);
  CapturingRegex made;
  made.regex_ =
      std::make_shared<const re2::RE2>(re2::StringPiece(regex.data(), regex.size()), options);
  if (!made.regex_->ok()) return std::unexpected(made.regex_->error());
  made.groups_ = made.regex_->NumberOfCapturingGroups();
  if (made.groups_ > kMostGroups) return std::unexpected("it has more than nine groups");
  return made;
}

bool CapturingRegex::match(std::string_view path, Captures& captures) const {
  std::array<re2::StringPiece, kMostGroups + 1> found;
  re2::StringPiece text(path.data(), path.size());
  if (!regex_->Match(text, 0, path.size(), re2::RE2::ANCHOR_BOTH, found.data(), groups_ + 1)) {
    return false;
  }
  for (std::size_t i = 0; i < captures.size(); ++i)
    captures[i] = {found[i].data(), found[i].size()};
  return true;
}

std::expected<PathTemplate, CompileError> PathTemplate::compile(std::string_view source,
                                                                Stage stage, int groups) {
  // Finds what is wrong with the holes, the length and the characters; the parts cannot fail then.
  if (auto whole = Template::compile(source, stage, Escape::header); !whole) {
    return std::unexpected(whole.error());
  }
  PathTemplate made;
  Part part;
  for (std::size_t at = 0; at < source.size();) {
    std::string_view rest = source.substr(at);
    bool escaped = rest.size() > 2 && rest.starts_with("$$");
    if (escaped && (rest[2] == '{' || is_digit(rest[2]))) {
      part.text += rest.substr(1, 2);
      at += 3;
    } else if (rest.size() > 1 && rest[0] == '$' && is_digit(rest[1])) {
      part.capture = rest[1] - '0';
      if (part.capture > groups) return no_group(at, part.capture, groups);
      part.kind = Kind::capture;
      made.parts_.push_back(std::exchange(part, {}));
      at += 2;
    } else if (rest.starts_with("${")) {
      std::expected<Hole, CompileError> hole = parse_hole(source, at + 2, stage);
      const std::vector<Atom>& atoms = hole->operand.atoms;
      bool fact = atoms.size() == 1 && atoms[0].kind == Atom::Kind::fact && !atoms[0].lower;
      if (fact && is_address(atoms[0].fact)) part.kind = Kind::address;
      if (fact && atoms[0].fact == Fact::query) part.kind = Kind::query;
      auto value = Template::compile(source.substr(at, hole->end - at), stage, Escape::none);
      part.hole.push_back(std::move(*value));
      made.parts_.push_back(std::exchange(part, {}));
      at = hole->end;
    } else {
      part.text += rest[0];
      ++at;
    }
  }
  made.parts_.push_back(std::move(part));
  return made;
}

bool PathTemplate::has_query() const {
  return std::ranges::any_of(
      parts_, [](const Part& part) { return part.text.find('?') != std::string::npos; });
}

void PathTemplate::append_to(std::string& out, const Facts& facts, const Captures& captures) const {
  bool in_query = false;
  std::string value;
  for (const Part& part : parts_) {
    out += part.text;
    in_query = in_query || part.text.find('?') != std::string::npos;
    value.clear();
    if (part.kind == Kind::capture) value = captures[static_cast<std::size_t>(part.capture)];
    if (!part.hole.empty()) part.hole.front().append_to(value, facts);
    bool address = part.kind == Kind::capture || part.kind == Kind::address;
    if ((address && !in_query) || (part.kind == Kind::query && in_query)) {
      out += value;
    } else if (address) {
      put(out, value, stays_in_query);
    } else {
      put(out, value, is_unreserved);
    }
  }
}

}  // namespace weir::expression

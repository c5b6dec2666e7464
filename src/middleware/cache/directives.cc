#include "middleware/cache/directives.h"

#include <algorithm>

#include "http/syntax.h"

namespace weir::cache {
namespace {

constexpr std::string_view kTargeted = "CDN-Cache-Control";

/// name, name=value or name="value".
struct Element {
  std::string_view name;
  std::string_view value;
  bool has_value = false;
};

// Where the element ends that begins at the beginning of `text`: at a comma outside of quotes.
std::size_t end_of_element(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted && text[i] == '\\') ++i;
    if (!quoted && text[i] == ',') return i;
  }
  return text.size();
}

// False for what has no name, or quotes that do not end.
bool read_element(std::string_view text, Element& element) {
  std::size_t equal = text.find('=');
  element.name = text.substr(0, equal);
  if (!is_token(element.name)) return false;
  element.has_value = equal != std::string_view::npos;
  if (!element.has_value) return true;
  std::string_view value = text.substr(equal + 1);
  if (value.starts_with('"')) {
    if (value.size() < 2 || value.back() != '"') return false;
    value = value.substr(1, value.size() - 2);
  }
  element.value = value;
  return true;
}

// fn(element) for each; false if one could not be read.
template <class F>
bool for_each_element(std::string_view text, F fn) {
  bool good = true;
  while (!text.empty()) {
    std::size_t end = end_of_element(text);
    std::string_view each = trim_ows(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (each.empty()) continue;
    Element element;
    if (read_element(each, element)) {
      fn(element);
    } else {
      good = false;
    }
  }
  return good;
}

void set_time(std::optional<std::int64_t>& time, std::optional<std::int64_t> seconds) {
  std::int64_t value = seconds.value_or(0);
  time = time && *time != value ? 0 : value;
}

void set_fields(const Element& element, bool& whole, std::string_view& fields) {
  // Two lists are not put together: then the whole is meant.
  if (element.value.empty() || !fields.empty()) {
    whole = true;
  } else {
    fields = element.value;
  }
}

void take(const Element& element, ResponseDirectives& into) {
  std::string_view name = element.name;
  if (iequals(name, "max-age")) return set_time(into.max_age, parse_seconds(element.value));
  if (iequals(name, "s-maxage")) return set_time(into.s_maxage, parse_seconds(element.value));
  if (iequals(name, "private")) return set_fields(element, into.private_, into.private_fields);
  if (iequals(name, "no-cache")) return set_fields(element, into.no_cache, into.no_cache_fields);
  if (iequals(name, "no-store")) {
    into.no_store = true;
  } else if (iequals(name, "public")) {
    into.public_ = true;
  } else if (iequals(name, "must-revalidate")) {
    into.must_revalidate = true;
  } else if (iequals(name, "proxy-revalidate")) {
    into.proxy_revalidate = true;
  } else if (iequals(name, "must-understand")) {
    into.must_understand = true;
  } else if (iequals(name, "stale-while-revalidate")) {
    set_time(into.stale_while_revalidate, parse_seconds(element.value));
  } else if (iequals(name, "stale-if-error")) {
    set_time(into.stale_if_error, parse_seconds(element.value));
  }
}

/// A dictionary of RFC 8941 (3.2), taken apart from the left.
class Dictionary {
 public:
  explicit Dictionary(std::string_view text) : rest_(text) {}

  enum class Kind : std::uint8_t { boolean, integer, other };
  struct Member {
    std::string_view key;
    Kind kind = Kind::boolean;
    bool truth = true;
    std::int64_t number = 0;
  };

  // fn(member) for each, while it can be read; false if it cannot.
  template <class F>
  bool read(F fn) {
    skip(" ");
    while (!rest_.empty()) {
      Member member;
      if (!key(member.key)) return false;
      bool given = accept('=');
      if (given && !(peek() == '(' ? inner_list(member) : item(member))) return false;
      if (!parameters()) return false;
      fn(member);
      skip(" \t");
      if (rest_.empty()) return true;
      if (!accept(',')) return false;
      skip(" \t");
      if (rest_.empty()) return false;
    }
    return true;
  }

 private:
  char peek() const { return rest_.empty() ? '\0' : rest_.front(); }
  bool accept(char c) {
    if (peek() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void skip(std::string_view any) {
    std::size_t end = rest_.find_first_not_of(any);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end);
  }
  template <class Is>
  std::string_view span(Is is) {
    std::size_t end = 0;
    while (end < rest_.size() && is(rest_[end])) ++end;
    std::string_view taken = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return taken;
  }

  static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
  static bool is_key(char c) {
    return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
  }
  bool key(std::string_view& name) {
    if (!is_lower(peek()) && peek() != '*') return false;
    name = span(&is_key);
    return true;
  }

  bool item(Member& member) {
    char c = peek();
    if (c == '?') return boolean(member);
    if (c == '-' || is_digit(c)) return number(member);
    member.kind = Kind::other;
    if (c == '"') return string();
    if (c == ':') return bytes();
    return token();
  }
  bool boolean(Member& member) {
    rest_.remove_prefix(1);
    member.truth = peek() == '1';
    return accept('0') || accept('1');
  }
  bool number(Member& member) {
    bool negative = accept('-');
    std::string_view digits = span(&is_digit);
    if (digits.empty() || digits.size() > 15) return false;
    if (accept('.')) {
      std::string_view fraction = span(&is_digit);
      member.kind = Kind::other;
      return digits.size() <= 12 && !fraction.empty() && fraction.size() <= 3;
    }
    member.kind = Kind::integer;
    member.number = negative ? 0 : parse_seconds(digits).value_or(0);
    return true;
  }
  bool string() {
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return true;
      if (c < ' ' || c > '~') return false;
      if (c == '\\' && !accept('"') && !accept('\\')) return false;
    }
    return false;
  }
  bool bytes() {
    rest_.remove_prefix(1);
    span([](char c) { return (is_token_char(c) || c == '/' || c == '=') && c != ':'; });
    return accept(':');
  }
  bool token() {
    char c = peek();
    if (!is_lower(static_cast<char>(c | 0x20)) && c != '*') return false;
    span([](char each) { return is_token_char(each) || each == ':' || each == '/'; });
    return true;
  }
  bool inner_list(Member& member) {
    rest_.remove_prefix(1);
    while (true) {
      skip(" ");
      if (accept(')')) break;
      Member ignored;
      if (!item(ignored) || !parameters()) return false;
      if (peek() != ' ' && peek() != ')') return false;
    }
    member.kind = Kind::other;
    return true;
  }
  bool parameters() {
    while (accept(';')) {
      skip(" ");
      std::string_view name;
      Member ignored;
      if (!key(name) || (accept('=') && !item(ignored))) return false;
    }
    return true;
  }

  std::string_view rest_;
};

// RFC 9213, 2.1: a value of a type that the directive does not have is as if it were not there.
void take(const Dictionary::Member& member, ResponseDirectives& into) {
  using Kind = Dictionary::Kind;
  auto time = [&](std::optional<std::int64_t>& of) {
    if (member.kind == Kind::integer) of = member.number;
  };
  auto flag = [&](bool& of) { of = member.kind != Kind::boolean || member.truth; };
  if (member.key == "max-age") return time(into.max_age);
  if (member.key == "s-maxage") return time(into.s_maxage);
  if (member.key == "stale-while-revalidate") return time(into.stale_while_revalidate);
  if (member.key == "stale-if-error") return time(into.stale_if_error);
  if (member.key == "no-store") return flag(into.no_store);
  if (member.key == "no-cache") return flag(into.no_cache);
  if (member.key == "private") return flag(into.private_);
  if (member.key == "public") return flag(into.public_);
  if (member.key == "must-revalidate") return flag(into.must_revalidate);
  if (member.key == "proxy-revalidate") return flag(into.proxy_revalidate);
  if (member.key == "must-understand") return flag(into.must_understand);
}

std::string_view joined(const Headers& headers, std::string_view name) {
  std::string_view all;
  headers.for_each(name, [&](std::string_view value) {
    all = all.empty() ? value : headers.arena().concat({all, ", ", value});
  });
  return all;
}

bool lists(std::string_view fields, std::string_view name) {
  return !for_each_token(fields, [&](std::string_view each) { return !iequals(each, name); });
}

}  // namespace

std::optional<std::int64_t> parse_seconds(std::string_view text) {
  if (text.empty()) return std::nullopt;
  std::int64_t value = 0;
  for (char c : text) {
    if (!is_digit(c)) return std::nullopt;
    value = std::min(value * 10 + (c - '0'), kLongest);
  }
  return value;
}

bool ResponseDirectives::withholds(std::string_view name) const {
  return lists(private_fields, name) || lists(no_cache_fields, name);
}

void read_cache_control(std::string_view value, ResponseDirectives& into) {
  into.present = true;
  bool good = for_each_element(value, [&](const Element& element) { take(element, into); });
  if (!good) into.broken = true;
}

void read_cache_control(std::string_view value, RequestDirectives& into) {
  for_each_element(value, [&](const Element& element) {
    std::string_view name = element.name;
    if (iequals(name, "no-store")) into.no_store = true;
    if (iequals(name, "no-cache")) into.no_cache = true;
    if (iequals(name, "only-if-cached")) into.only_if_cached = true;
    if (iequals(name, "max-age")) set_time(into.max_age, parse_seconds(element.value));
    if (iequals(name, "min-fresh")) into.min_fresh = parse_seconds(element.value);
  });
}

bool read_targeted(std::string_view value, ResponseDirectives& into) {
  ResponseDirectives read;
  bool good = Dictionary(value).read([&](const Dictionary::Member& member) {
    read.present = true;
    take(member, read);
  });
  if (!good || !read.present) return false;
  into = read;
  return true;
}

Said read_directives(const Headers& response) {
  Said said;
  if (response.has(HeaderId::unknown)) {
    std::string_view targeted = joined(response, kTargeted);
    if (!targeted.empty() && read_targeted(targeted, said.directives)) {
      said.targeted = true;
      return said;
    }
  }
  response.for_each(HeaderId::cache_control,
                    [&](std::string_view value) { read_cache_control(value, said.directives); });
  return said;
}

RequestDirectives read_request_directives(const Headers& request) {
  RequestDirectives read;
  if (!request.has_any(HeaderSet(HeaderId::cache_control, HeaderId::pragma))) return read;
  request.for_each(HeaderId::cache_control,
                   [&](std::string_view value) { read_cache_control(value, read); });
  if (!request.has(HeaderId::cache_control)) {
    request.for_each(HeaderId::pragma, [&](std::string_view value) {
      if (iequals(trim_ows(value), "no-cache")) read.no_cache = true;
    });
  }
  return read;
}

}  // namespace weir::cache

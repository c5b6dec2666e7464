#include "http/target.h"

#include <array>
#include <cstring>

namespace weir {
namespace {

/// How a byte of a path is treated.
enum PathClass : std::uint8_t {
  kBad,        ///< never allowed
  kPlain,      ///< stands for itself
  kSlash,      ///< what follows decides
  kSemicolon,  ///< plain, unless its segment has dots
  kPercent,    ///< to be examined
  kQuestion,   ///< the query begins
};

// pchar of RFC 3986 and "/", and of the rest only what browsers send unencoded: [ ] ^ |
constexpr std::array<std::uint8_t, 256> kPath = [] {
  std::array<std::uint8_t, 256> table{};
  for (int c = 'a'; c <= 'z'; ++c) table[c] = table[c - 32] = kPlain;
  for (int c = '0'; c <= '9'; ++c) table[c] = kPlain;
  for (char c : {'-', '.', '_', '~', '!', '$', '&', '\'', '(', ')',
                 '*', '+', ',', '=', ':', '@', '[', ']',  '^', '|'}) {
    table[static_cast<unsigned char>(c)] = kPlain;
  }
  table['/'] = kSlash;
  table[';'] = kSemicolon;
  table['%'] = kPercent;
  table['?'] = kQuestion;
  return table;
}();

// Every visible character but "#": programs put JSON, brackets and lone percent signs there.
constexpr std::array<bool, 256> kQuery = [] {
  std::array<bool, 256> table{};
  for (int c = 0x21; c < 0x7f; ++c) table[c] = c != '#';
  return table;
}();

constexpr std::array<std::int8_t, 256> kHex = [] {
  std::array<std::int8_t, 256> table{};
  for (auto& value : table) value = -1;
  for (int c = '0'; c <= '9'; ++c) table[c] = static_cast<std::int8_t>(c - '0');
  for (int c = 0; c < 6; ++c) table['a' + c] = table['A' + c] = static_cast<std::int8_t>(10 + c);
  return table;
}();

std::uint8_t path_class(char c) { return kPath[static_cast<unsigned char>(c)]; }
int hex_value(char c) { return kHex[static_cast<unsigned char>(c)]; }

bool is_unreserved(unsigned c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::unexpected<Error> bad_target(std::string_view detail) {
  return fail(ErrorCode::bad_target, Origin::client, detail);
}

std::string_view why_refused(char c) {
  if (c == '#') return "a fragment in the target is refused";
  if (c == '\\') return "a backslash in the path is refused";
  return "the target has a forbidden character";
}

bool is_dots(std::string_view segment) { return segment == "." || segment == ".."; }

/// True when a part of the segment between semicolons (plain or encoded) is `.` or `..`. Some
/// origins cut parameters off and resolve what is left. Written escapes are upper case here.
bool hides_dots(std::string_view segment) {
  bool parameters = false;
  while (true) {
    std::size_t plain = segment.find(';');
    std::size_t encoded = segment.find("%3B");
    std::size_t cut = plain < encoded ? plain : encoded;
    if (is_dots(segment.substr(0, cut))) return parameters || cut != std::string_view::npos;
    if (cut == std::string_view::npos) return false;
    parameters = true;
    segment.remove_prefix(cut + (cut == plain ? 1 : 3));
  }
}

struct PathScan {
  std::size_t end = 0;  ///< of the path: the "?" or the end of the text, if `normal`
  bool normal = false;
};

/// True when the segment at `at` (after a slash) needs no attention: not empty, no dot first.
bool segment_is_ordinary(std::string_view text, std::size_t at) {
  if (at == text.size()) return true;
  char c = text[at];
  if (c != '.' && c != '/') return true;
  if (c == '/') return false;
  std::size_t end = text.find_first_of("/?", at);
  if (end == std::string_view::npos) end = text.size();
  std::string_view segment = text.substr(at, end - at);
  return !is_dots(segment) && segment.find(';') == std::string_view::npos;
}

/// One pass over what most requests carry: finds the end of a path that is normal already.
/// `text` begins with "/". Says "not normal" for whatever needs a closer look.
PathScan scan_normal(std::string_view text) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    std::uint8_t kind = path_class(text[at]);
    if (kind == kPlain) [[likely]]
      continue;
    if (kind == kSlash) {
      if (!segment_is_ordinary(text, at + 1)) return {};
    } else if (kind == kQuestion) {
      break;
    } else {
      return {};
    }
  }
  return {at, true};
}

/// Writes a normal path. The output is never longer than the input: decoding shrinks, segments
/// only go away.
class Normaliser {
 public:
  Normaliser(char* out, TargetOptions options) : out_(out), options_(options) {}

  /// `path` begins with "/" and has no "?".
  Status run(std::string_view path) {
    out_[size_++] = '/';
    std::size_t at = 1;
    while (true) {
      std::size_t segment = size_;
      if (Status ok = copy_segment(path, at); !ok) return ok;
      bool last = at == path.size();
      if (Status ok = close_segment(segment, last); !ok) return ok;
      if (last) return {};
      ++at;  // the slash
    }
  }

  std::size_t size() const { return size_; }

 private:
  Status copy_segment(std::string_view path, std::size_t& at) {
    while (at < path.size() && path[at] != '/') {
      std::uint8_t kind = path_class(path[at]);
      if (kind == kPercent) {
        if (Status ok = copy_escape(path.substr(at)); !ok) return ok;
        at += 3;
      } else if (kind == kBad) {
        return bad_target(why_refused(path[at]));
      } else {
        out_[size_++] = path[at++];
      }
    }
    return {};
  }

  Status copy_escape(std::string_view text) {
    int high = text.size() > 2 ? hex_value(text[1]) : -1;
    int low = text.size() > 2 ? hex_value(text[2]) : -1;
    if (high < 0 || low < 0) return bad_target("the path has a broken percent-encoding");
    unsigned value = static_cast<unsigned>(high * 16 + low);
    if (value == 0) return bad_target("%00 in the path is refused");
    if ((value == '/' || value == '\\') && options_.encoded_slash == EncodedSlash::refuse) {
      return bad_target("an encoded slash or backslash in the path is refused");
    }
    if (is_unreserved(value)) {
      out_[size_++] = static_cast<char>(value);
      return {};
    }
    constexpr char kDigits[] = "0123456789ABCDEF";
    out_[size_++] = '%';
    out_[size_++] = kDigits[high];
    out_[size_++] = kDigits[low];
    return {};
  }

  /// Resolves the segment that was written from `start` on.
  Status close_segment(std::size_t start, bool last) {
    std::string_view segment(out_ + start, size_ - start);
    if (segment.empty()) return close_empty(last);
    if (segment == ".") {
      size_ = start;
    } else if (segment == "..") {
      if (start == 1) return bad_target("the path climbs above the root");
      size_ = start - 1;
      while (out_[size_ - 1] != '/') --size_;
    } else if (hides_dots(segment)) {
      return bad_target("dots beside a semicolon in the path are refused");
    } else if (!last) {
      out_[size_++] = '/';
    }
    return {};
  }

  Status close_empty(bool last) {
    if (last) return {};  // a trailing slash, which is there already
    if (options_.double_slash == DoubleSlash::refuse) {
      return bad_target("an empty segment in the path is refused");
    }
    if (options_.double_slash == DoubleSlash::keep) out_[size_++] = '/';
    return {};
  }

  char* out_;
  std::size_t size_ = 0;
  TargetOptions options_;
};

Status check_query(std::string_view query) {
  for (char c : query) {
    if (!kQuery[static_cast<unsigned char>(c)]) [[unlikely]]
      return bad_target(why_refused(c));
  }
  return {};
}

/// `text` is path and query of an origin-form or absolute-form target; begins with "/".
Status parse_path_query(std::string_view text, Target& target, Arena& arena,
                        TargetOptions options) {
  PathScan scan = scan_normal(text);
  std::size_t end = scan.normal ? scan.end : text.find('?');
  if (end == std::string_view::npos) end = text.size();
  if (end < text.size()) {
    target.query = text.substr(end + 1);
    if (Status ok = check_query(target.query); !ok) return ok;
  }
  target.raw_path = text.substr(0, end);
  if (scan.normal) {
    target.path = target.raw_path;
    target.path_query = text;
    return {};
  }
  char* out = arena.allocate(text.size());
  Normaliser normaliser(out, options);
  if (Status ok = normaliser.run(target.raw_path); !ok) return ok;
  std::size_t size = normaliser.size();
  target.path = {out, size};
  std::memcpy(out + size, text.data() + end, text.size() - end);
  target.path_query = {out, size + text.size() - end};
  return {};
}

/// The scheme without "://", or empty for anything but http and https.
std::string_view known_scheme(std::string_view text) {
  auto begins = [&](std::string_view prefix) {
    if (text.size() < prefix.size()) return false;
    for (std::size_t i = 0; i < prefix.size(); ++i) {
      char c = text[i];
      if (((c >= 'A' && c <= 'Z') ? static_cast<char>(c | 0x20) : c) != prefix[i]) return false;
    }
    return true;
  };
  if (begins("http://")) return "http";
  if (begins("https://")) return "https";
  return {};
}

Result<Target> parse_absolute(std::string_view text, Arena& arena, TargetOptions options) {
  Target target{.form = TargetForm::absolute, .scheme = known_scheme(text), .raw = text};
  if (target.scheme.empty()) return bad_target("the target is neither a path nor an http URL");
  std::string_view rest = text.substr(target.scheme.size() + 3);
  std::size_t end = rest.find_first_of("/?#");
  if (end == std::string_view::npos) end = rest.size();
  Result<Authority> authority = parse_authority(rest.substr(0, end), arena);
  if (!authority) return fail(authority.error());
  target.authority = *authority;
  std::string_view path_query = rest.substr(end);
  if (!path_query.empty() && path_query[0] == '#') return bad_target(why_refused('#'));
  bool no_path = path_query.empty() || path_query[0] == '?';
  if (no_path) path_query = path_query.empty() ? "/" : arena.concat({"/", path_query});
  if (Status ok = parse_path_query(path_query, target, arena, options); !ok) {
    return fail(ok.error());
  }
  if (no_path) target.raw_path = {};
  return target;
}

Result<Target> parse_connect(std::string_view text, Arena& arena) {
  Result<Authority> authority = parse_authority(text, arena);
  if (!authority) return fail(authority.error());
  if (authority->port == 0) return bad_target("CONNECT needs host:port");
  return Target{.form = TargetForm::authority, .authority = *authority, .raw = text};
}

}  // namespace

TargetRule target_rule(std::string_view method) {
  if (method == "CONNECT") return TargetRule::connect;
  if (method == "OPTIONS") return TargetRule::options;
  return TargetRule::ordinary;
}

Result<Target> parse_target(std::string_view text, TargetRule rule, Arena& arena,
                            TargetOptions options) {
  if (text.empty()) return bad_target("the target is empty");
  if (rule == TargetRule::connect) return parse_connect(text, arena);
  if (text[0] == '/') [[likely]] {
    Result<Target> target;  // filled in place: it is large
    target->raw = text;
    if (Status ok = parse_path_query(text, *target, arena, options); !ok) return fail(ok.error());
    return target;
  }
  if (text == "*") {
    if (rule != TargetRule::options) return bad_target("only OPTIONS may ask for *");
    return Target{.form = TargetForm::asterisk,
                  .raw = text,
                  .raw_path = text,
                  .path = text,
                  .path_query = text};
  }
  return parse_absolute(text, arena, options);
}

Result<std::string_view> normalise_path(std::string_view path, Arena& arena,
                                        TargetOptions options) {
  if (path.empty() || path[0] != '/') return bad_target("a path begins with a slash");
  if (path.find('?') != std::string_view::npos) return bad_target("a path has no query");
  if (scan_normal(path).normal) return path;
  char* out = arena.allocate(path.size());
  Normaliser normaliser(out, options);
  if (Status ok = normaliser.run(path); !ok) return fail(ok.error());
  return std::string_view(out, normaliser.size());
}

}  // namespace weir

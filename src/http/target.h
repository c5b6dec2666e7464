// The request target: checked, and its path normalised once, before anything is decided on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/arena.h"
#include "core/result.h"
#include "http/authority.h"

namespace weir {

/// The four forms of RFC 9112 3.2.
enum class TargetForm : std::uint8_t { origin, absolute, authority, asterisk };

/// Which forms a method allows: authority only for CONNECT, asterisk only for OPTIONS.
enum class TargetRule : std::uint8_t { ordinary, connect, options };

TargetRule target_rule(std::string_view method);

/// What becomes of empty segments (`//`).
enum class DoubleSlash : std::uint8_t {
  merge,   ///< one slash, in what is matched and in what is forwarded
  keep,    ///< as it is, for origins that tell `a//b` and `a/b` apart (object stores)
  refuse,  ///< bad_target
};

/// What becomes of `%2F` and `%5C`, which some origins decode into separators.
enum class EncodedSlash : std::uint8_t {
  refuse,  ///< bad_target
  keep,    ///< stays encoded, in what is matched and in what is forwarded
};

struct TargetOptions {
  DoubleSlash double_slash = DoubleSlash::merge;
  EncodedSlash encoded_slash = EncodedSlash::refuse;
};

/// A checked target. `path` is what routes and policies see and what is forwarded; nothing else
/// of the target's path may be used for a decision.
struct Target {
  TargetForm form = TargetForm::origin;
  std::string_view scheme;  ///< "http" or "https" in absolute form, else empty
  Authority authority;      ///< absolute and authority form
  std::string_view raw;     ///< the whole target as received, for logs only
  std::string_view
      raw_path;            ///< the path as received, for logs only; may be empty in absolute form
  std::string_view path;   ///< normalised, begins with "/"; "*" in asterisk form; empty for CONNECT
  std::string_view query;  ///< as received, without the "?"
  std::string_view path_query;  ///< path and query as they are forwarded, in one piece

  /// Tells `/a?` from `/a`.
  bool has_query() const { return path_query.size() > path.size(); }
};

/// Parses a request target (RFC 9112 3.2, RFC 3986) of HTTP/1, or the `:path` of HTTP/2.
///
/// The path: unreserved characters are decoded, the hex of what stays encoded is upper case, `.`
/// and `..` segments are resolved, empty segments go by `options`. Doubly encoded text stays as
/// it is (`%252f`). The query is checked and otherwise left alone.
///
/// Refused with bad_target: spaces, controls, bytes above 0x7e, fragments, broken
/// percent-encoding in the path, `%00`, backslashes, `%2F` and `%5C` (option), segments above
/// the root, `.` or `..` beside a `;` (`..;/`), schemes other than http and https, forms that the
/// method does not allow. Refused with bad_host: what parse_authority refuses.
///
/// The views point into `text` when it is normal already, else into `arena`. Linear time; the
/// caller bounds the length of `text`.
Result<Target> parse_target(std::string_view text, TargetRule rule, Arena& arena,
                            TargetOptions options = {});

/// Normalises a path alone (begins with "/", no query): route patterns and rewritten paths pass
/// through here, so that they can be equal to what requests carry.
Result<std::string_view> normalise_path(std::string_view path, Arena& arena,
                                        TargetOptions options = {});

}  // namespace weir

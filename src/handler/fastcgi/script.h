// Which script answers a path.
#pragma once

#include <string>
#include <string_view>

#include "core/arena.h"

namespace weir {

/// Where scripts are, and what is one.
struct ScriptRules {
  std::string root;      // directory, absolute
  std::string split;     // ending of scripts
  std::string index;     // name of the script of a directory
  std::string fallback;  // path of the script for all else, without "/" in front; empty: none
};

struct Script {
  std::string_view path;  // below the root, no "/" in front; a regular file
  std::string_view info;  // PATH_INFO: empty, or "/" and what follows
};

/// A path below the root parted at the first occurrence of `ending` at the end of a segment: the
/// script up to there, the rest behind it. `path` empty: there is none.
Script split_script(std::string_view path, std::string_view ending);

struct ScriptLookup {
  enum class Kind : std::uint8_t {
    script,
    directory,  // a directory with an index, asked for without the slash behind it
    missing,    // also what may not be reached
    failed      // the system could not look: `error`, of errno
  };
  Kind kind = Kind::missing;
  Script script{};
  int error = 0;
};

/// `path` is decoded and clean (http/file_path.h). Whatever it is split into, the script is a
/// regular file below the root, links included: for `/a.png/x.php` there is no file `a.png/x.php`,
/// and `a.png` is never run. Makes a few system calls. Texts are in the arena, in `path` or in
/// `rules`.
ScriptLookup find_script(const ScriptRules& rules, std::string_view path, Arena& arena);

}  // namespace weir

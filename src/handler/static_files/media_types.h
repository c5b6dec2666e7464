// Media types by the ending of a file's name.
#pragma once

#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "config/schema.h"

namespace weir {

/// Of text in UTF-8 the type says so: browsers would guess.
class MediaTypes {
 public:
  /// What a file in the form of /etc/mime.types says, and beside it the common types that it does
  /// not know. A file that is not there says nothing.
  static MediaTypes from_file(const std::string& path);

  /// Those of this system, read when they are first asked for.
  static const MediaTypes& system();

  /// By what follows the last dot of the last segment, in any case of letters;
  /// application/octet-stream for what is not known.
  std::string_view of(std::string_view path) const;
  /// The same, or empty.
  std::string_view find(std::string_view ending) const;

 private:
  void read_line(std::string_view line);
  void add(std::string_view ending, std::string_view type);

  absl::flat_hash_map<std::string, std::string> types_;
};

/// What follows the last dot in the last segment of `path`; empty if there is none.
std::string_view ending_of(std::string_view path);

}  // namespace weir

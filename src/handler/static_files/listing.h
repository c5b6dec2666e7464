// What a directory holds, as a page for people and as JSON for programs.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "io/files/root.h"

namespace weir {

struct ListedFile {
  std::string name;
  bool directory = false;
  std::uint64_t size = 0;
  std::int64_t modified = 0;  // seconds since 1970
};

struct Listing {
  /// Of larger directories only so many are shown: reading them would hold up other requests.
  static constexpr std::size_t kMost = 2000;

  std::vector<ListedFile> files;  // directories first, each by name
  bool complete = true;
};

/// Regular files and directories that would be served. `path` is that of `directory`: empty, or
/// ending in "/". Errors of errno.
std::expected<Listing, int> list_directory(const Root& root, const std::string& path,
                                           Symlinks symlinks, bool hidden);

/// `title` is shown; with `parent` there is a link to what is above. All names are escaped.
std::string listing_html(const Listing& listing, std::string_view title, bool parent);
std::string listing_json(const Listing& listing);

}  // namespace weir

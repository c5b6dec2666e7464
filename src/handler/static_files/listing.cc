#include "handler/static_files/listing.h"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <tuple>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "http/date.h"

namespace weir {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

constexpr std::string_view kStyle =
    "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:52em;margin:2em auto;padding:0 1em;"
    "color:#223}table{width:100%;border-collapse:collapse}td{padding:.15em .5em}"
    "td+td{text-align:right;color:#778;white-space:nowrap}a{text-decoration:none}"
    "@media(prefers-color-scheme:dark){body{background:#181a20;color:#dde}a{color:#8af}}</style>";

void append_html(std::string& out, std::string_view text) {
  for (char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
}

// A segment of a path: all but unreserved characters is encoded (RFC 3986, 2.3).
void append_segment(std::string& out, std::string_view name) {
  for (char c : name) {
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::string_view kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 1024 && unit + 1 < std::size(kUnits); ++unit) size /= 1024;
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", size, kUnits[unit]);
}

std::string date_text(std::int64_t seconds) {
  std::string text(kHttpDateSize, '\0');
  write_http_date(seconds, text.data());
  return text;
}

}  // namespace

std::expected<Listing, int> list_directory(const Root& root, const std::string& path,
                                           Symlinks symlinks, bool hidden) {
  auto found = root.find(path, symlinks, hidden);
  if (!found) return std::unexpected(found.error());
  int copy = ::fcntl(found->file.get(), F_DUPFD_CLOEXEC, 0);
  std::unique_ptr<DIR, CloseDirectory> directory(copy < 0 ? nullptr : ::fdopendir(copy));
  if (!directory) return std::unexpected(errno);
  Listing listing;
  while (const dirent* entry = ::readdir(directory.get())) {
    std::string name = entry->d_name;
    if (name == "." || name == ".." || (!hidden && is_hidden(path + name))) continue;
    if (listing.files.size() == Listing::kMost) {
      listing.complete = false;
      break;
    }
    struct stat status{};
    if (::fstatat(found->file.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISLNK(status.st_mode)) {
      auto behind = root.find(path + name, symlinks, hidden);
      if (!behind) continue;
      status = behind->status;
    }
    bool is_directory = S_ISDIR(status.st_mode);
    if (!is_directory && !S_ISREG(status.st_mode)) continue;
    auto size = is_directory ? 0 : static_cast<std::uint64_t>(status.st_size);
    listing.files.push_back({std::move(name), is_directory, size, status.st_mtim.tv_sec});
  }
  std::ranges::sort(listing.files, {}, [](const ListedFile& file) {
    return std::tuple(!file.directory, std::string_view(file.name));
  });
  return listing;
}

std::string listing_html(const Listing& listing, std::string_view title, bool parent) {
  std::string page =
      "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>";
  append_html(page, title);
  page.append("</title>\n").append(kStyle).append("\n<h1>");
  append_html(page, title);
  page += "</h1>\n<table>\n";
  if (parent) page += "<tr><td><a href=\"../\">../</a><td><td>\n";
  for (const ListedFile& file : listing.files) {
    std::string_view slash = file.directory ? "/" : "";
    page += "<tr><td><a href=\"./";  // so that no name can be taken for a scheme
    append_segment(page, file.name);
    page.append(slash).append("\">");
    append_html(page, file.name);
    page.append(slash).append("</a><td>");
    page += file.directory ? std::string() : size_text(file.size);
    page.append("<td>").append(date_text(file.modified)).append("\n");
  }
  page += "</table>\n";
  if (!listing.complete) page += fmt::format("<p>Only {} are shown.</p>\n", Listing::kMost);
  return page + "</html>\n";
}

std::string listing_json(const Listing& listing) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const ListedFile& file : listing.files) {
    nlohmann::ordered_json entry = {{"name", file.name},
                                    {"type", file.directory ? "directory" : "file"}};
    if (!file.directory) entry["size"] = file.size;
    entry["modified"] = file.modified;
    files.push_back(std::move(entry));
  }
  nlohmann::ordered_json all = {{"files", std::move(files)}, {"complete", listing.complete}};
  // Names are bytes; what is no UTF-8 in them cannot be said in JSON.
  return all.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace weir

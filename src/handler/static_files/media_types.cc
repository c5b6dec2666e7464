#include "handler/static_files/media_types.h"

#include <fstream>
#include <iterator>

#include "http/syntax.h"

namespace weir {
namespace {

// For systems without a table, and for what its table does not know. The last columns of a modern
// site: fonts, images, modules.
constexpr std::string_view kCommon[] = {
    "text/html html htm",
    "text/css css",
    "text/javascript js mjs",
    "text/plain txt text log",
    "text/csv csv",
    "text/markdown md",
    "text/xml xml",
    "application/json json map",
    "application/ld+json jsonld",
    "application/manifest+json webmanifest",
    "application/wasm wasm",
    "application/pdf pdf",
    "application/zip zip",
    "application/gzip gz",
    "application/atom+xml atom",
    "application/rss+xml rss",
    "image/avif avif",
    "image/gif gif",
    "image/jpeg jpeg jpg",
    "image/png png",
    "image/svg+xml svg",
    "image/webp webp",
    "image/vnd.microsoft.icon ico",
    "font/woff woff",
    "font/woff2 woff2",
    "font/ttf ttf",
    "font/otf otf",
    "audio/mpeg mp3",
    "audio/ogg ogg",
    "video/mp4 mp4",
    "video/webm webm",
};

constexpr std::string_view kSystemTable = "/etc/mime.types";
constexpr std::string_view kUnknown = "application/octet-stream";

bool is_text(std::string_view type) {
  return type.starts_with("text/") || type == "application/javascript";
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view next_word(std::string_view& line) {
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  std::size_t size = 0;
  while (size < line.size() && !is_blank(line[size])) ++size;
  std::string_view word = line.substr(0, size);
  line.remove_prefix(size);
  return word;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = ascii_lower(c);
  return result;
}

}  // namespace

std::string_view ending_of(std::string_view path) {
  std::string_view name = path.substr(path.rfind('/') + 1);
  std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

MediaTypes MediaTypes::from_file(const std::string& path) {
  MediaTypes types;
  std::ifstream file(path, std::ios::binary);
  for (std::string line; std::getline(file, line);) types.read_line(line);
  for (std::string_view line : kCommon) types.read_line(line);
  return types;
}

const MediaTypes& MediaTypes::system() {
  static const MediaTypes types = from_file(std::string(kSystemTable));
  return types;
}

void MediaTypes::read_line(std::string_view line) {
  line = line.substr(0, line.find('#'));
  std::string_view type = next_word(line);
  if (type.find('/') == std::string_view::npos || !is_field_value(type)) return;
  for (std::string_view ending = next_word(line); !ending.empty(); ending = next_word(line)) {
    add(ending, type);
  }
}

// The first one counts.
void MediaTypes::add(std::string_view ending, std::string_view type) {
  std::string whole(type);
  if (is_text(type)) whole += "; charset=utf-8";
  types_.emplace(lower(ending), std::move(whole));
}

std::string_view MediaTypes::find(std::string_view ending) const {
  auto found = types_.find(lower(ending));
  return found == types_.end() ? std::string_view() : std::string_view(found->second);
}

std::string_view MediaTypes::of(std::string_view path) const {
  std::string_view type = find(ending_of(path));
  return type.empty() ? kUnknown : type;
}

}  // namespace weir

// The options of `static_files`.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/schema.h"
#include "config/values.h"
#include "http/file_path_config.h"
#include "io/files/root.h"

namespace weir {

constexpr auto enum_names(Symlinks) {
  return std::array{
      config::Name{"beneath", Symlinks::beneath, "Followed as long as they stay below the root."},
      config::Name{"refuse", Symlinks::refuse, "A path with one in it does not exist."},
      config::Name{"follow", Symlinks::follow, "Followed wherever they lead."}};
}

// The coding of a file that lies beside another.
enum class Precompressed : std::uint8_t { br, zstd, gzip };

constexpr auto enum_names(Precompressed) {
  return std::array{config::Name{"br", Precompressed::br, "`NAME.br`, Brotli."},
                    config::Name{"zstd", Precompressed::zstd, "`NAME.zst`, Zstandard."},
                    config::Name{"gzip", Precompressed::gzip, "`NAME.gz`."}};
}

// Refuses a name with a slash in it.
std::optional<config::Problem> check_file_name(std::string_view text);
// Refuses what is no ending of a file's name.
std::optional<config::Problem> check_ending(std::string_view text);

// Limits of what each worker keeps of files that are asked for again and again.
struct OpenFilesConfig {
  std::uint32_t files = 1000;
  config::ByteSize memory = config::mebibytes(16);
  config::Duration recheck = std::chrono::seconds(1);

  static constexpr auto schema = config::object(
      "open files", "What each worker keeps of files that are asked for again and again.",
      config::field<&OpenFilesConfig::files>(
          "files", "Files at most; the one that was not asked for longest goes first.",
          config::range(1, 1'000'000)),
      config::field<&OpenFilesConfig::memory>(
          "memory", "Bytes at most of small files (up to 32 KiB) that are kept in memory."),
      config::field<&OpenFilesConfig::recheck>(
          "recheck",
          "How long a file may have been replaced or removed before that is noticed; 0 looks at "
          "every request.",
          config::range(std::chrono::milliseconds(0), std::chrono::hours(1))));
};

struct StaticFilesConfig {
  config::Located<std::string> root;
  std::string strip_prefix;
  std::vector<std::string> index{"index.html"};
  std::string fallback;
  bool listing = false;
  bool hidden = false;
  Symlinks symlinks = Symlinks::beneath;
  std::vector<Precompressed> precompressed;
  config::Map<std::string> types;
  config::Map<std::string> cache_control;
  OpenFilesConfig open_files;

  static constexpr auto schema = config::object(
      "static_files", "Serves the files below a directory.",
      config::field<&StaticFilesConfig::root>(
          "root", "The directory. One that is replaced, by a link for example, is noticed.",
          config::required, config::shorthand, config::not_empty, config::file_path,
          config::example("./public")),
      config::field<&StaticFilesConfig::strip_prefix>(
          "strip_prefix", "Path prefix to remove before a file is looked for.",
          config::check(&check_file_path), config::example("/static")),
      config::field<&StaticFilesConfig::index>(
          "index", "Files that stand for their directory; the first that exists.",
          config::one_or_many, config::not_empty, config::check(&check_file_name)),
      config::field<&StaticFilesConfig::fallback>(
          "fallback",
          "File below the root that answers where there is none, with status 200: the page of a "
          "single-page app. For paths whose last part has no dot, and for clients that ask for "
          "HTML.",
          config::check(&check_file_path), config::example("/index.html")),
      config::field<&StaticFilesConfig::listing>(
          "listing",
          "Show what a directory without an index holds: HTML for clients that ask for it, JSON "
          "for all others."),
      config::field<&StaticFilesConfig::hidden>(
          "hidden", "Serve names that begin with a dot. `/.well-known/` is served in any case."),
      config::field<&StaticFilesConfig::symlinks>("symlinks", "What symbolic links are good for."),
      config::field<&StaticFilesConfig::precompressed>(
          "precompressed",
          "Send a compressed file that lies beside the one asked for, and is not older, to clients "
          "that take it; the first is preferred.",
          config::one_or_many, config::example("[br, gzip]")),
      config::field<&StaticFilesConfig::types>(
          "types", "Media types by the ending of names, before those of the system.",
          config::check_key(&check_ending), config::not_empty,
          config::example("{ .md: \"text/markdown; charset=utf-8\" }")),
      config::field<&StaticFilesConfig::cache_control>(
          "cache_control",
          "`Cache-Control` by file: `*` stands for any text; a pattern that begins with `/` is "
          "for the whole path below the root, others for the name. The first that fits is sent.",
          config::not_empty,
          config::example("{ \"/assets/*\": \"public, max-age=31536000, immutable\" }")),
      config::field<&StaticFilesConfig::open_files>("open_files",
                                                    "What each worker keeps of files."));
};

}  // namespace weir

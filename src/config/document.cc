#include "config/document.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace weir::config {
namespace {

// The whole of a descriptor up to one byte more than the limit; an errno, or 0.
int slurp(int fd, std::size_t limit, std::string& into) {
  char buffer[65536];
  while (into.size() <= limit) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count == 0) return 0;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    into.append(buffer, static_cast<std::size_t>(count));
  }
  return 0;
}

}  // namespace

std::optional<Document> read_file(const std::string& path, Diagnostics& diagnostics) {
  std::string text;
  const bool standard_input = path == "-";
  const int fd = standard_input ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const int failed = fd < 0 ? errno : slurp(fd, YamlLimits{}.bytes, text);
  if (fd >= 0 && !standard_input) ::close(fd);
  if (failed != 0) {
    const std::uint32_t file = diagnostics.add_source(path, "");
    diagnostics.error({file}, Code::unreadable_file,
                      fmt::format("cannot read the file: {}", std::strerror(failed)));
    return std::nullopt;
  }
  Document document = read_text(standard_input ? "<stdin>" : path, std::move(text), diagnostics);
  std::error_code unknown;  // the working directory is gone: paths stay as they are
  if (!standard_input) {
    document.directory = std::filesystem::absolute(path, unknown).parent_path().string();
  }
  return document;
}

Document read_text(std::string name, std::string text, Diagnostics& diagnostics,
                   const YamlLimits& limits) {
  const std::uint32_t file = diagnostics.add_source(std::move(name), std::move(text));
  return {file, Tree::read(diagnostics.source(file)->text, file, diagnostics, limits)};
}

}  // namespace weir::config

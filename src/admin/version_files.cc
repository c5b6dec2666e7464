#include "admin/version_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "config/json_document.h"

namespace weir {
namespace {

using config::Json;
using Done = std::expected<void, std::string>;

constexpr std::string_view kSuffix = ".json";
constexpr std::string_view kUnfinished = ".tmp";
constexpr std::size_t kMostBytes = 64u << 20;  // of one file

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<std::string> failed(const std::string& what) {
  return std::unexpected(fmt::format("{}: {}", what, std::strerror(errno)));
}

std::string file_name(std::uint64_t number) { return fmt::format("{:012}{}", number, kSuffix); }

// It holds secrets: whoever could write there would choose what the process serves.
Done check_directory(int fd, const std::string& directory) {
  struct stat facts{};
  if (::fstat(fd, &facts) != 0) return failed(directory);
  if ((facts.st_mode & (S_IWGRP | S_IWOTH)) == 0) return {};
  return std::unexpected(directory + ": others than its owner may write there");
}

int open_directory(const std::string& directory) {
  return ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

std::string text_of(const ConfigVersion& version) {
  Json head = {{"format", 1},      {"version", version.number},
               {"at", version.at}, {"origin", name(version.origin)},
               {"of", version.of}, {"file", version.file}};
  std::string text = head.dump();
  text.pop_back();
  return text + ",\"config\":" + version.config + "}\n";
}

Done write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(path);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

// Other processes' versions are not overwritten: two of them in one directory would each take the
// other's for its own.
Done put_in_place(int directory, const std::string& unfinished, const std::string& name) {
  if (::renameat2(directory, unfinished.c_str(), directory, name.c_str(), RENAME_NOREPLACE) != 0) {
    return failed(name);
  }
  if (::fsync(directory) == 0) return {};
  auto why = failed(name);
  ::unlinkat(directory, name.c_str(), 0);
  return why;
}

std::expected<VersionPointer, std::string> version_of(std::string_view text) {
  auto read = config::read_json(text);
  if (!read) return std::unexpected(read.error());
  try {
    const Json& json = *read;
    if (json.at("format") != 1) return std::unexpected("it was written by another version of Weir");
    auto version = std::make_shared<ConfigVersion>();
    version->number = json.at("version").get<std::uint64_t>();
    version->at = json.at("at").get<std::int64_t>();
    version->of = json.at("of").get<std::uint64_t>();
    version->file = json.at("file").get<std::string>();
    auto origin = json.at("origin").get<std::string>();
    for (auto known : {VersionOrigin::file, VersionOrigin::api, VersionOrigin::rollback}) {
      if (origin == name(known)) version->origin = known;
    }
    version->config = json.at("config").dump();
    return version;
  } catch (const Json::exception& wrong) {
    return std::unexpected(wrong.what());
  }
}

std::expected<std::string, std::string> read_whole(int directory, const std::string& name) {
  Descriptor file(::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (file.get() < 0) return std::unexpected(std::strerror(errno));
  std::string text;
  char buffer[65536];
  while (text.size() <= kMostBytes) {
    ssize_t count = ::read(file.get(), buffer, sizeof buffer);
    if (count == 0) return text;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected(std::strerror(errno));
    text.append(buffer, static_cast<std::size_t>(count));
  }
  return std::unexpected("it is too large");
}

std::vector<std::string> names_in(int directory) {
  std::vector<std::string> names;
  DIR* listing = ::fdopendir(::fcntl(directory, F_DUPFD_CLOEXEC, 0));
  if (listing == nullptr) return names;
  while (const dirent* entry = ::readdir(listing)) names.emplace_back(entry->d_name);
  ::closedir(listing);
  std::ranges::sort(names);
  return names;
}

}  // namespace

Done keep_version(const std::string& directory, const ConfigVersion& version) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return failed(directory);
  Descriptor place(open_directory(directory));
  if (place.get() < 0) return failed(directory);
  if (Done checked = check_directory(place.get(), directory); !checked) return checked;
  std::string name = file_name(version.number);
  std::string unfinished = name + std::string(kUnfinished);
  ::unlinkat(place.get(), unfinished.c_str(), 0);
  Descriptor file(::openat(place.get(), unfinished.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  std::string path = directory + "/" + name;
  if (file.get() < 0) return failed(path);
  Done done = write_all(file.get(), text_of(version), path);
  if (done && ::fsync(file.get()) != 0) done = failed(path);
  if (done) done = put_in_place(place.get(), unfinished, name);
  if (!done) ::unlinkat(place.get(), unfinished.c_str(), 0);
  return done;
}

void forget_version(const std::string& directory, std::uint64_t number) {
  ::unlink((directory + "/" + file_name(number)).c_str());
}

KeptVersions read_versions(const std::string& directory) {
  KeptVersions kept;
  Descriptor place(open_directory(directory));
  if (place.get() < 0) {
    if (errno != ENOENT) kept.problems.push_back(failed(directory).error());
    return kept;
  }
  if (Done checked = check_directory(place.get(), directory); !checked) {
    kept.problems.push_back(checked.error());
    return kept;
  }
  for (const std::string& name : names_in(place.get())) {
    if (name.ends_with(kUnfinished)) ::unlinkat(place.get(), name.c_str(), 0);
    if (!name.ends_with(kSuffix)) continue;
    std::uint64_t number = 0;
    std::from_chars(name.data(), name.data() + name.size(), number);
    kept.last_number = std::max(kept.last_number, number);
    auto text = read_whole(place.get(), name);
    auto version = text ? version_of(*text) : std::unexpected(text.error());
    if (version && file_name((*version)->number) != name) version = std::unexpected("misnamed");
    if (version) {
      kept.versions.push_back(std::move(*version));
    } else {
      kept.problems.push_back(fmt::format("{}/{}: {}", directory, name, version.error()));
    }
  }
  return kept;
}

}  // namespace weir

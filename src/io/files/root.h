// The directory below which files are opened, and nothing else.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

/// What symbolic links below a root are good for.
enum class Symlinks : std::uint8_t {
  beneath,  ///< followed as long as they stay below the root
  refuse,   ///< a path with one in it does not exist
  follow    ///< followed wherever they lead
};

/// Whether a segment begins with a dot, but for ".well-known" at the beginning (RFC 8615).
bool is_hidden(std::string_view file_path);

/// Owns a descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();
  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }

 private:
  int number_;
};

/// Which of two directory entries, or states of a file, this is.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t modified = 0;  // nanoseconds since 1970
  std::int64_t changed = 0;

  static FileIdentity of(const struct stat& status);
  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

struct Found {
  Descriptor file;
  struct stat status{};
};

/// All errors are of errno.
class Root {
 public:
  static std::expected<Root, int> open(const std::string& path);

  /// A regular file or a directory, for reading. `path` has no "/" in front and no ".."; empty is
  /// the root itself. The kernel keeps the way below the root (openat2(2)). What is found behind a
  /// link has its own name: without `hidden` that must not begin with a dot either.
  std::expected<Found, int> find(const std::string& path, Symlinks symlinks, bool hidden) const {
    return find(path, symlinks, hidden, Use::read);
  }
  /// The same without the right to read it: the descriptor is good for asking only (O_PATH).
  std::expected<Found, int> look(const std::string& path, Symlinks symlinks, bool hidden) const {
    return find(path, symlinks, hidden, Use::look);
  }

  /// Whether the path still leads to this directory.
  bool is_at(const std::string& path) const;

 private:
  enum class Use : std::uint8_t { read, look };

  Root(Descriptor directory, const struct stat& status);
  std::expected<Found, int> find(const std::string& path, Symlinks symlinks, bool hidden,
                                 Use use) const;
  static Descriptor open_below(int directory, const char* path, std::uint64_t resolve, Use use);
  bool leads_to_hidden(int file) const;

  Descriptor directory_;
  dev_t device_;
  ino_t inode_;
};

}  // namespace weir

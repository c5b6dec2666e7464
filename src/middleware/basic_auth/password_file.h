// A file of users and their password hashes.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace weir {

/// Immutable.
class PasswordFile {
 public:
  /// `name:hash` on each line; `#` begins a comment line. The error is for people and names the
  /// line.
  static std::expected<PasswordFile, std::string> parse(std::string_view text);
  /// The same for a file; 4 MiB at most.
  static std::expected<PasswordFile, std::string> read(const std::string& path);

  /// Null if there is no such user.
  const std::string* find(std::string_view user) const;
  /// What is compared for users that do not exist, so that they take as long: the hash of the first
  /// user of the file. The result means nothing.
  const std::string& decoy() const { return decoy_; }
  std::size_t size() const { return hashes_.size(); }

 private:
  std::map<std::string, std::string, std::less<>> hashes_;
  std::string decoy_;
};

}  // namespace weir

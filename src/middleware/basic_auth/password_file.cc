#include "middleware/basic_auth/password_file.h"

#include <fmt/format.h>

#include "http/syntax.h"
#include "io/tls/files.h"
#include "middleware/basic_auth/password_hash.h"

namespace weir {
namespace {

constexpr std::size_t kMostNameBytes = 255;

std::unexpected<std::string> wrong(std::size_t line, std::string_view why) {
  return std::unexpected(fmt::format("line {}: {}", line, why));
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kMostNameBytes && is_field_value(text) &&
         text.find('\t') == text.npos && text.front() != ' ' && text.back() != ' ';
}

}  // namespace

std::expected<PasswordFile, std::string> PasswordFile::parse(std::string_view text) {
  PasswordFile made;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    std::size_t colon = line.find(':');
    if (colon == line.npos) return wrong(number, "there is no colon between name and hash");
    std::string_view user = line.substr(0, colon);
    if (!is_name(user)) return wrong(number, "this is no name of a user");
    std::string hash(line.substr(colon + 1));
    if (auto good = check_password_hash(hash); !good) {
      return wrong(number, fmt::format("the user \"{}\": {}", user, good.error()));
    }
    if (made.decoy_.empty()) made.decoy_ = hash;
    if (!made.hashes_.emplace(user, std::move(hash)).second) {
      return wrong(number, fmt::format("the user \"{}\" stands here twice", user));
    }
  }
  if (made.hashes_.empty()) return std::unexpected("it has no users");
  return made;
}

std::expected<PasswordFile, std::string> PasswordFile::read(const std::string& path) {
  std::expected<std::string, std::string> text = read_small_file(path);
  if (!text) return std::unexpected(text.error());
  return parse(*text);
}

const std::string* PasswordFile::find(std::string_view user) const {
  auto found = hashes_.find(user);
  return found == hashes_.end() ? nullptr : &found->second;
}

}  // namespace weir

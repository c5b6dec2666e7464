#include "middleware/basic_auth/password_hash.h"

#include <argon2.h>
#include <crypt.h>
#include <openssl/crypto.h>

#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

namespace weir {
namespace {

constexpr int kMostBcryptCost = 14;
constexpr std::uint32_t kMostArgon2Kibibytes = 256 * 1024;
constexpr std::uint32_t kMostArgon2Passes = 16;
constexpr std::uint32_t kMostRounds = 1'000'000;
constexpr std::size_t kMostBytes = 512;

bool is_argon2(std::string_view hash) {
  return hash.starts_with("$argon2id$") || hash.starts_with("$argon2i$");
}

// The number behind `name`, such as "m=", up to what is no digit.
std::optional<std::uint32_t> number_behind(std::string_view hash, std::string_view name) {
  std::size_t at = hash.find(name);
  if (at == hash.npos) return std::nullopt;
  std::string_view digits = hash.substr(at + name.size());
  std::uint32_t number = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end == digits.data()) return std::nullopt;
  return number;
}

std::expected<void, std::string> check_argon2(std::string_view hash) {
  auto memory = number_behind(hash, "$m="), passes = number_behind(hash, ",t=");
  if (!memory || !passes) return std::unexpected("its Argon2 hash is broken");
  if (*memory > kMostArgon2Kibibytes || *passes > kMostArgon2Passes) {
    return std::unexpected("its Argon2 hash needs more than 256 MiB or 16 passes");
  }
  return {};
}

std::expected<void, std::string> check_crypt(std::string_view hash) {
  if (hash.starts_with("$2")) {
    if (hash.size() != 60 || number_behind(hash.substr(3), "$").value_or(99) > kMostBcryptCost) {
      return std::unexpected("its bcrypt hash is broken, or has a cost above 14");
    }
  } else if (!hash.starts_with("$y$") &&
             number_behind(hash, "$rounds=").value_or(0) > kMostRounds) {
    return std::unexpected("its hash has more than 1000000 rounds");
  }
  if (crypt_checksalt(std::string(hash).c_str()) == CRYPT_SALT_INVALID) {
    return std::unexpected("its hash is broken");
  }
  return {};
}

}  // namespace

std::expected<void, std::string> check_password_hash(std::string_view hash) {
  if (hash.size() > kMostBytes) return std::unexpected("its hash is longer than 512 bytes");
  if (is_argon2(hash)) return check_argon2(hash);
  for (std::string_view method : {"$2a$", "$2b$", "$2y$", "$y$", "$6$", "$5$"}) {
    if (hash.starts_with(method)) return check_crypt(hash);
  }
  return std::unexpected(
      "its password is hashed with a method that is not known, or fast to try out");
}

bool is_password_of(const std::string& hash, const std::string& password) {
  if (is_argon2(hash)) {
    argon2_type type = hash.starts_with("$argon2id$") ? Argon2_id : Argon2_i;
    return argon2_verify(hash.c_str(), password.data(), password.size(), type) == ARGON2_OK;
  }
  auto data = std::make_unique<crypt_data>();  // 32 KiB
  const char* found = crypt_r(password.c_str(), hash.c_str(), data.get());
  bool same = found != nullptr && std::strlen(found) == hash.size() &&
              CRYPTO_memcmp(found, hash.data(), hash.size()) == 0;
  OPENSSL_cleanse(data.get(), sizeof *data);
  return same;
}

}  // namespace weir

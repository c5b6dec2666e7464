// Password hashes: which are good enough, and whether a password is the one of a hash.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace weir {

/// The error says for people why a hash is not taken: methods that are fast to try out, and costs
/// that would hold a thread for more than about a second or take more than 256 MiB.
std::expected<void, std::string> check_password_hash(std::string_view hash);

/// Slow by design: a tenth of a second is usual. In constant time for one hash. `hash` has passed
/// the check.
bool is_password_of(const std::string& hash, const std::string& password);

}  // namespace weir

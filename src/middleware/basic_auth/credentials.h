// The credentials of the Basic scheme (RFC 7617).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir {

struct BasicCredentials {
  std::string user;
  std::string password;
};

/// Of the value of an Authorization field; nothing if it is of another scheme or not as the RFC has
/// it: exact Base64, a colon, a user, no control characters, 512 bytes at most.
std::optional<BasicCredentials> parse_basic_credentials(std::string_view value);

}  // namespace weir

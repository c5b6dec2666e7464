// The options of `basic_auth`.
#pragma once

#include <optional>
#include <string>

#include "config/parse.h"
#include "config/schema.h"
#include "config/values.h"
#include "http/header_edits_config.h"

namespace weir {

// Refuses what cannot stand in a quoted string of a header.
std::optional<config::Problem> check_realm(std::string_view text);

struct BasicAuthConfig {
  config::Located<std::string> file;
  std::string realm = "restricted";
  std::optional<std::string> user_header;
  config::Duration remember = std::chrono::minutes(1);
  std::optional<config::Rate> failures = config::Rate{10, std::chrono::minutes(1)};

  // A limit of nothing would let nobody in.
  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "basic_auth",
      "Asks clients for a user name and a password (RFC 7617). Passwords stand in a file as slow "
      "hashes and are compared on threads of their own. The name is in the log as `identity`; the "
      "origin does not get the Authorization field. 401 with the reason `auth_required`.",
      config::field<&BasicAuthConfig::file>(
          "file",
          "Users, one on each line: `name:hash`, as `htpasswd -B` writes them. Hashes: bcrypt, "
          "Argon2, yescrypt, SHA-512 or SHA-256 crypt. Read again with each reload.",
          config::required, config::shorthand, config::not_empty, config::file_path,
          config::example("users.htpasswd")),
      config::field<&BasicAuthConfig::realm>("realm", "What browsers show when they ask the user.",
                                             config::check(&check_realm)),
      config::field<&BasicAuthConfig::user_header>(
          "user_header",
          "A request header in which the origin gets the user's name; what a client sends in it is "
          "removed.",
          config::none("off"), config::check(&check_header_name), config::example("X-User")),
      config::field<&BasicAuthConfig::remember>(
          "remember",
          "How long each worker knows a right password without comparing it again; 0 compares at "
          "every request.",
          config::range(std::chrono::seconds(0), std::chrono::hours(1))),
      config::field<&BasicAuthConfig::failures>(
          "failures",
          "Wrong passwords of one client (an IPv6 client is its /64); 429 with the reason "
          "`auth_failures` above.",
          config::none("unlimited")));
};

}  // namespace weir

// From root to the user of the configuration, and what the system lets the process have.
#pragma once

#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>

#include "config/diagnostics.h"
#include "server/config.h"

namespace weir {

/// An entry of the system's user database.
struct Account {
  std::string name;
  uid_t user = 0;
  gid_t group = 0;
  bool net_admin = false;  // keeps CAP_NET_ADMIN: sockets take addresses that are not this host's
};

std::optional<Account> find_account(const std::string& name);

/// Reports an unknown `user`. Without the key, or when not started as root, there is nothing to
/// become and the result is empty.
std::optional<Account> account_to_become(const ServerConfig& config,
                                         config::Diagnostics& diagnostics);

/// Takes the account's groups and ids, for good. Only while the process has one thread, so that
/// none is ever served as root. The error says which step was refused.
std::expected<void, std::string> become(const Account& account);

/// Sets the limit that the configuration leaves to us from `descriptors`; warns if one that it
/// gives could use them up.
void settle_connection_limit(ServerConfig& config, std::size_t descriptors, unsigned workers,
                             config::Diagnostics& diagnostics);

}  // namespace weir

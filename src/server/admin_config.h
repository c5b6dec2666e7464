// What a configuration says about the admin listener.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "config/address.h"
#include "config/parse.h"
#include "config/schema.h"
#include "server/tls_config.h"

namespace weir {

struct AdminVersionsConfig {
  config::Located<std::string> directory;
  std::uint32_t keep = 100;

  static constexpr auto schema = config::object(
      "admin versions", "Earlier configurations, to compare and to go back to.",
      config::field<&AdminVersionsConfig::directory>(
          "directory",
          "Where they are kept over restarts, changes through the API included; not given: in "
          "memory alone. It holds secrets and must belong to the process alone.",
          config::file_path, config::example("/var/lib/weir/versions")),
      config::field<&AdminVersionsConfig::keep>("keep", "How many; the oldest go first.",
                                                config::range(1, 10000)));
};

struct AdminConfig {
  config::Located<config::Address> address;
  std::optional<ListenerTlsConfig> tls;
  config::Located<std::string> token_file;
  bool read_only = false;
  AdminVersionsConfig versions;

  // Refuses what other machines can reach unless they must show who they are.
  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "admin", "The admin listener: metrics, health, and the configuration, to read and to change.",
      config::field<&AdminConfig::address>(
          "address",
          "Where it listens: a loopback address or a Unix socket. Another address needs a "
          "`token_file`, or `tls` with a `client_auth` that requires certificates.",
          config::required, config::shorthand, config::any_port, config::example("127.0.0.1:9901")),
      config::field<&AdminConfig::tls>("tls", "TLS with its clients.", config::none("off")),
      config::field<&AdminConfig::token_file>(
          "token_file",
          "File with a secret of 16 characters or more that every request must bring as "
          "`Authorization: Bearer SECRET`. A reload reads it again.",
          config::file_path, config::example("/etc/weir/admin.token")),
      config::field<&AdminConfig::read_only>("read_only",
                                             "Nothing can be changed through this listener."),
      config::field<&AdminConfig::versions>(
          "versions", "Earlier configurations, to compare and to go back to."));
};

}  // namespace weir

// Stores: Redis servers by name, as a configuration writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cluster/tls_config.h"
#include "config/address.h"
#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct RedisConfig {
  config::Located<config::Address> address;
  std::string user;
  std::string password;
  std::optional<UpstreamTlsConfig> tls;
  std::uint32_t database = 0;
  config::Duration timeout = std::chrono::milliseconds(100);

  static constexpr auto schema = config::object(
      "redis", "A Redis server (5 or newer).",
      config::field<&RedisConfig::address>("address", "An IP address with its port, or a socket.",
                                           config::required, config::shorthand,
                                           config::example("127.0.0.1:6379")),
      config::field<&RedisConfig::user>("user", "Of Redis' access lists; empty: the default one."),
      config::field<&RedisConfig::password>("password", "Empty: none is sent.", config::secret),
      config::field<&RedisConfig::tls>("tls", "TLS with the server.", config::none("off")),
      config::field<&RedisConfig::database>("database", "Number of the database.",
                                            config::range(0, 1'000'000)),
      config::field<&RedisConfig::timeout>(
          "timeout",
          "How long an answer may take. A server that takes longer is away, until a new connection "
          "to it works.",
          config::range(std::chrono::milliseconds(1), std::chrono::seconds(60))));
};

struct StoreConfig {
  RedisConfig redis;

  static constexpr auto schema =
      config::object("store", "What several processes of Weir share.",
                     config::field<&StoreConfig::redis>("redis", "A Redis server.",
                                                        config::required, config::shorthand));
};

}  // namespace weir

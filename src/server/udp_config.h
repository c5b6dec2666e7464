// What a configuration says about a UDP listener.
#pragma once

#include <optional>
#include <string>

#include "config/address.h"
#include "config/parse.h"
#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct UdpLimitsConfig {
  std::uint32_t max_sessions = 65536;
  std::optional<std::uint32_t> max_sessions_per_client;

  static constexpr auto schema = config::object(
      "udp limits", "How much clients may ask for.",
      config::field<&UdpLimitsConfig::max_sessions>(
          "max_sessions",
          "Sessions of this listener. For one more, the oldest of those gives way whose client "
          "never said anything after it was sent something; if there is none, the datagram is "
          "dropped.",
          config::range(1, 10'000'000)),
      config::field<&UdpLimitsConfig::max_sessions_per_client>(
          "max_sessions_per_client",
          "Sessions of one client address; datagrams that would begin another one are dropped.",
          config::none("unlimited"), config::at_least(1)));
};

struct UdpConfig {
  config::Located<config::Address> address;
  config::Located<std::string> name;
  config::Located<std::string> upstream;
  config::Duration idle_timeout = std::chrono::seconds(60);
  bool quic = false;
  std::optional<std::uint32_t> replies;
  std::optional<std::uint32_t> amplification;
  UdpLimitsConfig limits;
  config::Position position;

  void check(const config::Found& found) const;

  // The name, or else the address: what metrics and logs call it.
  std::string label() const { return name->empty() ? address->text() : *name; }

  static constexpr auto schema = config::object(
      "udp", "An address whose datagrams are passed on as they are.",
      config::field<&UdpConfig::address>(
          "address",
          "`:53` is a port of every IPv6 and IPv4 address; `127.0.0.1:53` and `[::1]:53` are "
          "single ones. With port 0 the kernel chooses one. TCP listeners have ports of their own.",
          config::required, config::any_port, config::example("\":53\"")),
      config::field<&UdpConfig::name>("name",
                                      "Appears in metrics and logs; by default the address."),
      config::field<&UdpConfig::upstream>("upstream", "Where datagrams go.", config::required,
                                          config::example("dns")),
      config::field<&UdpConfig::idle_timeout>(
          "idle_timeout",
          "How long a session lasts in which both sides are silent. What the client sends then "
          "begins another one.",
          config::range(std::chrono::milliseconds(1), std::chrono::hours(24))),
      config::field<&UdpConfig::quic>(
          "quic",
          "The datagrams are QUIC, which passes through: a client whose address changes stays with "
          "its endpoint, by the connection ID. What is no QUIC is dropped."),
      config::field<&UdpConfig::replies>(
          "replies",
          "How many replies each datagram of a client has: with the last one a session is over. "
          "For DNS, 1.",
          config::none("unknown"), config::range(1, 1'000'000), config::example("1")),
      config::field<&UdpConfig::amplification>(
          "amplification",
          "How many bytes a client gets at most for each byte that it sent. The address of a "
          "datagram may be forged: this bounds what an attacker can have sent to a victim. With "
          "`quic` "
          "it ends when the client has shown that the address is its own. `auto` is 3 with `quic`, "
          "and no bound without.",
          config::none("auto"), config::range(1, 1'000'000), config::example("10")),
      config::field<&UdpConfig::limits>("limits", "How much clients may ask for."));
};

}  // namespace weir

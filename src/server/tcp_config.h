// What a configuration says about a TCP listener.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "config/address.h"
#include "config/parse.h"
#include "config/schema.h"
#include "config/values.h"
#include "io/first_bytes.h"
#include "server/proxy_protocol_config.h"
#include "server/tls_config.h"
#include "tunnel/intercept.h"

namespace weir {

std::optional<config::Problem> check_server_name(std::string_view text);

constexpr auto enum_names(FirstBytes) {
  return std::array{
      config::Name{"http", FirstBytes::http, "HTTP/1 or HTTP/2, in clear."},
      config::Name{"tls", FirstBytes::tls, "TLS."}, config::Name{"ssh", FirstBytes::ssh, "SSH."},
      config::Name{"postgres", FirstBytes::postgres, "PostgreSQL, also when it asks for TLS."},
      config::Name{"other", FirstBytes::other, "Anything else that the client begins with."}};
}

constexpr auto enum_names(Intercept) {
  return std::array{
      config::Name{"off", Intercept::none, "Only what clients send here by themselves."},
      config::Name{"redirect", Intercept::redirect,
                   "What a rule of the kernel redirects here (SO_ORIGINAL_DST)."},
      config::Name{"tproxy", Intercept::tproxy,
                   "What a rule of the kernel gives to this listener as it is (TPROXY)."}};
}

struct TcpMatchConfig {
  std::vector<std::string> sni;
  std::vector<std::string> alpn;
  std::vector<config::Network> from;
  std::vector<config::Network> to;
  std::vector<std::uint16_t> port;
  std::vector<FirstBytes> protocol;

  static constexpr auto schema = config::object(
      "tcp match", "Which connections a route takes. Of each list one entry must match.",
      config::field<&TcpMatchConfig::sni>(
          "sni",
          "Server names that the client asks for; `*.example` stands for every name below "
          "`example`. Read from the ClientHello: the TLS need not end here.",
          config::one_or_many, config::check(&check_server_name), config::example("db.example")),
      config::field<&TcpMatchConfig::alpn>("alpn", "Protocols that the client offers by ALPN.",
                                           config::one_or_many, config::not_empty,
                                           config::example("h2")),
      config::field<&TcpMatchConfig::from>("from", "Networks of clients.", config::one_or_many,
                                           config::example("[10.0.0.0/8]")),
      config::field<&TcpMatchConfig::to>("to",
                                         "Networks where clients were going; see `intercept`.",
                                         config::one_or_many, config::example("[10.0.0.0/8]")),
      config::field<&TcpMatchConfig::port>("port", "Ports where clients were going.",
                                           config::one_or_many, config::example("5432")),
      config::field<&TcpMatchConfig::protocol>(
          "protocol", "What the client speaks, by its first bytes.", config::one_or_many));
};

struct TcpRouteConfig {
  TcpMatchConfig match;
  config::Located<std::string> upstream;
  config::Position position;

  static constexpr auto schema = config::object(
      "tcp route", "Which connections go to an upstream. The first route that matches is taken.",
      config::field<&TcpRouteConfig::match>("match", "Which connections; all, if not given."),
      config::field<&TcpRouteConfig::upstream>(
          "upstream",
          "Where they go. With `intercept` it may be missing: to where the client was going.",
          config::example("db")));
};

struct TcpTlsConfig {
  std::vector<CertificateConfig> certificates;
  TlsProfileName profile = TlsProfileName::intermediate;
  std::vector<std::string> alpn;
  std::optional<ClientAuthConfig> client_auth;
  config::Located<std::string> ticket_keys;
  bool ocsp_stapling = true;

  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "tcp tls", "TLS that ends here. Files that change are taken up without a reload.",
      config::field<&TcpTlsConfig::certificates>(
          "certificates",
          "Chosen by the server name that the client asks for; RSA and ECDSA may stand side by "
          "side.",
          config::required, config::at_least_one),
      config::field<&TcpTlsConfig::profile>("profile", "Versions and ciphers."),
      config::field<&TcpTlsConfig::alpn>(
          "alpn",
          "Protocols to agree on, the best first. What was agreed on is offered to endpoints with "
          "TLS, and told to those with PROXY headers.",
          config::one_or_many, config::not_empty, config::example("[postgresql]")),
      config::field<&TcpTlsConfig::client_auth>("client_auth", "Certificates of clients.",
                                                config::none("off")),
      config::field<&TcpTlsConfig::ticket_keys>(
          "ticket_keys", "File of session ticket keys that several machines share.",
          config::file_path),
      config::field<&TcpTlsConfig::ocsp_stapling>(
          "ocsp_stapling", "Show clients what the responders of certificates say."));
};

struct TcpLimitsConfig {
  std::optional<std::uint32_t> max_connections;
  std::optional<std::uint32_t> max_connections_per_client;

  static constexpr auto schema =
      config::object("tcp limits", "How much clients may ask for. What is above is reset.",
                     config::field<&TcpLimitsConfig::max_connections>(
                         "max_connections", "Open connections of this listener.",
                         config::none("unlimited"), config::at_least(1)),
                     config::field<&TcpLimitsConfig::max_connections_per_client>(
                         "max_connections_per_client", "Open connections of one client address.",
                         config::none("unlimited"), config::at_least(1)));
};

struct TcpTimeoutsConfig {
  config::Duration idle = std::chrono::hours(1);
  config::Duration hello = std::chrono::seconds(10);
  config::Duration silence = std::chrono::milliseconds(50);
  config::Duration drain = std::chrono::minutes(10);

  static constexpr auto schema = config::object(
      "tcp timeouts", "How long connections may take, and last.",
      config::field<&TcpTimeoutsConfig::idle>(
          "idle", "How long both sides may be silent.",
          config::range(std::chrono::milliseconds(1), std::chrono::hours(240))),
      config::field<&TcpTimeoutsConfig::hello>(
          "hello", "For a TLS handshake, or for the first bytes that a route depends on.",
          config::range(std::chrono::milliseconds(1), std::chrono::hours(1))),
      config::field<&TcpTimeoutsConfig::silence>(
          "silence",
          "How long a client is waited for whose bytes would decide its route, before the endpoint "
          "of silent clients is connected beside it. Then who speaks first decides.",
          config::range(std::chrono::milliseconds(1), std::chrono::minutes(1))),
      config::field<&TcpTimeoutsConfig::drain>(
          "drain", "How long connections go on when a reload has removed their listener.",
          config::range(std::chrono::milliseconds(1), std::chrono::hours(240))));
};

struct TcpConfig {
  config::Located<config::Address> address;
  config::Located<std::string> name;
  config::Located<std::string> upstream;
  std::optional<std::vector<TcpRouteConfig>> routes;
  std::optional<TcpTlsConfig> tls;
  std::optional<ProxyProtocolConfig> proxy_protocol;
  Intercept intercept = Intercept::none;
  bool keep_source = false;
  TcpLimitsConfig limits;
  TcpTimeoutsConfig timeouts;
  config::Position position;

  // One of `upstream` and `routes`.
  void check(const config::Found& found) const;

  // The name, or else the address: what metrics and logs call it.
  std::string label() const { return name->empty() ? address->text() : *name; }

  static constexpr auto schema = config::object(
      "tcp", "An address whose connections are passed on as they are.",
      config::field<&TcpConfig::address>(
          "address",
          "`:5432` is a port of every IPv6 and IPv4 address; `127.0.0.1:5432`, `[::1]:5432` and "
          "`unix:/path` are single ones. With port 0 the kernel chooses one.",
          config::required, config::any_port, config::example("\":5432\"")),
      config::field<&TcpConfig::name>("name",
                                      "Appears in metrics and logs; by default the address."),
      config::field<&TcpConfig::upstream>(
          "upstream",
          "Where all connections go. With `intercept`, without this and `routes`: to where the "
          "client was going.",
          config::example("db")),
      config::field<&TcpConfig::routes>("routes", "Where connections go, by what they are."),
      config::field<&TcpConfig::tls>("tls", "TLS that ends here; without it TLS passes through.",
                                     config::none("off")),
      config::field<&TcpConfig::proxy_protocol>(
          "proxy_protocol", "Connections that begin with PROXY headers.", config::none("off")),
      config::field<&TcpConfig::intercept>(
          "intercept",
          "Connections that were meant for others come here. A connection that did not is reset. "
          "`tproxy` needs CAP_NET_ADMIN."),
      config::field<&TcpConfig::keep_source>(
          "keep_source",
          "Endpoints see the client's own address as that of the connection; their answers must "
          "be routed back to this machine. Needs CAP_NET_ADMIN."),
      config::field<&TcpConfig::limits>("limits", "How much clients may ask for."),
      config::field<&TcpConfig::timeouts>("timeouts", "How long connections may take, and last."));
};

}  // namespace weir

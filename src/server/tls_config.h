// What a listener says about TLS.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "config/parse.h"
#include "config/schema.h"
#include "config/values.h"

namespace weir {

struct CertificateConfig {
  config::Located<std::string> cert;
  config::Located<std::string> key;

  static constexpr auto schema = config::object(
      "certificate", "A certificate with its key. The first of a listener is the default.",
      config::field<&CertificateConfig::cert>(
          "cert", "PEM file: the certificate first, then its issuers.", config::required,
          config::not_empty, config::file_path, config::example("site.pem")),
      config::field<&CertificateConfig::key>("key", "PEM file of the key, not encrypted.",
                                             config::required, config::not_empty, config::file_path,
                                             config::example("site.key")));
};

enum class TlsProfileName : std::uint8_t { intermediate, modern };

constexpr auto enum_names(TlsProfileName) {
  return std::array{
      config::Name{"intermediate", TlsProfileName::intermediate,
                   "TLS 1.2 and 1.3, forward secrecy and authenticated encryption only."},
      config::Name{"modern", TlsProfileName::modern, "TLS 1.3 only."}};
}

enum class ClientAuthMode : std::uint8_t { request, require, routes };

constexpr auto enum_names(ClientAuthMode) {
  return std::array{
      config::Name{"request", ClientAuthMode::request,
                   "Clients may show a certificate; one that does not verify is refused."},
      config::Name{"require", ClientAuthMode::require, "Clients must show one that verifies."},
      config::Name{"routes", ClientAuthMode::routes,
                   "As `request`, but only clients of the hosts of which a route says "
                   "`require_client_certificate` are asked."}};
}

struct ClientAuthConfig {
  ClientAuthMode mode = ClientAuthMode::require;
  config::Located<std::string> ca;

  static constexpr auto schema = config::object(
      "client_auth", "Certificates of clients.",
      config::field<&ClientAuthConfig::mode>("mode", "Whether clients must show one."),
      config::field<&ClientAuthConfig::ca>("ca", "PEM file of the authorities that sign them.",
                                           config::required, config::not_empty, config::file_path,
                                           config::example("clients-ca.pem")));
};

struct HstsConfig {
  config::Duration max_age = std::chrono::days(365);
  bool include_subdomains = false;
  bool preload = false;

  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "hsts", "Tells browsers to come back over TLS only (RFC 6797).",
      config::field<&HstsConfig::max_age>("max_age", "For how long; `0s` has them forget it.",
                                          config::shorthand),
      config::field<&HstsConfig::include_subdomains>("include_subdomains",
                                                     "Hosts below this one as well."),
      config::field<&HstsConfig::preload>(
          "preload", "Agrees to be on the list that browsers ship with; hard to take back."));
};

// The value of Strict-Transport-Security.
std::string header_value(const HstsConfig& config);

struct ListenerTlsConfig {
  std::vector<CertificateConfig> certificates;
  TlsProfileName profile = TlsProfileName::intermediate;
  bool http2 = true;
  std::optional<ClientAuthConfig> client_auth;
  config::Located<std::string> ticket_keys;
  std::optional<HstsConfig> hsts;
  bool ocsp_stapling = true;
  bool early_data = false;

  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "tls", "TLS with clients. Files that change are taken up without a reload.",
      config::field<&ListenerTlsConfig::certificates>(
          "certificates",
          "Chosen by the server name that the client asks for; RSA and ECDSA may stand side by "
          "side.",
          config::required, config::at_least_one),
      config::field<&ListenerTlsConfig::profile>("profile", "Versions and ciphers."),
      config::field<&ListenerTlsConfig::http2>("http2", "Offer HTTP/2 by ALPN."),
      config::field<&ListenerTlsConfig::client_auth>("client_auth", "Certificates of clients.",
                                                     config::none("off")),
      config::field<&ListenerTlsConfig::ticket_keys>(
          "ticket_keys",
          "File of session ticket keys that several machines share: 80 bytes each, the first "
          "encrypts. Without it they are random and rotate.",
          config::file_path),
      config::field<&ListenerTlsConfig::hsts>(
          "hsts", "Strict-Transport-Security on every response, in place of what origins say.",
          config::none("off"), config::example("365d")),
      config::field<&ListenerTlsConfig::ocsp_stapling>(
          "ocsp_stapling",
          "Ask the responders that certificates name, in the background, and show the answers to "
          "clients. Certificates that name none, or whose file lacks the issuer, have none."),
      config::field<&ListenerTlsConfig::early_data>(
          "early_data",
          "Take requests that come ahead of the end of a resumed handshake (0-RTT). They may be "
          "replays: only safe ones are served at once, with `Early-Data: 1` (RFC 8470)."));
};

}  // namespace weir

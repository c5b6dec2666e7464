// What a listener or an upstream says about TLS, compiled once into an SSL_CTX.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/tls/certificates.h"
#include "io/tls/openssl.h"
#include "io/tls/ticket_keys.h"

namespace weir {

class TlsClientSessions;

enum class TlsVersion : std::uint8_t { tls12, tls13 };

/// After Mozilla's server side recommendations.
enum class TlsPreset : std::uint8_t {
  intermediate,  // TLS 1.2 and 1.3; forward secrecy and authenticated encryption only
  modern,        // TLS 1.3 only
};

enum class ClientAuth : std::uint8_t {
  none,
  request,  // a certificate is asked for; one that does not verify fails the handshake
  require,
};

struct TlsServerOptions {
  TlsPreset preset = TlsPreset::intermediate;
  std::optional<TlsVersion> min_version;  // in place of the preset's
  std::optional<TlsVersion> max_version;
  std::vector<std::string> alpn;  // what is spoken, best first; empty: the extension is ignored
  ClientAuth client_auth = ClientAuth::none;
  std::string client_ca_file;  // PEM; whose certificates clients may have
  /// Server names whose clients are asked, `*.parent` for every name below; all, if not given.
  std::optional<std::vector<std::string>> client_auth_names;
  unsigned tickets = 1;  // sent after a full handshake, 0 to 4; each costs about 16 us
  /// Take what clients that resume send ahead of the end of the handshake (RFC 8446, 2.3), 16 KiB
  /// at most and once for each ticket. Not with ticket keys of a file, whose other users cannot
  /// know what was taken here, and not with `client_auth`.
  bool early_data = false;
  std::shared_ptr<const CertificateSource> certificates;
  std::shared_ptr<const TicketKeys> ticket_keys;  // null: no resumption
};

/// Immutable, for any thread. Handshakes that are under way keep what they need of it.
/// No renegotiation, no compression, no session cache: resumption is by ticket only, and a ticket
/// is good only for the server name and the client-auth policy it was made under.
class TlsServerProfile {
 public:
  static std::expected<std::shared_ptr<const TlsServerProfile>, TlsProblem> make(
      const TlsServerOptions& options);
  ~TlsServerProfile();

  SSL_CTX* context() const { return context_.get(); }
  bool early_data() const;

  /// Whether a handshake for the one server name shows the same certificates, and asks clients for
  /// theirs, as one for the other. A request for a name that is served differently is misdirected
  /// (RFC 9110, 15.5.20). Clients that send no name get away with any certificate.
  bool serves_alike(std::string_view server_name, std::string_view other, Slots& worker) const;

 private:
  explicit TlsServerProfile(SslContextPtr context) : context_(std::move(context)) {}
  SslContextPtr context_;
};

struct TlsClientOptions {
  bool verify = true;
  std::string ca_file;  // PEM; empty: the system's
  /// What the certificate must be for, and the SNI: a DNS name or an IP address (never sent as
  /// SNI). Empty: the name that tls_connect is given.
  std::string name;
  std::vector<std::string> alpn;
  std::string certificate_file;  // shown when the server asks; PEM with its chain
  std::string key_file;
  TlsVersion min_version = TlsVersion::tls12;
  std::optional<TlsVersion> max_version;
  std::size_t sessions = 64;  // kept for resumption, per worker; 0: none
};

/// Immutable but for the sessions that each worker keeps.
class TlsClientProfile {
 public:
  static std::expected<std::shared_ptr<const TlsClientProfile>, TlsProblem> make(
      const TlsClientOptions& options);
  ~TlsClientProfile();

  SSL_CTX* context() const { return context_.get(); }
  const std::string& name() const { return name_; }
  bool verify() const { return verify_; }
  /// What `worker` may resume.
  TlsClientSessions& sessions(Slots& worker) const;

 private:
  TlsClientProfile(SslContextPtr context, const TlsClientOptions& options);

  SslContextPtr context_;
  std::string name_;
  std::size_t most_sessions_;
  bool verify_;
  SlotKey sessions_;
};

}  // namespace weir

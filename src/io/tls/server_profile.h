// What the handshakes of one server profile share; lives as long as its SSL_CTX.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "io/tls/profile.h"
#include "io/tls/server_names.h"

namespace weir {

struct TlsServerState {
  std::shared_ptr<const CertificateSource> certificates;
  std::shared_ptr<const TicketKeys> ticket_keys;
  std::string alpn;  // as the extension writes it
  ClientAuth client_auth = ClientAuth::none;
  std::optional<ServerNames> client_auth_names;  // whose clients are asked; none: everyone
  bool early_data = false;
  // Digest of all that decides which clients may come in.
  std::array<unsigned char, 32> policy{};
  DigestPtr sha256;
  CipherPtr ticket_cipher;

  bool asks_clients(std::string_view server_name) const {
    return client_auth != ClientAuth::none &&
           (!client_auth_names || client_auth_names->contain(server_name));
  }

  static const TlsServerState& of(SSL_CTX* context);
};

/// Sets the callbacks of a server's context.
void set_server_callbacks(SSL_CTX* context, const TlsServerState& state);

/// The protocols as the ALPN extension writes them; empty if one is empty or longer than 255.
std::string alpn_wire(const std::vector<std::string>& protocols);

/// Versions, ciphers, groups and the options that every profile has.
bool set_common(SSL_CTX* context, TlsVersion min, TlsVersion max);

}  // namespace weir

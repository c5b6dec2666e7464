// What the handshakes of one server profile share; lives as long as its SSL_CTX.
#pragma once

#include <array>
#include <string>

#include "io/tls/profile.h"

namespace weir {

struct TlsServerState {
  std::shared_ptr<const CertificateSource> certificates;
  std::shared_ptr<const TicketKeys> ticket_keys;
  std::string alpn;  // as the extension writes it
  ClientAuth client_auth = ClientAuth::none;
  bool early_data = false;
  // Digest of all that decides which clients may come in.
  std::array<unsigned char, 32> policy{};
  DigestPtr sha256;
  CipherPtr ticket_cipher;

  static const TlsServerState& of(SSL_CTX* context);
};

/// Sets the callbacks of a server's context.
void set_server_callbacks(SSL_CTX* context, const TlsServerState& state);

/// The protocols as the ALPN extension writes them; empty if one is empty or longer than 255.
std::string alpn_wire(const std::vector<std::string>& protocols);

/// Versions, ciphers, groups and the options that every profile has.
bool set_common(SSL_CTX* context, TlsVersion min, TlsVersion max);

}  // namespace weir

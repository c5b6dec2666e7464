// What a finished TLS handshake told: for logs, headers, matching and the choice of protocol.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// A certificate that the peer presented. On a server it has been verified against the CAs of the
/// listener; unverified ones do not get past the handshake.
struct TlsPeerCertificate {
  std::string subject;             // RFC 2253, escaped: printable ASCII
  std::string issuer;              // the same
  std::string serial;              // hexadecimal
  std::string fingerprint;         // SHA-256 of the certificate, 64 hexadecimal digits
  std::vector<std::string> names;  // subjectAltName: "DNS:a.example", "IP:192.0.2.1", "URI:...",
                                   // "email:..."; anything not printable is percent-encoded
  std::string all_names;           // the same in one text, between commas
  std::int64_t not_after = 0;      // seconds since the Unix epoch
};

/// Lives as long as the stream.
struct TlsFacts {
  std::string_view version;  // "TLSv1.3"; static text
  std::string_view cipher;   // "TLS_AES_128_GCM_SHA256"; static text
  std::string server_name;   // SNI in lower case without a trailing dot; empty if none came
  std::string alpn;          // what was agreed on; empty if nothing
  bool resumed = false;
  /// The first bytes came before the handshake was over and may be a replay (RFC 8470). Only where
  /// the profile allows early data; false again once the handshake is over.
  bool early = false;
  std::unique_ptr<const TlsPeerCertificate> peer;  // null: none was presented
};

}  // namespace weir

// The texts of a certificate, made safe to log and to pass on.
#pragma once

#include <memory>

#include "io/tls/facts.h"
#include "io/tls/openssl.h"

namespace weir {

std::unique_ptr<const TlsPeerCertificate> describe(X509* certificate);

/// Seconds since the Unix epoch.
std::int64_t seconds_of(const ASN1_TIME* time);
/// SHA-256 of the whole certificate, in hexadecimal.
std::string fingerprint_of(X509* certificate);

}  // namespace weir

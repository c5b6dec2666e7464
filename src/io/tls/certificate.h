// One certificate of a server, with its key and its chain.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/tls/openssl.h"

namespace weir {

/// What is wrong with a file of certificates, keys or CAs, for people.
struct TlsProblem {
  std::string file;
  std::string reason;
};

struct CertificateFiles {
  std::string certificate;  // PEM: the certificate first, then its issuers
  std::string key;          // PEM, not encrypted
  bool operator==(const CertificateFiles&) const = default;
};

/// Issuers by their bytes, so that certificates of one CA share them.
class IssuerCache {
 public:
  std::shared_ptr<X509> shared(X509Ptr issuer);
  /// Forgets those that no certificate has any more.
  void trim();
  std::size_t size() const { return issuers_.size(); }

 private:
  std::map<std::string, std::weak_ptr<X509>> issuers_;  // by SHA-256
};

/// Immutable.
class ServerCertificate {
 public:
  using Parsed = std::expected<std::shared_ptr<const ServerCertificate>, std::string>;
  /// Refused, with a reason for people: no certificate or no key in the text, an encrypted key, a
  /// key that is not the certificate's, and what OpenSSL's security level forbids (RSA below 2048
  /// bits, SHA-1).
  static Parsed parse(std::string_view certificate_pem, std::string_view key_pem,
                      IssuerCache& issuers);

  /// Lower case; wildcards as `*.parent`. From subjectAltName, or the common name without one.
  const std::vector<std::string>& names() const { return names_; }
  bool rsa() const { return rsa_; }
  X509* certificate() const { return certificate_.get(); }
  /// Null if the file had the certificate alone.
  X509* issuer() const { return issuers_.empty() ? nullptr : issuers_.front().get(); }
  /// Seconds since the Unix epoch.
  std::int64_t not_after() const;

  /// Gives certificate, key and chain to a connection, or to all of a context. False if OpenSSL
  /// refuses, with an error in its queue.
  bool use_in(SSL* connection) const;
  bool use_in(SSL_CTX* context) const;

 private:
  ServerCertificate() = default;

  using Stack = std::unique_ptr<STACK_OF(X509), OpensslFree<free_x509_list>>;

  X509Ptr certificate_;
  PrivateKeyPtr key_;
  std::vector<std::shared_ptr<X509>> issuers_;
  Stack chain_;  // the same, as OpenSSL wants them
  std::vector<std::string> names_;
  bool rsa_ = false;
};

}  // namespace weir

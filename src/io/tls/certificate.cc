#include "io/tls/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstring>

#include "io/tls/files.h"
#include "io/tls/peer_certificate.h"

namespace weir {
namespace {

std::string lower_case(const ASN1_STRING* value) {
  std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                   static_cast<std::size_t>(ASN1_STRING_length(value)));
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::vector<std::string> server_names(X509* certificate) {
  std::vector<std::string> names;
  auto* found = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(found); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(found, i);
    if (name->type == GEN_DNS) names.push_back(lower_case(name->d.dNSName));
  }
  GENERAL_NAMES_free(found);
  if (found != nullptr) return names;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at >= 0) {
    names.push_back(lower_case(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  }
  return names;
}

// A passphrase cannot be asked for by a server that restarts by itself.
int no_passphrase(char*, int, int, void*) { return -1; }

std::expected<PrivateKeyPtr, std::string> read_key(std::string_view pem) {
  BioPtr text = bio_over(pem);
  PrivateKeyPtr key(PEM_read_bio_PrivateKey(text.get(), nullptr, &no_passphrase, nullptr));
  if (key != nullptr) return key;
  std::string reason = take_openssl_error_text();
  if (pem.find("ENCRYPTED") != std::string_view::npos) return std::unexpected("an encrypted key");
  return std::unexpected("no private key: " + reason);
}

// Refuses by the rules of a connection, without one.
SslPtr trial_connection() {
  static const SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  return SslPtr(SSL_new(context.get()));
}

}  // namespace

std::shared_ptr<X509> IssuerCache::shared(X509Ptr issuer) {
  std::weak_ptr<X509>& known = issuers_[fingerprint_of(issuer.get())];
  std::shared_ptr<X509> found = known.lock();
  if (found == nullptr) {
    found = std::shared_ptr<X509>(issuer.release(), X509_free);
    known = found;
  }
  return found;
}

void IssuerCache::trim() {
  std::erase_if(issuers_, [](const auto& each) { return each.second.expired(); });
}

ServerCertificate::Parsed ServerCertificate::parse(std::string_view certificate_pem,
                                                   std::string_view key_pem, IssuerCache& issuers) {
  start_openssl();
  ERR_clear_error();
  std::shared_ptr<ServerCertificate> made(new ServerCertificate);
  BioPtr text = bio_over(certificate_pem);
  made->certificate_ = next_certificate(text.get());
  if (made->certificate_ == nullptr) {
    return std::unexpected("no certificate: " + take_openssl_error_text());
  }
  made->chain_.reset(sk_X509_new_null());
  while (X509Ptr issuer = next_certificate(text.get())) {
    made->issuers_.push_back(issuers.shared(std::move(issuer)));
    sk_X509_push(made->chain_.get(), made->issuers_.back().get());
  }
  if (!at_end_of_pem()) return std::unexpected("a broken issuer: " + take_openssl_error_text());
  std::expected<PrivateKeyPtr, std::string> key = read_key(key_pem);
  if (!key) return std::unexpected(key.error());
  made->key_ = std::move(*key);
  if (X509_check_private_key(made->certificate_.get(), made->key_.get()) != 1) {
    ERR_clear_error();
    return std::unexpected("the key does not belong to the certificate");
  }
  SslPtr trial = trial_connection();
  if (trial == nullptr || !made->use_in(trial.get())) {
    return std::unexpected(take_openssl_error_text());
  }
  made->names_ = server_names(made->certificate_.get());
  made->rsa_ = EVP_PKEY_get_base_id(made->key_.get()) == EVP_PKEY_RSA;
  return made;
}

std::int64_t ServerCertificate::not_after() const {
  return seconds_of(X509_get0_notAfter(certificate_.get()));
}

bool ServerCertificate::use_in(SSL* connection) const {
  return SSL_use_cert_and_key(connection, certificate_.get(), key_.get(), chain_.get(), 1) == 1;
}

bool ServerCertificate::use_in(SSL_CTX* context) const {
  return SSL_CTX_use_cert_and_key(context, certificate_.get(), key_.get(), chain_.get(), 1) == 1;
}

}  // namespace weir

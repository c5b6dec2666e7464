// Test support: authorities and certificates made on the spot. For tests and benchmarks only.
#pragma once

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/tls/certificates.h"

namespace weir::test {

enum class KeyKind { ecdsa, rsa, weak_rsa };

struct Wish {
  std::vector<std::string> names;  // as OpenSSL writes them: "DNS:a.example", "IP:::1"
  KeyKind key = KeyKind::ecdsa;
  std::string common_name = "test";
  long starts = -3600;  // seconds from now
  long ends = 86400;
  bool authority = false;
};

struct TestCertificate {
  X509Ptr certificate;
  PrivateKeyPtr key;

  std::string certificate_pem() const {
    BioPtr out(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(out.get(), certificate.get());
    return text(out.get());
  }
  std::string key_pem() const {
    BioPtr out(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return text(out.get());
  }
  std::shared_ptr<const ServerCertificate> parsed(std::string_view issuers_pem = {}) const {
    IssuerCache issuers;
    auto made =
        ServerCertificate::parse(certificate_pem() + std::string(issuers_pem), key_pem(), issuers);
    return made.value();
  }

 private:
  static std::string text(BIO* out) {
    char* data = nullptr;
    long size = BIO_get_mem_data(out, &data);
    return std::string(data, static_cast<std::size_t>(size));
  }
};

inline PrivateKeyPtr make_key(KeyKind kind) {
  switch (kind) {
    case KeyKind::ecdsa: return PrivateKeyPtr(EVP_EC_gen("P-256"));
    case KeyKind::rsa: return PrivateKeyPtr(EVP_RSA_gen(2048));
    case KeyKind::weak_rsa: return PrivateKeyPtr(EVP_RSA_gen(1024));
  }
  return nullptr;
}

/// Signs certificates; itself signed by `above`, or by nobody else.
class TestAuthority {
 public:
  explicit TestAuthority(std::string name = "Test CA", const TestAuthority* above = nullptr) {
    start_openssl();
    own_.key = make_key(KeyKind::ecdsa);
    Wish wish;
    wish.common_name = std::move(name);
    wish.authority = true;
    const TestCertificate& signer = above != nullptr ? above->own_ : own_;
    own_.certificate = sign(wish, own_.key.get(), signer);
  }

  TestCertificate issue(const Wish& wish) const {
    TestCertificate made;
    made.key = make_key(wish.key);
    made.certificate = sign(wish, made.key.get(), own_);
    return made;
  }
  std::string pem() const { return own_.certificate_pem(); }

 private:
  static void extend(X509* certificate, X509V3_CTX& context, int kind, const std::string& value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    if (extension == nullptr) std::abort();
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  static X509Ptr sign(const Wish& wish, EVP_PKEY* key, const TestCertificate& signer) {
    static long serial = 1;
    X509Ptr made(X509_new());
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), wish.starts);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), wish.ends);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1,
                               -1, 0);
    X509* issuer = signer.certificate != nullptr ? signer.certificate.get() : made.get();
    X509_set_issuer_name(made.get(), X509_get_subject_name(issuer));
    X509_set_pubkey(made.get(), key);
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, made.get(), nullptr, nullptr, 0);
    extend(made.get(), context, NID_basic_constraints,
           wish.authority ? "critical,CA:TRUE" : "CA:FALSE");
    std::string names;
    for (const std::string& name : wish.names) names += (names.empty() ? "" : ",") + name;
    if (!names.empty()) extend(made.get(), context, NID_subject_alt_name, names);
    X509_sign(made.get(), signer.key.get(), EVP_sha256());
    return made;
  }

  TestCertificate own_;
};

/// Certificates that are there from the start, in order.
class FixedCertificates final : public CertificateSource {
 public:
  explicit FixedCertificates(std::vector<ShownCertificate> shown) : index_(shown) {}
  explicit FixedCertificates(const TestCertificate& only)
      : FixedCertificates(std::vector{ShownCertificate{only.parsed(), nullptr}}) {}
  const CertificateChoice* find(std::string_view server_name, Slots&) const override {
    return index_.find(server_name);
  }

 private:
  CertificateIndex index_;
};

}  // namespace weir::test

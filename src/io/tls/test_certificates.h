// Test support: authorities and certificates made on the spot. For tests and benchmarks only.
#pragma once

#include <openssl/ocsp.h>
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
  std::string responder = {};  // URL of OCSP
  bool signs_ocsp = false;
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

  /// A DER-encoded OCSP response about what this authority issued, times in seconds since the Unix
  /// epoch, signed by `signer` in its place if there is one.
  std::string ocsp(const TestCertificate& about, long this_update, long next_update,
                   int status = V_OCSP_CERTSTATUS_GOOD,
                   const TestCertificate* signer = nullptr) const {
    const TestCertificate& by = signer != nullptr ? *signer : own_;
    OCSP_BASICRESP* basic = OCSP_BASICRESP_new();
    OCSP_CERTID* id = OCSP_cert_to_id(EVP_sha1(), about.certificate.get(), own_.certificate.get());
    ASN1_TIME* times[] = {ASN1_TIME_set(nullptr, this_update), ASN1_TIME_set(nullptr, next_update)};
    ASN1_TIME* from = ASN1_TIME_to_generalizedtime(times[0], nullptr);
    ASN1_TIME* to = ASN1_TIME_to_generalizedtime(times[1], nullptr);
    bool revoked = status == V_OCSP_CERTSTATUS_REVOKED;
    OCSP_basic_add1_status(basic, id, status, 0, revoked ? from : nullptr, from, to);
    OCSP_basic_sign(basic, by.certificate.get(), by.key.get(), EVP_sha256(), nullptr, 0);
    OCSP_RESPONSE* response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    unsigned char* der = nullptr;
    int size = i2d_OCSP_RESPONSE(response, &der);
    std::string text(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    for (ASN1_TIME* each : {times[0], times[1], from, to}) ASN1_TIME_free(each);
    return text;
  }

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
    if (!wish.responder.empty()) {
      extend(made.get(), context, NID_info_access, "OCSP;URI:" + wish.responder);
    }
    if (wish.signs_ocsp) extend(made.get(), context, NID_ext_key_usage, "OCSPSigning");
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

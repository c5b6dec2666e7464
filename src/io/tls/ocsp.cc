#include "io/tls/ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "io/tls/peer_certificate.h"

namespace weir {
namespace {

constexpr std::int64_t kClockSkew = 300;
constexpr std::int64_t kUnsaidLife = 3600;

void free_urls(STACK_OF(OPENSSL_STRING) * urls) { X509_email_free(urls); }

template <class T, auto kFree>
using Owned = std::unique_ptr<T, OpensslFree<kFree>>;
using CertificateId = Owned<OCSP_CERTID, OCSP_CERTID_free>;
using Basic = Owned<OCSP_BASICRESP, OCSP_BASICRESP_free>;

CertificateId id_of(const ServerCertificate& certificate) {
  return CertificateId(
      OCSP_cert_to_id(EVP_sha1(), certificate.certificate(), certificate.issuer()));
}

std::string responder_of(X509* certificate) {
  Owned<STACK_OF(OPENSSL_STRING), free_urls> urls(X509_get1_ocsp(certificate));
  for (int i = 0; i < sk_OPENSSL_STRING_num(urls.get()); ++i) {
    std::string url = sk_OPENSSL_STRING_value(urls.get(), i);
    if (url.starts_with("http://")) return url;
  }
  return {};
}

std::unexpected<std::string> refused(std::string reason) {
  ERR_clear_error();
  return std::unexpected(std::move(reason));
}

std::expected<Basic, std::string> read_basic(std::string_view der) {
  auto bytes = reinterpret_cast<const unsigned char*>(der.data());
  Owned<OCSP_RESPONSE, OCSP_RESPONSE_free> response(
      d2i_OCSP_RESPONSE(nullptr, &bytes, static_cast<long>(der.size())));
  if (response == nullptr) return refused("no OCSP response");
  int status = OCSP_response_status(response.get());
  if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return refused(std::string("the responder says ") + OCSP_response_status_str(status));
  }
  Basic basic(OCSP_response_get1_basic(response.get()));
  if (basic == nullptr) return refused("no basic OCSP response");
  return basic;
}

// The issuer alone is trusted, whatever stands above it.
bool signed_for(OCSP_BASICRESP* basic, X509* issuer) {
  Owned<X509_STORE, X509_STORE_free> trusted(X509_STORE_new());
  Owned<STACK_OF(X509), free_x509_list> signers(sk_X509_new_null());
  return trusted != nullptr && signers != nullptr &&
         X509_STORE_add_cert(trusted.get(), issuer) == 1 &&
         X509_STORE_set_flags(trusted.get(), X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
         sk_X509_push(signers.get(), issuer) > 0 &&
         OCSP_basic_verify(basic, signers.get(), trusted.get(), 0) == 1;
}

}  // namespace

std::optional<OcspQuestion> ocsp_question(const ServerCertificate& certificate) {
  if (certificate.issuer() == nullptr) return std::nullopt;
  OcspQuestion question{responder_of(certificate.certificate()), {}};
  if (question.url.empty()) return std::nullopt;
  Owned<OCSP_REQUEST, OCSP_REQUEST_free> request(OCSP_REQUEST_new());
  CertificateId id = id_of(certificate);
  if (request == nullptr || id == nullptr ||
      OCSP_request_add0_id(request.get(), id.get()) == nullptr) {
    ERR_clear_error();
    return std::nullopt;
  }
  (void)id.release();  // it is the request's now
  unsigned char* der = nullptr;
  int size = i2d_OCSP_REQUEST(request.get(), &der);
  if (size > 0)
    question.request.assign(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return question;
}

std::expected<OcspAnswer, std::string> check_ocsp_answer(const ServerCertificate& certificate,
                                                         std::string_view response,
                                                         std::int64_t now) {
  std::expected<Basic, std::string> basic = read_basic(response);
  if (!basic) return std::unexpected(basic.error());
  CertificateId id = id_of(certificate);
  int status = -1;
  ASN1_GENERALIZEDTIME* this_update = nullptr;
  ASN1_GENERALIZEDTIME* next_update = nullptr;
  if (id == nullptr || OCSP_resp_find_status(basic->get(), id.get(), &status, nullptr, nullptr,
                                             &this_update, &next_update) != 1) {
    return refused("it is about another certificate");
  }
  if (!signed_for(basic->get(), certificate.issuer())) {
    return refused("its signature is not the issuer's");
  }
  OcspAnswer answer{seconds_of(this_update),
                    next_update != nullptr ? seconds_of(next_update) : now + kUnsaidLife};
  if (answer.this_update > now + kClockSkew) return refused("it is from the future");
  if (answer.next_update <= now) return refused("it is out of date");
  if (status != V_OCSP_CERTSTATUS_GOOD) {
    return refused(std::string("the certificate is ") + OCSP_cert_status_str(status));
  }
  return answer;
}

}  // namespace weir

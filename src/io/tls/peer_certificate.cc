#include "io/tls/peer_certificate.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <span>
#include <string_view>

namespace weir {
namespace {

constexpr char kHex[] = "0123456789abcdef";
constexpr std::size_t kMostNames = 100;

std::string hexadecimal(std::span<const unsigned char> bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (unsigned char byte : bytes) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

// A name is the client's own text: nothing in it may end a line, a header or a list.
std::string percent_encoded(std::string_view text) {
  std::string safe;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '%' && c != ',' && c != '"' && c != '\\') {
      safe += c;
    } else {
      safe += '%';
      safe += kHex[byte >> 4];
      safe += kHex[byte & 15];
    }
  }
  return safe;
}

std::string text_of(const X509_NAME* name) {
  BioPtr out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  long size = BIO_get_mem_data(out.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::string address_text(const ASN1_OCTET_STRING* bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  int size = ASN1_STRING_length(bytes);
  if (size == 4) ::inet_ntop(AF_INET, ASN1_STRING_get0_data(bytes), text, sizeof text);
  if (size == 16) ::inet_ntop(AF_INET6, ASN1_STRING_get0_data(bytes), text, sizeof text);
  return text;
}

std::string text_of(const GENERAL_NAME* name) {
  auto text = [](const ASN1_STRING* value) {
    return percent_encoded({reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                            static_cast<std::size_t>(ASN1_STRING_length(value))});
  };
  switch (name->type) {
    case GEN_DNS: return "DNS:" + text(name->d.dNSName);
    case GEN_URI: return "URI:" + text(name->d.uniformResourceIdentifier);
    case GEN_EMAIL: return "email:" + text(name->d.rfc822Name);
    case GEN_IPADD: return "IP:" + address_text(name->d.iPAddress);
    default: return {};
  }
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  auto* found = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(found) && names.size() < kMostNames; ++i) {
    std::string text = text_of(sk_GENERAL_NAME_value(found, i));
    if (!text.empty()) names.push_back(std::move(text));
  }
  GENERAL_NAMES_free(found);
  return names;
}

std::string serial_of(X509* certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  return hexadecimal(
      {ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial))});
}

}  // namespace

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return ::timegm(&parts);
}

std::string fingerprint_of(X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  return hexadecimal(std::span(digest).first(size));
}

std::unique_ptr<const TlsPeerCertificate> describe(X509* certificate) {
  auto facts = std::make_unique<TlsPeerCertificate>();
  facts->subject = text_of(X509_get_subject_name(certificate));
  facts->issuer = text_of(X509_get_issuer_name(certificate));
  facts->serial = serial_of(certificate);
  facts->fingerprint = fingerprint_of(certificate);
  facts->names = names_of(certificate);
  for (const std::string& name : facts->names) {
    if (!facts->all_names.empty()) facts->all_names += ',';
    facts->all_names += name;
  }
  facts->not_after = seconds_of(X509_get0_notAfter(certificate));
  return facts;
}

}  // namespace weir

#include <openssl/err.h>
#include <openssl/pem.h>

#include "io/tls/client_sessions.h"
#include "io/tls/engine.h"
#include "io/tls/files.h"
#include "io/tls/provider.h"
#include "io/tls/server_profile.h"

namespace weir {
namespace {

std::unexpected<TlsProblem> problem(std::string file, std::string reason) {
  return std::unexpected(TlsProblem{std::move(file), std::move(reason)});
}

std::expected<void, TlsProblem> set_authorities(SSL_CTX* context, const TlsClientOptions& options) {
  if (!options.verify) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    return {};
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (options.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) == 1) return {};
    return problem("the system's CAs", take_openssl_error_text());
  }
  std::expected<std::string, std::string> pem = read_small_file(options.ca_file);
  if (!pem) return problem(options.ca_file, pem.error());
  if (add_authorities(context, *pem, /*tell_clients=*/false)) return {};
  return problem(options.ca_file, take_openssl_error_text());
}

std::expected<void, TlsProblem> set_certificate(SSL_CTX* context, const TlsClientOptions& options) {
  if (options.certificate_file.empty() && options.key_file.empty()) return {};
  if (options.certificate_file.empty()) return problem(options.key_file, "a key alone");
  if (options.key_file.empty()) return problem(options.certificate_file, "a certificate alone");
  std::expected<std::string, std::string> certificate = read_small_file(options.certificate_file);
  if (!certificate) return problem(options.certificate_file, certificate.error());
  std::expected<std::string, std::string> key = read_small_file(options.key_file);
  if (!key) return problem(options.key_file, key.error());
  IssuerCache issuers;
  auto parsed = ServerCertificate::parse(*certificate, *key, issuers);
  if (!parsed) return problem(options.certificate_file, parsed.error());
  if ((*parsed)->use_in(context)) return {};
  return problem(options.certificate_file, take_openssl_error_text());
}

// Keeps the reference that OpenSSL offers by returning 1.
int on_session(SSL* connection, SSL_SESSION* session) {
  return TlsEngine::of(connection).keep_session(session) ? 1 : 0;
}

}  // namespace

std::expected<std::shared_ptr<const TlsClientProfile>, TlsProblem> TlsClientProfile::make(
    const TlsClientOptions& options) {
  start_openssl();
  TlsVersion most = options.max_version.value_or(TlsVersion::tls13);
  if (options.min_version > most) return problem({}, "min_version is above max_version");
  std::string alpn = alpn_wire(options.alpn);
  if (alpn.empty() != options.alpn.empty()) return problem({}, "a bad name in alpn");
  SslContextPtr context(SSL_CTX_new_ex(nullptr, kTlsAlgorithms, TLS_client_method()));
  if (context == nullptr || !set_common(context.get(), options.min_version, most)) {
    return problem({}, take_openssl_error_text());
  }
  if (auto set = set_authorities(context.get(), options); !set) return std::unexpected(set.error());
  if (auto set = set_certificate(context.get(), options); !set) return std::unexpected(set.error());
  if (!alpn.empty()) {
    SSL_CTX_set_alpn_protos(context.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                            static_cast<unsigned>(alpn.size()));
  }
  if (options.sessions == 0) {
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  } else {
    SSL_CTX_set_session_cache_mode(context.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context.get(), &on_session);
  }
  auto* profile = new TlsClientProfile(std::move(context), options);
  return std::shared_ptr<const TlsClientProfile>(profile);
}

TlsClientProfile::TlsClientProfile(SslContextPtr context, const TlsClientOptions& options)
    : context_(std::move(context)),
      name_(options.name),
      most_sessions_(options.sessions),
      verify_(options.verify) {}

TlsClientProfile::~TlsClientProfile() = default;

TlsClientSessions& TlsClientProfile::sessions(Slots& worker) const {
  return worker.get<TlsClientSessions>(
      sessions_, [this] { return std::make_unique<TlsClientSessions>(most_sessions_); });
}

}  // namespace weir

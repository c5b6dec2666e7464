// How an engine comes to be established, and what it then knows.
#include "io/tls/engine_handshake.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>

#include "io/tls/client_sessions.h"
#include "io/tls/peer_certificate.h"
#include "io/tls/server_profile.h"

namespace weir {
namespace {

bool is_ip_address(const std::string& name) {
  in6_addr address;
  return ::inet_pton(AF_INET, name.c_str(), &address) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

// What the certificate must be for.
bool expect_name(SSL* connection, const std::string& name) {
  X509_VERIFY_PARAM* rules = SSL_get0_param(connection);
  if (is_ip_address(name)) return X509_VERIFY_PARAM_set1_ip_asc(rules, name.c_str()) == 1;
  X509_VERIFY_PARAM_set_hostflags(
      rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size()) == 1;
}

// In place of what the profile offers.
bool offer_only(SSL* connection, std::string_view protocol) {
  if (protocol.empty()) return true;
  std::string wire = alpn_wire({std::string(protocol)});
  return SSL_set_alpn_protos(connection, reinterpret_cast<const unsigned char*>(wire.data()),
                             static_cast<unsigned>(wire.size())) == 0;
}

bool is_verification(int reason) {
  return reason == SSL_R_CERTIFICATE_VERIFY_FAILED ||
         reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;
}

}  // namespace

Status TlsEngine::start_server(const TlsServerProfile& profile, Slots& worker) {
  if (Status attached = attach(profile.context(), worker); !attached) return attached;
  server_ = true;
  SSL_set_accept_state(ssl_.get());
  handshake_->expects_early = profile.early_data();
  return {};
}

Status TlsEngine::start_client(std::shared_ptr<const TlsClientProfile> profile,
                               const std::string& given_name, Slots& worker,
                               std::string_view only) {
  const std::string& name = profile->name().empty() ? given_name : profile->name();
  if (name.empty() && profile->verify()) {
    return fail(ErrorCode::tls_verify, Origin::weir, "no name to verify");
  }
  if (Status attached = attach(profile->context(), worker); !attached) return attached;
  SSL* connection = ssl_.get();
  SSL_set_connect_state(connection);
  bool sni = !name.empty() && !is_ip_address(name);
  if ((profile->verify() && !expect_name(connection, name)) || !offer_only(connection, only) ||
      (sni && SSL_set_tlsext_host_name(connection, name.c_str()) != 1)) {
    return fail(ErrorCode::tls_handshake, Origin::weir, take_openssl_error());
  }
  handshake_->server_name = sni ? name : std::string();
  if (SslSessionPtr session = profile->sessions(worker).take(name)) {
    SSL_set_session(connection, session.get());
    handshake_->offered = std::move(session);
  }
  client_ = std::make_unique<ClientSide>(std::move(profile), name, worker);
  return {};
}

bool TlsEngine::keep_session(SSL_SESSION* session) {
  if (client_ == nullptr) return false;
  client_->profile->sessions(client_->worker).put(client_->name, SslSessionPtr(session));
  return true;
}

Result<bool> TlsEngine::handshake() {
  Result<bool> over = advance_handshake();
  if (!over || handshake_ == nullptr) return over;
  bool early = !handshake_->early.empty();
  if (!*over && !early) return false;
  establish();
  facts_->early = !*over;
  if (!early) handshake_.reset();
  return true;
}

// True when it is over; false when it needs input.
Result<bool> TlsEngine::advance_handshake() {
  if (failure_.code != ErrorCode::none) return fail(failure_);
  if (handshake_ == nullptr) return true;
  Lending lending(*this, false);
  ERR_clear_error();
  int result = handshake_->expects_early ? take_early() : 1;
  if (result == 1) result = SSL_do_handshake(operating());
  if (result == 1) return true;
  if (failure_.code == ErrorCode::none &&
      SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) {
    if (transport_end_.code == ErrorCode::none) return false;
    failure_ = transport_end_.code == ErrorCode::end_of_stream
                   ? Error(ErrorCode::reset, Origin::weir, "closed during the TLS handshake")
                   : transport_end_;
  }
  if (failure_.code == ErrorCode::none) failure_ = explain(ErrorCode::tls_handshake);
  return fail(failure_);
}

// Like SSL_do_handshake, up to the end of the early data. All of it is kept until it is read: that
// is no more than the profile's limit.
int TlsEngine::take_early() {
  std::array<char, 2048> piece;
  while (true) {
    std::size_t got = 0;
    int result = SSL_read_early_data(operating(), piece.data(), piece.size(), &got);
    if (result == SSL_READ_EARLY_DATA_ERROR) return -1;
    handshake_->early.append(piece.data(), got);
    if (result == SSL_READ_EARLY_DATA_SUCCESS) continue;
    handshake_->expects_early = false;
    return 1;
  }
}

// What came before the end of the handshake is early no more once that is over: whoever sent it has
// proved to be there (RFC 8470, 3).
std::optional<Result<Slice>> TlsEngine::read_early(std::size_t hint) {
  Result<bool> over = advance_handshake();
  bool done = over && *over;
  if (done) facts_->early = false;
  if (!handshake_->early.empty()) {
    Slice bytes = copy_slice(std::exchange(handshake_->early, {}));
    if (done) handshake_.reset();
    return bytes;
  }
  if (!over) return fail(over.error());
  if (!done) return std::nullopt;
  handshake_.reset();
  return read(hint);
}

std::optional<Result<Slice>> TlsEngine::settle() {
  Result<bool> over = advance_handshake();
  if (!over) return fail(over.error());
  if (!*over) return std::nullopt;
  facts_->early = false;
  if (handshake_ != nullptr && handshake_->early.empty()) handshake_.reset();
  return Slice();
}

bool TlsEngine::only_tickets_left() const {
  return server_ && !facts_->early && SSL_version(ssl_.get()) >= TLS1_3_VERSION;
}

// Empties the queue of errors.
Error TlsEngine::explain(ErrorCode code) const {
  // What TLS makes of it says more than what some algorithm found first.
  unsigned long told = 0;
  while (unsigned long error = ERR_get_error()) {
    if (told == 0 || (ERR_GET_LIB(told) != ERR_LIB_SSL && ERR_GET_LIB(error) == ERR_LIB_SSL)) {
      told = error;
    }
  }
  const char* reason = ERR_reason_error_string(told);
  if (ERR_GET_LIB(told) == ERR_LIB_SSL && is_verification(ERR_GET_REASON(told))) {
    long verified = SSL_get_verify_result(ssl_.get());
    if (verified != X509_V_OK) reason = X509_verify_cert_error_string(verified);
    return Error(ErrorCode::tls_verify, Origin::weir, reason);
  }
  return Error(code, Origin::weir, reason != nullptr ? reason : "unknown");
}

void TlsEngine::establish() {
  if (facts_ != nullptr) return;
  SSL* connection = ssl_.get();
  facts_ = std::make_unique<TlsFacts>();
  facts_->version = SSL_get_version(connection);
  facts_->cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(connection));
  facts_->server_name = std::move(handshake_->server_name);
  const unsigned char* alpn = nullptr;
  unsigned alpn_size = 0;
  SSL_get0_alpn_selected(connection, &alpn, &alpn_size);
  facts_->alpn.assign(reinterpret_cast<const char*>(alpn), alpn_size);
  facts_->resumed = SSL_session_reused(connection) == 1;
  if (X509* peer = SSL_get0_peer_certificate(connection)) facts_->peer = describe(peer);
  // A ticket of TLS 1.2 that was renewed: OpenSSL tells of new sessions only.
  if (client_ != nullptr && facts_->resumed && SSL_version(connection) < TLS1_3_VERSION &&
      SSL_get0_session(connection) != handshake_->offered.get()) {
    SSL_SESSION* renewed = SSL_get1_session(connection);
    if (!keep_session(renewed)) SSL_SESSION_free(renewed);
  }
}

}  // namespace weir

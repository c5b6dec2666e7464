// What OpenSSL asks a server during a handshake: which certificate, which protocol, which key.
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "io/tls/engine_handshake.h"
#include "io/tls/server_profile.h"
#include "io/tls/spent_tickets.h"

namespace weir {
namespace {

const TlsServerState& state_of(void* argument) {
  return *static_cast<const TlsServerState*>(argument);
}

// RFC 6066, 3: a list whose only entry is of type 0, a host name.
std::string_view server_name_in(SSL* connection) {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(connection, TLSEXT_TYPE_server_name, &data, &size) != 1) return {};
  constexpr std::size_t kBeforeName = 5;  // list length (2), type (1), name length (2)
  if (size < kBeforeName || data[2] != TLSEXT_NAMETYPE_host_name) return {};
  std::size_t length = static_cast<std::size_t>(data[3]) << 8 | data[4];
  if (length != size - kBeforeName) return {};
  return {reinterpret_cast<const char*>(data) + kBeforeName, length};
}

std::string lower_case(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string text(name);
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

// Runs before any ticket is looked at. The session's context decides whether it may be resumed: a
// ticket made for another name, or under another policy for clients, is as good as none.
int on_client_hello(SSL* connection, int*, void* argument) {
  const TlsServerState& state = state_of(argument);
  TlsEngine::Handshake* handshake = TlsEngine::of(connection).in_handshake();
  if (handshake == nullptr) return SSL_CLIENT_HELLO_ERROR;
  handshake->server_name = lower_case(server_name_in(connection));
  std::string bound(reinterpret_cast<const char*>(state.policy.data()), state.policy.size());
  bool asks = state.asks_clients(handshake->server_name);
  if (!asks) SSL_set_verify(connection, SSL_VERIFY_NONE, nullptr);
  bound += asks ? '1' : '0';
  bound += handshake->server_name;
  std::array<unsigned char, SSL_MAX_SID_CTX_LENGTH> digest;
  if (EVP_Digest(bound.data(), bound.size(), digest.data(), nullptr, state.sha256.get(), nullptr) !=
          1 ||
      SSL_set_session_id_context(connection, digest.data(), digest.size()) != 1) {
    return SSL_CLIENT_HELLO_ERROR;
  }
  return SSL_CLIENT_HELLO_SUCCESS;
}

// Not asked when a session is resumed.
int on_certificate(SSL* connection, void* argument) {
  TlsEngine::Handshake* handshake = TlsEngine::of(connection).in_handshake();
  const CertificateChoice* choice =
      state_of(argument).certificates->find(handshake->server_name, handshake->worker);
  if (choice == nullptr) return 0;
  handshake->choice = choice;
  for (const ShownCertificate* shown : {&choice->rsa, &choice->ecdsa}) {
    if (shown->certificate != nullptr && !shown->certificate->use_in(connection)) return 0;
  }
  return 1;
}

int on_alpn(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
            const unsigned char* offered, unsigned offered_size, void* argument) {
  const std::string& ours = state_of(argument).alpn;
  unsigned char* out = nullptr;
  int found =
      SSL_select_next_proto(&out, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), offered, offered_size);
  // RFC 7301, 3.2. Going on without a protocol would let bytes meant for another one through.
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = out;
  return SSL_TLSEXT_ERR_OK;
}

// Asked right after on_certificate, when it is known which of the two kinds is shown.
int on_status_request(SSL* connection, void*) {
  TlsEngine::Handshake* handshake = TlsEngine::of(connection).in_handshake();
  if (handshake == nullptr || handshake->choice == nullptr) return SSL_TLSEXT_ERR_NOACK;
  X509* shown = SSL_get_certificate(connection);
  for (const ShownCertificate* each : {&handshake->choice->ecdsa, &handshake->choice->rsa}) {
    if (each->certificate == nullptr || each->certificate->certificate() != shown) continue;
    if (each->staple == nullptr) return SSL_TLSEXT_ERR_NOACK;
    const std::string& staple = *each->staple;
    void* copy = OPENSSL_memdup(staple.data(), staple.size());  // OpenSSL frees it
    if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(connection, copy, static_cast<long>(staple.size()));
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

bool set_ticket_mac(EVP_MAC_CTX* mac, const TicketKey& key) {
  char digest[] = "SHA256";
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(
          OSSL_MAC_PARAM_KEY, const_cast<unsigned char*>(key.hmac.data()), key.hmac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

// Returns -1 on failure, 0 for an unknown key, 1, or 2 to have the ticket renewed.
int on_ticket_key(SSL* connection, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                  EVP_MAC_CTX* mac, int encrypt) {
  const TlsServerState& state = TlsServerState::of(SSL_get_SSL_CTX(connection));
  TlsEngine::Handshake* handshake = TlsEngine::of(connection).in_handshake();
  if (handshake == nullptr || state.ticket_keys == nullptr) return -1;
  const std::vector<TicketKey>& keys = state.ticket_keys->current(handshake->worker).keys;
  const EVP_CIPHER* aes = state.ticket_cipher.get();
  if (encrypt == 1) {
    const TicketKey& key = keys.front();
    std::ranges::copy(key.name, name);
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(aes)) != 1) return -1;
    bool set = EVP_EncryptInit_ex2(cipher, aes, key.aes.data(), iv, nullptr) == 1;
    return set && set_ticket_mac(mac, key) ? 1 : -1;
  }
  auto key = std::ranges::find_if(keys, [name](const TicketKey& each) {
    return std::memcmp(each.name.data(), name, each.name.size()) == 0;
  });
  if (key == keys.end()) return 0;
  bool set = EVP_DecryptInit_ex2(cipher, aes, key->aes.data(), iv, nullptr) == 1;
  if (!set || !set_ticket_mac(mac, *key)) return -1;
  // A ticket of TLS 1.3 is used once (RFC 8446, C.4): whoever came with one gets the next.
  bool renew = key != keys.begin() || SSL_version(connection) >= TLS1_3_VERSION;
  return renew ? 2 : 1;
}

// A client's certificate is in its ticket; one that has run out since is looked at anew, which only
// a full handshake can do.
SSL_TICKET_RETURN on_ticket(SSL*, SSL_SESSION* session, const unsigned char*, std::size_t,
                            SSL_TICKET_STATUS status, void*) {
  bool good = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
  if (!good) return SSL_TICKET_RETURN_IGNORE_RENEW;
  X509* client = SSL_SESSION_get0_peer(session);
  if (client != nullptr && X509_cmp_current_time(X509_get0_notAfter(client)) < 0) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

// Asked when all else speaks for it: the ticket is good and about as old as the client says, and
// name and protocol are those it was made under. What two tickets never share is the secret that
// they stand for.
int on_early_data(SSL* connection, void* argument) {
  std::array<unsigned char, SSL_MAX_MASTER_KEY_LENGTH> secret;
  SSL_SESSION* session = SSL_get_session(connection);
  std::size_t size = SSL_SESSION_get_master_key(session, secret.data(), secret.size());
  SpentTickets::Digest digest;
  bool known = size > 0 && EVP_Digest(secret.data(), size, digest.data(), nullptr,
                                      state_of(argument).sha256.get(), nullptr) == 1;
  OPENSSL_cleanse(secret.data(), secret.size());
  return known && SpentTickets::of_process().spend(digest, std::time(nullptr)) ? 1 : 0;
}

}  // namespace

void set_server_callbacks(SSL_CTX* context, const TlsServerState& state) {
  void* argument = const_cast<TlsServerState*>(&state);
  SSL_CTX_set_client_hello_cb(context, &on_client_hello, argument);
  SSL_CTX_set_cert_cb(context, &on_certificate, argument);
  SSL_CTX_set_tlsext_status_cb(context, &on_status_request);
  if (!state.alpn.empty()) SSL_CTX_set_alpn_select_cb(context, &on_alpn, argument);
  if (state.ticket_keys == nullptr) return;
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &on_ticket_key);
  if (state.early_data) SSL_CTX_set_allow_early_data_cb(context, &on_early_data, argument);
  if (state.client_auth != ClientAuth::none) {
    SSL_CTX_set_session_ticket_cb(context, nullptr, &on_ticket, nullptr);
  }
}

}  // namespace weir

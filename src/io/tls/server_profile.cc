#include "io/tls/server_profile.h"

#include <openssl/err.h>

#include "io/tls/files.h"
#include "io/tls/provider.h"

namespace weir {
namespace {

// Mozilla's intermediate list without finite-field Diffie-Hellman, whose cost a client can abuse.
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphers13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
// In our order of preference: where a name has both kinds of certificate, the cheap one is shown.
constexpr const char* kSignatures =
    "ECDSA+SHA256:ed25519:ECDSA+SHA384:ECDSA+SHA512:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"
    "RSA+SHA256:RSA+SHA384:RSA+SHA512";
constexpr long kMaxClientChainBytes = 32 * 1024;
constexpr long kSessionSeconds = 2 * 60 * 60;
constexpr unsigned kMaxTickets = 4;
constexpr std::uint32_t kMaxEarlyData = 16 * 1024;

int state_index() {
  static const int index =
      CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL_CTX, 0, nullptr, nullptr, nullptr,
                              [](void*, void* state, CRYPTO_EX_DATA*, int, long, void*) {
                                delete static_cast<TlsServerState*>(state);
                              });
  return index;
}

std::unexpected<TlsProblem> problem(std::string file, std::string reason) {
  return std::unexpected(TlsProblem{std::move(file), std::move(reason)});
}

std::expected<void, TlsProblem> set_client_auth(SSL_CTX* context, const TlsServerOptions& options,
                                                TlsServerState& state) {
  std::string policy(1, static_cast<char>(options.client_auth));
  if (options.client_auth != ClientAuth::none) {
    std::expected<std::string, std::string> pem = read_small_file(options.client_ca_file);
    if (!pem) return problem(options.client_ca_file, pem.error());
    if (!add_authorities(context, *pem, /*tell_clients=*/true)) {
      return problem(options.client_ca_file, take_openssl_error_text());
    }
    policy += *pem;
    if (options.client_auth_names) state.client_auth_names.emplace(*options.client_auth_names);
    int mode = SSL_VERIFY_PEER;
    if (options.client_auth == ClientAuth::require) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(context, mode, nullptr);
    SSL_CTX_set_max_cert_list(context, kMaxClientChainBytes);
  }
  EVP_Digest(policy.data(), policy.size(), state.policy.data(), nullptr, state.sha256.get(),
             nullptr);
  return {};
}

// Nothing is ever looked up by it: there is no session cache, and with a ticket it stays here.
int no_session_id(SSL*, unsigned char* id, unsigned* size) {
  id[0] = 1;
  *size = 1;
  return 1;
}

std::expected<void, TlsProblem> set_tickets(SSL_CTX* context, const TlsServerOptions& options) {
  if (options.tickets > kMaxTickets) return problem({}, "at most 4 session tickets");
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_generate_session_id(context, &no_session_id);
  SSL_CTX_set_timeout(context, kSessionSeconds);
  bool none = options.ticket_keys == nullptr || options.tickets == 0;
  if (none) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, none ? 0 : options.tickets);
  if (options.early_data) {
    // OpenSSL's defence needs its cache of sessions; ours is SpentTickets.
    SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
    SSL_CTX_set_max_early_data(context, kMaxEarlyData);
    SSL_CTX_set_recv_max_early_data(context, kMaxEarlyData);
  }
  return {};
}

}  // namespace

std::string alpn_wire(const std::vector<std::string>& protocols) {
  std::string wire;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) return {};
    wire += static_cast<char>(protocol.size());
    wire += protocol;
  }
  return wire;
}

bool set_common(SSL_CTX* context, TlsVersion min, TlsVersion max) {
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  auto number = [](TlsVersion version) {
    return version == TlsVersion::tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  };
  return SSL_CTX_set_min_proto_version(context, number(min)) == 1 &&
         SSL_CTX_set_max_proto_version(context, number(max)) == 1 &&
         SSL_CTX_set_cipher_list(context, kCiphers12) == 1 &&
         SSL_CTX_set_ciphersuites(context, kCiphers13) == 1 &&
         SSL_CTX_set1_groups_list(context, kGroups) == 1 &&
         SSL_CTX_set1_sigalgs_list(context, kSignatures) == 1;
}

const TlsServerState& TlsServerState::of(SSL_CTX* context) {
  return *static_cast<TlsServerState*>(SSL_CTX_get_ex_data(context, state_index()));
}

std::expected<std::shared_ptr<const TlsServerProfile>, TlsProblem> TlsServerProfile::make(
    const TlsServerOptions& options) {
  start_openssl();
  TlsVersion least = options.min_version.value_or(
      options.preset == TlsPreset::modern ? TlsVersion::tls13 : TlsVersion::tls12);
  TlsVersion most = options.max_version.value_or(TlsVersion::tls13);
  if (least > most) return problem({}, "min_version is above max_version");
  if (options.certificates == nullptr) return problem({}, "no certificates");
  bool others = options.ticket_keys != nullptr && options.ticket_keys->shared();
  if (options.early_data && (others || options.client_auth != ClientAuth::none)) {
    return problem({}, "early_data with ticket_keys or client_auth");
  }
  std::string alpn = alpn_wire(options.alpn);
  if (alpn.empty() != options.alpn.empty()) return problem({}, "a bad name in alpn");

  SslContextPtr context(SSL_CTX_new_ex(nullptr, kTlsAlgorithms, TLS_server_method()));
  if (context == nullptr || !set_common(context.get(), least, most)) {
    return problem({}, take_openssl_error_text());
  }
  auto* state = new TlsServerState;
  SSL_CTX_set_ex_data(context.get(), state_index(), state);  // goes with the context
  state->certificates = options.certificates;
  state->ticket_keys = options.ticket_keys;
  state->alpn = std::move(alpn);
  state->client_auth = options.client_auth;
  state->early_data = options.early_data;
  state->sha256.reset(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  state->ticket_cipher.reset(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr));
  if (auto set = set_client_auth(context.get(), options, *state); !set) {
    return std::unexpected(set.error());
  }
  if (auto set = set_tickets(context.get(), options); !set) return std::unexpected(set.error());
  set_server_callbacks(context.get(), *state);
  return std::shared_ptr<const TlsServerProfile>(new TlsServerProfile(std::move(context)));
}

TlsServerProfile::~TlsServerProfile() = default;

bool TlsServerProfile::early_data() const { return TlsServerState::of(context_.get()).early_data; }

bool TlsServerProfile::serves_alike(std::string_view server_name, std::string_view other,
                                    Slots& worker) const {
  if (server_name == other) return true;
  const TlsServerState& state = TlsServerState::of(context_.get());
  if (state.asks_clients(server_name) != state.asks_clients(other)) return false;
  if (server_name.empty()) return true;
  // What is found stays valid only until the next look: addresses are compared, nothing else.
  auto shown = [&](std::string_view name) {
    const CertificateChoice* choice = state.certificates->find(name, worker);
    return choice == nullptr ? std::pair<const void*, const void*>()
                             : std::pair<const void*, const void*>(choice->ecdsa.certificate.get(),
                                                                   choice->rsa.certificate.get());
  };
  return shown(server_name) == shown(other);
}

}  // namespace weir

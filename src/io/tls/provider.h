// Algorithms of ours that OpenSSL uses in place of its own, where those cost much more than the
// work they do: the key schedule of TLS 1.3, and HMAC for Finished and for tickets.
#pragma once

namespace weir {

/// For SSL_CTX_new_ex: takes from our provider what it has, all else from OpenSSL's.
inline constexpr const char* kTlsAlgorithms = "?provider=weir";

/// Loads the provider beside OpenSSL's default one, for those alone who ask with `kTlsAlgorithms`.
/// Without it they get OpenSSL's own. Called once, by start_openssl.
void load_tls_provider();

}  // namespace weir

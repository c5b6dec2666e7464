#include "io/tls/client_sessions.h"

#include <algorithm>
#include <utility>

namespace weir {

void TlsClientSessions::put(std::string_view name, SslSessionPtr session) {
  if (most_ == 0) return;
  kept_.push_front({std::string(name), std::move(session)});
  if (kept_.size() > most_) kept_.pop_back();
}

SslSessionPtr TlsClientSessions::take(std::string_view name) {
  auto found = std::ranges::find(kept_, name, &Kept::name);
  if (found == kept_.end()) return nullptr;
  if (SSL_SESSION_get_protocol_version(found->session.get()) < TLS1_3_VERSION) {
    SSL_SESSION_up_ref(found->session.get());
    return SslSessionPtr(found->session.get());
  }
  SslSessionPtr session = std::move(found->session);
  kept_.erase(found);
  return session;
}

}  // namespace weir

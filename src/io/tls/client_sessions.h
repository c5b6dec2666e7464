// Sessions that a client may resume, kept by one worker for one profile.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>

#include "io/tls/openssl.h"

namespace weir {

/// Newest first; the oldest go when there are more than `most`.
class TlsClientSessions {
 public:
  explicit TlsClientSessions(std::size_t most) : most_(most) {}

  void put(std::string_view name, SslSessionPtr session);
  /// The newest for `name`, null if none. One of TLS 1.3 leaves: its ticket is used once (RFC 8446,
  /// C.4). Older ones serve as often as the server lets them.
  SslSessionPtr take(std::string_view name);
  std::size_t size() const { return kept_.size(); }

 private:
  struct Kept {
    std::string name;
    SslSessionPtr session;
  };
  std::list<Kept> kept_;
  std::size_t most_;
};

}  // namespace weir

// TLS over a stream: handshakes whose result is again a Stream.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/task.h"
#include "io/stream.h"
#include "io/tls/facts.h"
#include "io/tls/profile.h"

namespace weir {

/// The server's side. `received` is what was read of `transport` already and belongs to TLS: the
/// bytes of a ClientHello that was looked at, or what came with a PROXY header. Errors (origin
/// client): `tls_handshake`, `tls_verify` for a certificate that did not verify, and those of
/// reading and writing; the peer has been sent an alert, and `transport` is closed.
/// `profile` may go once the task has ended.
Task<Result<std::unique_ptr<Stream>>> tls_accept(std::unique_ptr<Stream> transport,
                                                 const TlsServerProfile& profile,
                                                 StopToken stop = {}, Slice received = {});

/// The client's side. `name` is checked and sent as SNI unless the profile has a name of its own;
/// it is a DNS name or the text of an IP address. `only`: the one protocol that is offered by ALPN
/// in place of the profile's. Errors (origin upstream) as above; nothing of the
/// caller's has been sent, so all may be tried again elsewhere. The stream keeps `profile`.
Task<Result<std::unique_ptr<Stream>>> tls_connect(std::unique_ptr<Stream> transport,
                                                  std::shared_ptr<const TlsClientProfile> profile,
                                                  std::string name, StopToken stop = {},
                                                  std::string_view only = {});

}  // namespace weir

// One question to one server and back: over UDP, or over TCP where UDP does not do.
#pragma once

#include "core/task.h"
#include "io/dns/message.h"
#include "io/loop.h"

namespace weir::dns {

/// Datagrams that are not the answer, after which a UDP exchange is given up as under attack.
inline constexpr unsigned kMaxStrays = 16;

/// Sends the query from a socket of its own (a fresh port, and only the server is heard) and
/// waits for its answer; what does not answer it is skipped and counted in `strays`. The verdict
/// is never `foreign`; it is `suspect` after kMaxStrays. Errors are those of the socket and
/// `timeout`. `query` outlives the await.
Task<Result<Reply>> ask_over_udp(Loop& loop, Address server, const Query& query, Duration timeout,
                                 StopToken stop, unsigned& strays);

/// The same over a connection of its own (RFC 7766); a message that does not answer the query is
/// `malformed`.
Task<Result<Reply>> ask_over_tcp(Loop& loop, Address server, const Query& query, Duration timeout,
                                 StopToken stop);

}  // namespace weir::dns

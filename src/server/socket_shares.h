// Which worker accepts from which socket of a listener.
#pragma once

#include <cstddef>
#include <vector>

namespace weir {

inline constexpr unsigned kNoWorker = ~0u;

struct SocketMove {
  std::size_t socket;  // its place among the listener's sockets
  unsigned from;       // may be kNoWorker, or a worker that leaves
  unsigned to;
};

/// Shares sockets out among workers 0 to `workers` - 1 (at least one), so that none has more than
/// one above another and as few as possible change hands. `owners` holds the worker of each socket
/// and follows.
std::vector<SocketMove> share_out(std::vector<unsigned>& owners, unsigned workers);

}  // namespace weir

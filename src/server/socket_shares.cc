#include "server/socket_shares.h"

#include <algorithm>

namespace weir {

std::vector<SocketMove> share_out(std::vector<unsigned>& owners, unsigned workers) {
  std::vector<SocketMove> moves;
  std::vector<std::size_t> count(workers);
  for (unsigned owner : owners) {
    if (owner < workers) ++count[owner];
  }
  auto poorest = [&] {
    return static_cast<unsigned>(std::ranges::min_element(count) - count.begin());
  };
  auto give = [&](std::size_t socket, unsigned to) {
    moves.push_back({socket, owners[socket], to});
    if (owners[socket] < workers) --count[owners[socket]];
    owners[socket] = to;
    ++count[to];
  };
  for (std::size_t socket = 0; socket < owners.size(); ++socket) {
    if (owners[socket] >= workers) give(socket, poorest());
  }
  for (std::size_t socket = owners.size(); socket-- > 0;) {
    if (count[owners[socket]] > count[poorest()] + 1) give(socket, poorest());
  }
  return moves;
}

}  // namespace weir

// Connections and listening sockets of the simulation as streams and listeners.
#pragma once

#include <memory>

#include "io/sim/loop.h"

namespace weir {

Result<std::unique_ptr<Listener>> make_sim_listener(SimLoop& loop, int socket);
Result<std::unique_ptr<Stream>> adopt_sim(SimLoop& loop, int socket);
bool start_sim_connect(SimLoop& loop, ConnectOperation& operation);

/// The number by which SimNetwork knows the stream's socket; -1 if `stream` is not simulated.
int sim_socket(const Stream& stream);

}  // namespace weir

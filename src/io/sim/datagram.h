// Datagram sockets of the simulation.
#pragma once

#include "io/sim/loop.h"

namespace weir {

/// Completes at once.
bool open_sim_datagram(SimLoop& loop, ConnectOperation& operation);

}  // namespace weir

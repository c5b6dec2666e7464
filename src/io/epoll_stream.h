// Connected sockets of the epoll engine.
#pragma once

#include <memory>

#include "io/epoll_source.h"

namespace weir {

/// Takes over `socket`. `readable`: a read is tried before waiting for an event.
std::unique_ptr<Stream> make_epoll_stream(EpollLoop& loop, int socket, bool readable);
bool start_epoll_connect(EpollLoop& loop, ConnectOperation& operation);

}  // namespace weir

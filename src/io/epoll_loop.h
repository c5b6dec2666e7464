// The epoll engine: edge-triggered, one registration per socket, no epoll_ctl per request.
#pragma once

#include <memory>

#include "io/loop.h"

namespace weir {

Result<std::unique_ptr<Loop>> make_epoll_loop(unsigned index, std::uint64_t seed);

}  // namespace weir

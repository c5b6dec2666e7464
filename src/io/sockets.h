// The system calls that both kernel loops share: making, binding and describing sockets.
#pragma once

#include <sys/types.h>
#include <sys/uio.h>

#include <array>
#include <map>
#include <span>
#include <string>

#include "io/loop.h"

namespace weir {

/// Listening sockets of the kernel.
class KernelNetwork : public Network {
 public:
  Result<int> bind(const Address& address, const BindOptions& options) override;
  Result<Address> bound_address(int socket) override;
  /// Removes the file of a Unix socket, unless another program has put its own there.
  void close(int socket) override;

 private:
  struct SocketFile {
    std::string path;
    dev_t device;
    ino_t inode;
  };
  std::map<int, SocketFile> files_;  // by socket
};

/// A non-blocking, close-on-exec socket that is ready to connect to `address`.
Result<int> open_socket(const Address& address, const ConnectOptions& options);
/// Without effect on Unix sockets.
void set_no_delay(int socket);
Address peer_of(int socket);
Address local_of(int socket);
Address redirected_from(int socket);
/// Nothing unread and not closed, asked of the kernel.
bool idle_and_open(int socket);
void reset_on_close(int socket);

/// Gathers memory slices for one writev; stops at any other. Returns how many were taken.
std::size_t gather(std::span<Slice> slices, std::span<iovec> out);
/// Consumes `sent` bytes from the front and drops empty slices from the span.
void consume(std::span<Slice>& slices, std::size_t sent);

/// One attempt to read without waiting, into a pipe if the reader wants it so and there is one,
/// else into a block of the pool, bulk ones for large hints. Bytes read, 0 at the end, or -1 with
/// errno.
struct Received {
  std::ptrdiff_t count;
  bool more;  // the socket may hold more than what was taken
  Slice slice;
};
Received receive_some(int socket, Loop& loop, std::size_t hint, bool into_pipe);

/// One attempt to send the front of `slices` without waiting (writev, sendfile or
/// splice). Returns the
/// bytes sent; 0 with `would_block` set if the socket is full. `last`: the socket is closed or shut
/// down next, and the FIN may leave with these bytes.
Result<std::size_t> send_some(int socket, std::span<Slice> slices, bool last, bool& would_block);

/// Sends what goes without waiting and consumes it; errors are left for the next operation.
void try_send(int socket, std::span<Slice>& data);

/// Raises the soft limit of descriptors to the hard one; returns what is in force.
std::size_t raise_descriptor_limit();

}  // namespace weir

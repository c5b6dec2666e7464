#include "io/sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "io/datagram_calls.h"

namespace weir {
namespace {

constexpr int kOriginalDestination = 80;  // SO_ORIGINAL_DST; its header and netinet/in.h exclude
                                          // each other
constexpr std::size_t kMaxSendfile = 1 << 20;  // one call must not keep the loop for long

Error last_error(std::string_view detail) {
  return Error(from_errno(errno), Origin::weir, detail, Retry::if_unsent);
}

// Of a socket of both families the IPv6 option is the one that counts.
bool set_transparent(int socket, bool v4) {
  int on = 1;
  if (!v4) {
    return ::setsockopt(socket, SOL_IPV6, IPV6_TRANSPARENT, &on, sizeof on) == 0;
  }
  return ::setsockopt(socket, SOL_IP, IP_TRANSPARENT, &on, sizeof on) == 0;
}

// The port is chosen with the connect, when the other end is known: so that ports suffice for more
// connections than there are ports.
bool bind_source(int socket, const IpAddress& source) {
  int on = 1;
  if (!set_transparent(socket, source.v4)) return false;
  (void)::setsockopt(socket, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  sockaddr_storage storage;
  socklen_t length = Address(source, 0).to_sockaddr(storage);
  return ::bind(socket, reinterpret_cast<sockaddr*>(&storage), length) == 0;
}

Status prepare(int socket, const Address& address, const BindOptions& options) {
  int on = 1;
  if (address.family() == Address::Family::unix_path) {
    // A socket file whose owner is gone refuses connections: only then is it removed. Files of
    // other kinds refuse them too, and stay.
    struct stat file{};
    std::string path(address.path());
    if (::lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return {};
    sockaddr_storage storage;
    socklen_t length = address.to_sockaddr(storage);
    int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool dead = ::connect(probe, reinterpret_cast<sockaddr*>(&storage), length) != 0 &&
                errno == ECONNREFUSED;
    ::close(probe);
    if (dead) ::unlink(path.c_str());
    return {};
  }
  // On UDP it would let other programs share the port.
  if (!options.datagram && ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
    return fail(last_error("SO_REUSEADDR"));
  }
  if (options.datagram) prepare_datagram_socket(socket, address);
  if (options.reuse_port && ::setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
    return fail(last_error("SO_REUSEPORT"));
  }
  if (options.transparent && !set_transparent(socket, address.family() == Address::Family::ipv4)) {
    return fail(last_error("IP_TRANSPARENT"));
  }
  if (address.family() == Address::Family::ipv6) {
    int only = address.any() ? 0 : 1;
    ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only);
  }
  return {};
}

int family_of(const Address& address) {
  switch (address.family()) {
    case Address::Family::ipv4: return AF_INET;
    case Address::Family::ipv6: return AF_INET6;
    default: return AF_UNIX;
  }
}

// Machines without IPv6 still serve ":8080".
Result<int> bind_one(const Address& address, const BindOptions& options) {
  int type = options.datagram ? SOCK_DGRAM : SOCK_STREAM;
  int socket = ::socket(family_of(address), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0 && errno == EAFNOSUPPORT && address.any()) {
    IpAddress any;
    any.v4 = true;
    return bind_one(Address(any, address.port()), options);
  }
  if (socket < 0) return fail(last_error("socket"));
  Status ready = prepare(socket, address, options);
  sockaddr_storage storage;
  socklen_t length = address.to_sockaddr(storage);
  if (ready && ::bind(socket, reinterpret_cast<sockaddr*>(&storage), length) != 0) {
    ready = fail(last_error("bind"));
  }
  if (ready && options.unix_mode != 0 && address.family() == Address::Family::unix_path &&
      ::chmod(std::string(address.path()).c_str(), options.unix_mode) != 0) {
    ready = fail(last_error("chmod"));
  }
  if (ready && !options.datagram && ::listen(socket, options.backlog) != 0)
    ready = fail(last_error("listen"));
  if (!ready) {
    ::close(socket);
    return fail(ready.error());
  }
  return socket;
}

}  // namespace

Result<int> KernelNetwork::bind(const Address& address, const BindOptions& options) {
  Result<int> socket = bind_one(address, options);
  if (!socket || address.family() != Address::Family::unix_path) return socket;
  std::string path(address.path());
  struct stat file{};
  if (::lstat(path.c_str(), &file) == 0) {
    files_.insert_or_assign(*socket, SocketFile{path, file.st_dev, file.st_ino});
  }
  return socket;
}

Result<Address> KernelNetwork::bound_address(int socket) { return local_of(socket); }

void KernelNetwork::close(int socket) {
  if (auto known = files_.extract(socket)) {
    const SocketFile& ours = known.mapped();
    struct stat file{};
    bool still = ::lstat(ours.path.c_str(), &file) == 0 && file.st_dev == ours.device &&
                 file.st_ino == ours.inode;
    if (still) ::unlink(ours.path.c_str());
  }
  ::close(socket);
}

Result<int> open_socket(const Address& address, const ConnectOptions& options) {
  int type = options.datagram ? SOCK_DGRAM : SOCK_STREAM;
  int socket = ::socket(family_of(address), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket < 0) return fail(last_error("socket"));
  if (!options.datagram) set_no_delay(socket);
  if (options.source && !bind_source(socket, *options.source)) {
    Error error = last_error("IP_TRANSPARENT");
    ::close(socket);
    return fail(error);
  }
  return socket;
}

void set_no_delay(int socket) {
  int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Address peer_of(int socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return Address::from_sockaddr(storage, length);
}

Address local_of(int socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return Address::from_sockaddr(storage, length);
}

// Without a rule for it the answer is an error, or where the connection went anyway.
Address redirected_from(int socket) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockopt(socket, SOL_IP, kOriginalDestination, &storage, &length) != 0) {
    length = sizeof storage;
    if (::getsockopt(socket, SOL_IPV6, kOriginalDestination, &storage, &length) != 0) return {};
  }
  Address wanted = Address::from_sockaddr(storage, length);
  return wanted == local_of(socket) ? Address() : wanted;
}

bool idle_and_open(int socket) {
  char byte;
  ssize_t got = ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void reset_on_close(int socket) {
  linger off{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &off, sizeof off);
}

std::size_t gather(std::span<Slice> slices, std::span<iovec> out) {
  std::size_t count = 0;
  for (Slice& slice : slices) {
    if (count == out.size() || slice.kind() != Slice::Kind::memory) break;
    out[count++] = {const_cast<char*>(slice.data()), slice.size()};
  }
  return count;
}

void consume(std::span<Slice>& slices, std::size_t sent) {
  while (!slices.empty()) {
    Slice& front = slices.front();
    if (sent < front.size()) {
      front.advance(sent);
      return;
    }
    sent -= front.size();
    front = Slice();
    slices = slices.subspan(1);
  }
}

Received receive_some(int socket, Loop& loop, std::size_t hint, bool into_pipe) {
  Received received{};
  if (into_pipe) {
    // How much a splice takes says nothing about what is left: the pipe has a limit of its own.
    received.more = true;
    std::optional<std::ptrdiff_t> got;
    do {
      got = loop.pipes().fill(socket, hint, received.slice);
    } while (got && *got < 0 && errno == EINTR);
    if (got) {
      received.count = *got;
      return received;
    }
  }
  BufferPool& buffers = loop.buffers();
  BufferPool::Loan loan = buffers.lend(hint > BufferPool::kBlockBytes);
  do {
    received.count = ::recv(socket, loan.data, loan.size, MSG_DONTWAIT);
  } while (received.count < 0 && errno == EINTR);
  if (received.count <= 0) return received;
  received.more = static_cast<std::size_t>(received.count) == loan.size;
  received.slice = buffers.commit(loan, static_cast<std::size_t>(received.count));
  return received;
}

Result<std::size_t> send_some(int socket, std::span<Slice> slices, bool last, bool& would_block) {
  would_block = false;
  ssize_t sent;
  do {
    if (slices.front().kind() == Slice::Kind::file) {
      const Slice& front = slices.front();
      auto offset = static_cast<off_t>(front.offset());
      sent = ::sendfile(socket, front.file(), &offset, std::min(front.size(), kMaxSendfile));
      if (sent == 0) return fail(ErrorCode::truncated, Origin::weir, "the file became shorter");
    } else if (slices.front().kind() == Slice::Kind::pipe) {
      sent = PipePool::drain(slices.front(), socket, slices.size() > 1);
    } else if (slices.size() == 1) {
      int more = last ? MSG_MORE : 0;
      sent = ::send(socket, slices.front().data(), slices.front().size(), MSG_NOSIGNAL | more);
    } else {
      std::array<iovec, 64> vectors;
      msghdr message{};
      message.msg_iov = vectors.data();
      message.msg_iovlen = gather(slices, vectors);
      // A head in front of a file waits for the file's first bytes.
      int more = last || message.msg_iovlen < slices.size() ? MSG_MORE : 0;
      sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | more);
    }
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    would_block = true;
    return std::size_t{0};
  }
  return fail(last_error("send"));
}

void try_send(int socket, std::span<Slice>& data) {
  consume(data, 0);
  while (!data.empty()) {
    bool would_block;
    Result<std::size_t> sent = send_some(socket, data, /*last=*/false, would_block);
    if (!sent || would_block) return;
    consume(data, *sent);
  }
}

std::size_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    rlimit raised{limit.rlim_max, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  return limit.rlim_cur;
}

}  // namespace weir

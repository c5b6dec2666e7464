// The barest epoll forwarder of HTTP/1.1: one thread, pooled upstream connections, bytes passed on
// as they came. Usage: floor_epoll_forwarder PORT UPSTREAM_PORT
//
// Of a head it looks only for the end, the length and `Connection: close`, which it blanks out in
// place, so that the upstream connection stays open when the client asks for a new one each time.

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "floor.h"

namespace weir::floor {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

// One side of an exchange: a client's connection or one to the upstream.
struct Connection {
  int peer = -1;  // the other side while an exchange runs
  bool upstream = false;
  bool close = false;           // client side: the request asked for it
  bool in_head = true;          // the next bytes read begin a message
  std::uint64_t body_left = 0;  // bytes of the message still to be read from this side
  std::string unsent;           // bytes from the peer that this side's socket did not take
};

struct Forwarder {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  int upstream_port = 0;
  std::vector<Connection> connections{kMaxDescriptors};
  std::vector<int> idle;  // upstream connections, the last used at the end
  std::vector<char> buffer = std::vector<char>(kReadBytes);

  Connection& at(int fd) { return connections[static_cast<std::size_t>(fd)]; }
};

void forget(Forwarder& forwarder, int fd) {
  forwarder.at(fd) = {};
  close(fd);
}

// Ends both sides of whatever `fd` takes part in.
void drop(Forwarder& forwarder, int fd) {
  const int peer = forwarder.at(fd).peer;
  if (peer >= 0) forget(forwarder, peer);
  std::erase(forwarder.idle, fd);
  forget(forwarder, fd);
}

int lease(Forwarder& forwarder) {
  if (!forwarder.idle.empty()) {
    const int fd = forwarder.idle.back();
    forwarder.idle.pop_back();
    return fd;
  }
  const int fd = connect_to(forwarder.epoll, forwarder.upstream_port);
  forwarder.at(fd).upstream = true;
  return fd;
}

std::uint64_t body_length(std::string_view head) {
  // Proxies and origins write the name in either case.
  std::size_t at = head.find("ontent-Length: ");
  if (at == std::string_view::npos) at = head.find("ontent-length: ");
  return at == std::string_view::npos ? 0 : std::strtoull(head.data() + at + 15, nullptr, 10);
}

char* find(char* begin, std::size_t size, std::string_view what) {
  return static_cast<char*>(memmem(begin, size, what.data(), what.size()));
}

// The head that starts in `bytes`: notes lengths and `close`, and blanks the hop's own field.
void begin(Forwarder& forwarder, int fd, char* bytes, std::size_t size) {
  Connection& connection = forwarder.at(fd);
  const char* end = find(bytes, size, "\r\n\r\n");
  if (end == nullptr) die("a head came in pieces");
  const std::size_t head = static_cast<std::size_t>(end + 4 - bytes);
  connection.body_left = body_length({bytes, head}) + head;
  connection.in_head = false;
  if (connection.upstream) {
    if (!forwarder.at(connection.peer).close) return;
    char* field = find(bytes, head, "Connection: keep-alive");
    if (field == nullptr) die("an answer that does not say keep-alive");
    std::memcpy(field + 12, "close     ", 10);
    return;
  }
  char* field = find(bytes, head, "Connection: close");
  connection.close = field != nullptr;
  if (field != nullptr) std::memset(field + 12, ' ', 5);
  const int upstream = lease(forwarder);
  connection.peer = upstream;
  forwarder.at(upstream).peer = fd;
}

// Sends `bytes` to `fd`; keeps what the socket does not take. False: the exchange was dropped.
bool pass(Forwarder& forwarder, int fd, std::string_view bytes) {
  const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) {
    drop(forwarder, fd);
    return false;
  }
  bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
  if (!bytes.empty()) forwarder.at(fd).unsent.assign(bytes);
  return true;
}

// Called when an answer has been read and sent whole: the upstream connection goes back to the
// pool, the client's waits for the next request.
void finish(Forwarder& forwarder, int client) {
  Connection& connection = forwarder.at(client);
  const int upstream = std::exchange(connection.peer, -1);
  forwarder.at(upstream) = {};
  forwarder.at(upstream).upstream = true;
  forwarder.idle.push_back(upstream);
  connection.in_head = true;
  if (connection.close) forget(forwarder, client);
}

bool answered(Forwarder& forwarder, int client) {
  const Connection& connection = forwarder.at(client);
  const Connection& upstream = forwarder.at(connection.peer);
  return !upstream.in_head && upstream.body_left == 0 && connection.unsent.empty();
}

// Reads from `fd` what there is, as long as the other side takes it. A short read means that
// there is no more, unless the peer has closed (`closed`): then only a further read shows the end.
void readable(Forwarder& forwarder, int fd, bool closed) {
  while (true) {
    Connection& connection = forwarder.at(fd);
    if (connection.peer >= 0 && !forwarder.at(connection.peer).unsent.empty()) return;
    const ssize_t got = read(fd, forwarder.buffer.data(), forwarder.buffer.size());
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0 || (connection.upstream && connection.peer < 0)) return drop(forwarder, fd);
    const std::size_t size = static_cast<std::size_t>(got);
    if (connection.in_head) begin(forwarder, fd, forwarder.buffer.data(), size);
    connection.body_left -= std::min<std::uint64_t>(size, connection.body_left);
    const int peer = connection.peer;
    if (!pass(forwarder, peer, {forwarder.buffer.data(), size})) return;
    if (connection.upstream && answered(forwarder, peer)) return finish(forwarder, peer);
    if (size < forwarder.buffer.size() && !closed) return;
  }
}

void writable(Forwarder& forwarder, int fd) {
  Connection& connection = forwarder.at(fd);
  if (connection.unsent.empty()) return;
  const std::string bytes = std::exchange(connection.unsent, {});
  if (!pass(forwarder, fd, bytes) || !forwarder.at(fd).unsent.empty()) return;
  if (!connection.upstream && answered(forwarder, fd)) return finish(forwarder, fd);
  readable(forwarder, connection.peer, false);
}

int run(int port, int upstream_port) {
  Forwarder forwarder;
  forwarder.upstream_port = upstream_port;
  const int listener = listen_on(forwarder.epoll, port);
  std::array<epoll_event, 512> events;
  while (true) {
    const int count = epoll_wait(forwarder.epoll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      const std::uint32_t what = events[static_cast<std::size_t>(i)].events;
      if (fd == listener) {
        while (accept_one(forwarder.epoll, listener) >= 0) {
        }
        continue;
      }
      if ((what & EPOLLOUT) != 0) writable(forwarder, fd);
      if ((what & EPOLLIN) != 0) readable(forwarder, fd, (what & EPOLLRDHUP) != 0);
    }
  }
}

}  // namespace
}  // namespace weir::floor

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s PORT UPSTREAM_PORT\n", argv[0]);
    return 2;
  }
  return weir::floor::run(weir::floor::port_argument(argv[1]), weir::floor::port_argument(argv[2]));
}

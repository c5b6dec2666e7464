// The barest epoll server: one thread, 1 KB to every GET, 1 MiB to "GET /1m", and an empty answer
// to a POST once its whole body has been read. Usage: floor_epoll_answer PORT
//
// It also serves as the origin of uploads, because it answers only after the last byte of the
// body, which nginx's `return` does not.

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "floor.h"

namespace weir::floor {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

struct Connection {
  std::uint64_t body_left = 0;  // bytes of a POST body still to be read
  bool close = false;           // the request asked for it
  std::string_view unsent;      // the rest of the answer: a view of one that lives for ever
};

struct Server {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<Connection> connections{kMaxDescriptors};
  std::vector<char> buffer = std::vector<char>(kReadBytes);
  // [0] keeps the connection, [1] closes it.
  std::array<std::string, 2> small, large, empty;
};

std::array<std::string, 2> answers(std::size_t body_bytes) {
  const std::string rest =
      "Content-Type: text/plain\r\nContent-Length: " + std::to_string(body_bytes) + "\r\n\r\n" +
      std::string(body_bytes, 'x');
  return {"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n" + rest,
          "HTTP/1.1 200 OK\r\nConnection: close\r\n" + rest};
}

void drop(Server& server, int fd) {
  server.connections[static_cast<std::size_t>(fd)] = {};
  close(fd);
}

// Sends what is unsent; closes the connection after the last byte if the request asked for it.
void flush(Server& server, int fd) {
  Connection& connection = server.connections[static_cast<std::size_t>(fd)];
  while (!connection.unsent.empty()) {
    const ssize_t sent = send(fd, connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno != EAGAIN) drop(server, fd);
      return;
    }
    connection.unsent.remove_prefix(static_cast<std::size_t>(sent));
  }
  if (connection.close) drop(server, fd);
}

// A request's head, which must have come whole; returns the bytes of body that came with it.
std::size_t begin(Server& server, Connection& connection, std::string_view input) {
  const std::size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) die("a head came in pieces");
  const std::string_view head = input.substr(0, end + 4);
  connection.close = head.find("Connection: close") != std::string_view::npos;
  const std::size_t which = connection.close ? 1 : 0;
  if (!head.starts_with("POST")) {
    connection.unsent = head.starts_with("GET /1m") ? server.large[which] : server.small[which];
    return 0;
  }
  // Proxies may write the name in lower case.
  std::size_t at = head.find("ontent-Length: ");
  if (at == std::string_view::npos) at = head.find("ontent-length: ");
  if (at == std::string_view::npos) die("a POST without a length");
  connection.body_left = std::strtoull(head.data() + at + 15, nullptr, 10);
  connection.unsent = server.empty[which];
  return input.size() - head.size();
}

// Reads until there is nothing more. A short read means that too, and saves a call, unless the
// peer has closed (`closed`): then only a further read shows the end.
void readable(Server& server, int fd, bool closed) {
  Connection& connection = server.connections[static_cast<std::size_t>(fd)];
  while (true) {
    const ssize_t got = read(fd, server.buffer.data(), server.buffer.size());
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return drop(server, fd);
    std::size_t body = static_cast<std::size_t>(got);
    if (connection.body_left == 0) body = begin(server, connection, {server.buffer.data(), body});
    connection.body_left -= std::min<std::uint64_t>(body, connection.body_left);
    if (connection.body_left == 0) {
      const bool close_after = connection.close;
      flush(server, fd);
      if (close_after) return;
    }
    if (static_cast<std::size_t>(got) < server.buffer.size() && !closed) return;
  }
}

int run(int port) {
  Server server;
  server.small = answers(1024);
  server.large = answers(1024 * 1024);
  server.empty = answers(0);
  const int listener = listen_on(server.epoll, port);
  std::array<epoll_event, 512> events;
  while (true) {
    const int count = epoll_wait(server.epoll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        while (accept_one(server.epoll, listener) >= 0) {
        }
        continue;
      }
      const std::uint32_t what = events[static_cast<std::size_t>(i)].events;
      const Connection& connection = server.connections[static_cast<std::size_t>(fd)];
      if (!connection.unsent.empty() && connection.body_left == 0 && (what & EPOLLOUT) != 0) {
        flush(server, fd);
      }
      if ((what & EPOLLIN) != 0) readable(server, fd, (what & EPOLLRDHUP) != 0);
    }
  }
}

}  // namespace
}  // namespace weir::floor

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s PORT\n", argv[0]);
    return 2;
  }
  return weir::floor::run(weir::floor::port_argument(argv[1]));
}

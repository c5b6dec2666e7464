// What the floor programs share: loopback sockets, and the end of the program when one fails.
//
// A floor program does the least work with which the job can be done at all, in one thread. It
// trusts its peers (whole heads in one read, no pipelining, bodies with a length), so it is a
// yardstick and not a proxy.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace weir::floor {

// Room for descriptors: every program indexes its connections by descriptor.
inline constexpr int kMaxDescriptors = 20000;
inline constexpr std::uint32_t kEdges = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

[[noreturn]] inline void die(const char* what) {
  std::fprintf(stderr, "floor: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

inline int port_argument(const char* text) {
  const int port = std::atoi(text);
  if (port < 1 || port > 65535) {
    std::fprintf(stderr, "floor: not a port: %s\n", text);
    std::exit(2);
  }
  return port;
}

inline sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

inline void no_delay(int fd) {
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// A non-blocking listening socket on 127.0.0.1, registered level-triggered with `epoll`.
inline int listen_on(int epoll, int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("bind");
  if (listen(fd, 4096) != 0) die("listen");
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
  return fd;
}

// Registers once with edges for everything, so that the hot path needs no epoll_ctl.
inline void watch(int epoll, int fd) {
  if (fd >= kMaxDescriptors) die("too many descriptors");
  epoll_event event{.events = kEdges, .data = {.fd = fd}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

// The next waiting connection, watched; -1 when there is none.
inline int accept_one(int epoll, int listener) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return -1;
  no_delay(fd);
  watch(epoll, fd);
  return fd;
}

// Connects to 127.0.0.1 while blocking (on loopback the handshake ends within the call), then
// makes the socket non-blocking and watches it.
inline int connect_to(int epoll, int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  const sockaddr_in address = loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("connect");
  int on = 1;
  if (ioctl(fd, FIONBIO, &on) != 0) die("ioctl");
  no_delay(fd);
  watch(epoll, fd);
  return fd;
}

}  // namespace weir::floor

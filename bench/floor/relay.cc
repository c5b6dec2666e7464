// The barest relay of bytes between two TCP connections: one thread, one upstream connection per
// client. Usage: floor_relay PORT UPSTREAM_PORT (splice | BYTES)
//
// BYTES is the size of the buffer to copy through; splice moves the bytes through a pipe instead.

#include <fcntl.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "floor.h"

namespace weir::floor {
namespace {

constexpr int kPipeBytes = 1024 * 1024;

struct Connection {
  int peer = -1;
  std::string unsent;               // copy: bytes from the peer that this socket did not take
  std::array<int, 2> pipe{-1, -1};  // splice: holds bytes on their way to this socket
  std::size_t piped = 0;            // splice: bytes in the pipe
};

struct Relay {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  int upstream_port = 0;
  std::vector<Connection> connections{kMaxDescriptors};
  std::vector<char> buffer;               // empty: splice
  std::vector<std::array<int, 2>> pipes;  // empty ones, to be used again

  Connection& at(int fd) { return connections[static_cast<std::size_t>(fd)]; }
};

std::array<int, 2> new_pipe(Relay& relay) {
  std::array<int, 2> ends{};
  if (!relay.pipes.empty()) {
    ends = relay.pipes.back();
    relay.pipes.pop_back();
    return ends;
  }
  if (pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) die("pipe2");
  // The kernel may grant less; that only makes the steps smaller.
  fcntl(ends[0], F_SETPIPE_SZ, kPipeBytes);
  return ends;
}

void forget(Relay& relay, int fd) {
  Connection& connection = relay.at(fd);
  if (connection.pipe[0] >= 0) {
    if (connection.piped == 0) {
      relay.pipes.push_back(connection.pipe);
    } else {
      close(connection.pipe[0]);
      close(connection.pipe[1]);
    }
  }
  connection = {};
  close(fd);
}

void drop(Relay& relay, int fd) {
  const int peer = relay.at(fd).peer;
  if (peer >= 0) forget(relay, peer);
  forget(relay, fd);
}

void join(Relay& relay, int client) {
  const int upstream = connect_to(relay.epoll, relay.upstream_port);
  relay.at(client).peer = upstream;
  relay.at(upstream).peer = client;
  if (!relay.buffer.empty()) return;
  relay.at(client).pipe = new_pipe(relay);
  relay.at(upstream).pipe = new_pipe(relay);
}

// What one step of a relay came to.
enum class Step { kMoved, kLast, kBlocked, kEnded };

// Sends what waits for `fd`. kMoved: nothing waits any more.
Step flush(Relay& relay, int fd) {
  Connection& connection = relay.at(fd);
  while (connection.piped != 0) {
    const ssize_t moved = splice(connection.pipe[0], nullptr, fd, nullptr, connection.piped,
                                 SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (moved <= 0) return errno == EAGAIN ? Step::kBlocked : Step::kEnded;
    connection.piped -= static_cast<std::size_t>(moved);
  }
  if (connection.unsent.empty()) return Step::kMoved;
  const ssize_t sent = send(fd, connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN ? Step::kBlocked : Step::kEnded;
  connection.unsent.erase(0, static_cast<std::size_t>(sent));
  return connection.unsent.empty() ? Step::kMoved : Step::kBlocked;
}

Step copy_step(Relay& relay, int from, int to) {
  const ssize_t got = read(from, relay.buffer.data(), relay.buffer.size());
  if (got <= 0) return got < 0 && errno == EAGAIN ? Step::kBlocked : Step::kEnded;
  const std::string_view bytes{relay.buffer.data(), static_cast<std::size_t>(got)};
  const ssize_t sent = send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN) return Step::kEnded;
  const std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
  if (taken < bytes.size()) {
    relay.at(to).unsent.assign(bytes.substr(taken));
    return Step::kBlocked;
  }
  return bytes.size() < relay.buffer.size() ? Step::kLast : Step::kMoved;
}

Step splice_step(Relay& relay, int from, int to) {
  Connection& target = relay.at(to);
  const ssize_t got =
      splice(from, nullptr, target.pipe[1], nullptr, kPipeBytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  if (got <= 0) return got < 0 && errno == EAGAIN ? Step::kBlocked : Step::kEnded;
  target.piped += static_cast<std::size_t>(got);
  return flush(relay, to);
}

// Moves bytes from `from` to its peer until there are none or the peer takes no more.
void pump(Relay& relay, int from, bool closed) {
  const int to = relay.at(from).peer;
  if (to < 0) return;
  if (relay.at(to).piped != 0 || !relay.at(to).unsent.empty()) return;
  while (true) {
    const Step step =
        relay.buffer.empty() ? splice_step(relay, from, to) : copy_step(relay, from, to);
    if (step == Step::kEnded) return drop(relay, from);
    if (step == Step::kBlocked || (step == Step::kLast && !closed)) return;
  }
}

void writable(Relay& relay, int fd) {
  const Connection& connection = relay.at(fd);
  if (connection.piped == 0 && connection.unsent.empty()) return;
  const Step step = flush(relay, fd);
  if (step == Step::kEnded) return drop(relay, fd);
  if (step == Step::kMoved) pump(relay, connection.peer, false);
}

int run(int port, int upstream_port, std::size_t buffer_bytes) {
  Relay relay;
  relay.upstream_port = upstream_port;
  relay.buffer.resize(buffer_bytes);
  const int listener = listen_on(relay.epoll, port);
  std::signal(SIGPIPE, SIG_IGN);  // splice has no MSG_NOSIGNAL
  std::array<epoll_event, 512> events;
  while (true) {
    const int count = epoll_wait(relay.epoll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      const std::uint32_t what = events[static_cast<std::size_t>(i)].events;
      if (fd == listener) {
        for (int client; (client = accept_one(relay.epoll, listener)) >= 0;) join(relay, client);
        continue;
      }
      if ((what & EPOLLOUT) != 0) writable(relay, fd);
      if ((what & EPOLLIN) != 0) pump(relay, fd, (what & EPOLLRDHUP) != 0);
    }
  }
}

}  // namespace
}  // namespace weir::floor

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s PORT UPSTREAM_PORT (splice | BYTES)\n", argv[0]);
    return 2;
  }
  const bool splice = std::strcmp(argv[3], "splice") == 0;
  const std::size_t bytes = splice ? 0 : std::strtoull(argv[3], nullptr, 10);
  if (!splice && bytes == 0) return 2;
  return weir::floor::run(weir::floor::port_argument(argv[1]), weir::floor::port_argument(argv[2]),
                          bytes);
}

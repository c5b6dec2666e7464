// Datagrams there and back. Usage:
//
//   load_udp PORT echo                     answers each datagram with itself, until interrupted
//   load_udp PORT CLIENTS BYTES SECONDS    clients that send again when they have their answer
//
// Every client has a socket of its own. What is not answered within a second counts as an error,
// and is sent again. Ends with one line of JSON, as bench/load/report.lua writes it.

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "../floor/floor.h"

namespace weir::load {
namespace {

using floor::die;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 64;
constexpr std::size_t kMostBytes = 2048;

int datagram_socket() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket");
  return fd;
}

// Blocks, so that it takes what has come in one call.
int run_echo(int port) {
  const int fd = datagram_socket();
  const int room = 4 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  const sockaddr_in address = floor::loopback(port);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("bind");
  static std::array<std::array<char, kMostBytes>, kBatch> bytes;
  static std::array<sockaddr_in, kBatch> names;
  static std::array<iovec, kBatch> vectors;
  static std::array<mmsghdr, kBatch> messages;
  while (true) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      vectors[i] = {bytes[i].data(), kMostBytes};
      messages[i].msg_hdr = {.msg_name = &names[i],
                             .msg_namelen = sizeof names[i],
                             .msg_iov = &vectors[i],
                             .msg_iovlen = 1,
                             .msg_control = nullptr,
                             .msg_controllen = 0,
                             .msg_flags = 0};
    }
    const int got = recvmmsg(fd, messages.data(), kBatch, MSG_WAITFORONE, nullptr);
    if (got < 0) die("recvmmsg");
    for (int i = 0; i < got; ++i) vectors[i].iov_len = messages[i].msg_len;
    sendmmsg(fd, messages.data(), static_cast<unsigned>(got), 0);
  }
}

struct Client {
  int fd = -1;
  Clock::time_point sent;
};

struct Load {
  std::vector<Client> clients;
  std::string text;
  std::vector<std::int64_t> micros;
  std::uint64_t lost = 0;
  int epoll = epoll_create1(EPOLL_CLOEXEC);

  void say(Client& client) {
    client.sent = Clock::now();
    if (send(client.fd, text.data(), text.size(), MSG_DONTWAIT) < 0) ++lost;
  }
};

void open_clients(Load& load, int port, std::size_t count) {
  const sockaddr_in address = floor::loopback(port);
  load.clients.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const int fd = load.clients[i].fd = datagram_socket();
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      die("connect");
    }
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
    load.say(load.clients[i]);
  }
}

void hear(Load& load, Client& client) {
  std::array<char, kMostBytes> answer;
  if (recv(client.fd, answer.data(), answer.size(), MSG_DONTWAIT) < 0) return;
  load.micros.push_back(
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - client.sent).count());
  load.say(client);
}

void repeat_lost(Load& load, Clock::time_point now) {
  for (Client& client : load.clients) {
    if (now - client.sent < std::chrono::seconds(1)) continue;
    ++load.lost;
    load.say(client);
  }
}

int run_clients(int port, std::size_t count, std::size_t bytes, double seconds) {
  Load load;
  load.text.assign(bytes, 'x');
  load.micros.reserve(1 << 24);
  open_clients(load, port, count);
  const auto begin = Clock::now();
  const auto end =
      begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  auto looked = begin;
  std::array<epoll_event, kBatch> events;
  for (auto now = begin; now < end; now = Clock::now()) {
    const int ready = epoll_wait(load.epoll, events.data(), kBatch, 100);
    for (int i = 0; i < ready; ++i) hear(load, load.clients[events[i].data.u64]);
    if (now - looked < std::chrono::milliseconds(200)) continue;
    looked = now;
    repeat_lost(load, now);
  }
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  std::vector<std::int64_t>& micros = load.micros;
  std::int64_t p99 = 0;
  if (!micros.empty()) {
    auto place = micros.begin() + static_cast<std::ptrdiff_t>(micros.size() * 99 / 100);
    std::nth_element(micros.begin(), place, micros.end());
    p99 = *place;
  }
  std::printf(
      "RESULT {\"requests\": %zu, \"seconds\": %.3f, \"p99_us\": %lld, "
      "\"status_errors\": 0, \"socket_errors\": %llu}\n",
      micros.size(), took, static_cast<long long>(p99), static_cast<unsigned long long>(load.lost));
  return 0;
}

}  // namespace

int run(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[2]) == "echo") {
    return run_echo(floor::port_argument(argv[1]));
  }
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s PORT echo\n       %s PORT CLIENTS BYTES SECONDS\n", argv[0],
                 argv[0]);
    return 2;
  }
  return run_clients(floor::port_argument(argv[1]), static_cast<std::size_t>(std::atoi(argv[2])),
                     std::min<std::size_t>(std::atoi(argv[3]), kMostBytes), std::atof(argv[4]));
}

}  // namespace weir::load

int main(int argc, char** argv) { return weir::load::run(argc, argv); }

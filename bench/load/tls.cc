// Load on a TLS server that wrk cannot make: a handshake for every request, full or resumed, and
// connections that fall silent after one request. Usage: load_tls PORT MODE CONNECTIONS [SECONDS]
//
//   full      a new connection with a full handshake for every request
//   resumed   the same, each with a session of an earlier one; an answer without resumption fails
//   idle      opens CONNECTIONS, makes one request on each, says READY, and waits for an interrupt
//
// Ends with one line of JSON, as bench/load/report.lua writes it.

#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "../floor/floor.h"

namespace weir::load {
namespace {

using floor::die;
using Clock = std::chrono::steady_clock;

constexpr int kIdleAtATime = 100;
constexpr const char* kName = "bench.example";

struct Connection {
  int fd = -1;
  SSL* ssl = nullptr;
  Clock::time_point began;
  bool asked = false;
  std::string answer;
};

struct Load {
  int port = 0;
  bool resume = false;
  bool idle = false;
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  SSL_CTX* context = nullptr;
  std::string request;
  std::deque<SSL_SESSION*> sessions;  // to be offered, the oldest first
  std::vector<Connection> connections{floor::kMaxDescriptors};
  std::vector<std::int64_t> micros;  // of each connection from connect to its end
  std::uint64_t status_errors = 0;
  std::uint64_t socket_errors = 0;
  std::uint64_t not_resumed = 0;
  std::vector<int> silent;
};

int on_session(SSL* ssl, SSL_SESSION* session) {
  auto& load = *static_cast<Load*>(SSL_get_app_data(ssl));
  constexpr std::size_t kMost = 256;
  if (!load.resume || load.sessions.size() == kMost) return 0;
  load.sessions.push_back(session);
  return 1;
}

SSL_CTX* make_context() {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
  SSL_CTX_set1_groups_list(context, "X25519");
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &on_session);
  static const unsigned char alpn[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context, alpn, sizeof alpn - 1);
  return context;
}

void advance(Load& load, Connection& connection);

void open_one(Load& load) {
  const auto began = Clock::now();
  const int fd = floor::connect_to(load.epoll, load.port);
  Connection& connection = load.connections[static_cast<std::size_t>(fd)];
  connection.fd = fd;
  connection.began = began;
  connection.ssl = SSL_new(load.context);
  SSL_set_fd(connection.ssl, fd);
  SSL_set_app_data(connection.ssl, &load);
  SSL_set_tlsext_host_name(connection.ssl, kName);
  SSL_set_connect_state(connection.ssl);
  if (!load.sessions.empty()) {
    SSL_SESSION* session = load.sessions.front();
    load.sessions.pop_front();
    SSL_set_session(connection.ssl, session);
    SSL_SESSION_free(session);
  }
  advance(load, connection);
}

bool whole(const Connection& connection) {
  const std::size_t end = connection.answer.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  std::string head = connection.answer.substr(0, end);
  std::ranges::transform(head, head.begin(), [](unsigned char c) { return std::tolower(c); });
  const std::size_t at = head.find("content-length: ");
  if (at == std::string::npos) return false;
  return connection.answer.size() >= end + 4 + std::strtoull(head.c_str() + at + 16, nullptr, 10);
}

// Counts what came, and keeps the socket alone of a connection that is to be silent.
void finish(Load& load, Connection& connection, bool failed) {
  const auto taken = Clock::now() - connection.began;
  if (failed || !whole(connection)) {
    ++load.socket_errors;
  } else if (!connection.answer.starts_with("HTTP/1.1 200")) {
    ++load.status_errors;
  } else {
    load.micros.push_back(std::chrono::duration_cast<std::chrono::microseconds>(taken).count());
    if (load.resume && SSL_session_reused(connection.ssl) == 0) ++load.not_resumed;
  }
  const bool keep = load.idle && !failed;
  if (!keep) SSL_set_shutdown(connection.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(connection.ssl);
  if (keep) {
    epoll_ctl(load.epoll, EPOLL_CTL_DEL, connection.fd, nullptr);
    load.silent.push_back(connection.fd);
  } else {
    close(connection.fd);
  }
  connection = {};
}

void advance(Load& load, Connection& connection) {
  SSL* ssl = connection.ssl;
  while (true) {
    int result = 1;
    if (!SSL_is_init_finished(ssl)) {
      result = SSL_do_handshake(ssl);
    } else if (!connection.asked) {
      result = SSL_write(ssl, load.request.data(), static_cast<int>(load.request.size()));
      connection.asked = result > 0;
    } else {
      std::array<char, 16384> some;
      result = SSL_read(ssl, some.data(), some.size());
      if (result > 0) connection.answer.append(some.data(), static_cast<std::size_t>(result));
      if (load.idle && result > 0 && whole(connection)) return finish(load, connection, false);
    }
    if (result > 0) continue;
    const int why = SSL_get_error(ssl, result);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return;
    return finish(load, connection, load.idle || !whole(connection));
  }
}

void step(Load& load) {
  std::array<epoll_event, 256> events;
  const int count = epoll_wait(load.epoll, events.data(), events.size(), 1000);
  for (int i = 0; i < count; ++i) {
    Connection& connection =
        load.connections[static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.fd)];
    if (connection.fd >= 0) advance(load, connection);
  }
}

std::size_t done(const Load& load) {
  return load.micros.size() + load.status_errors + load.socket_errors;
}

void report(Load& load, double seconds, int ended) {
  std::ranges::sort(load.micros);
  const std::size_t count = load.micros.size();
  auto part = [&](std::size_t percent) {
    return count == 0 ? 0L : static_cast<long>(load.micros[count * percent / 100]);
  };
  std::printf(
      "RESULT {\"requests\": %zu, \"seconds\": %.6f, \"p50_us\": %ld, \"p99_us\": %ld, "
      "\"status_errors\": %llu, \"socket_errors\": %llu, \"not_resumed\": %llu, \"ended\": %d}\n",
      count, seconds, part(50), part(99), static_cast<unsigned long long>(load.status_errors),
      static_cast<unsigned long long>(load.socket_errors),
      static_cast<unsigned long long>(load.not_resumed), ended);
}

void run_handshakes(Load& load, std::size_t connections, double seconds) {
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration<double>(seconds);
  std::size_t begun = 0;
  while (Clock::now() < end) {
    for (; begun < done(load) + connections; ++begun) open_one(load);
    step(load);
  }
  report(load, std::chrono::duration<double>(Clock::now() - begin).count(), 0);
}

// How many of the silent connections the other side has closed.
int count_ended(const Load& load) {
  std::vector<pollfd> watched;
  for (int fd : load.silent) watched.push_back({.fd = fd, .events = POLLRDHUP, .revents = 0});
  const int ready = poll(watched.data(), watched.size(), 0);
  return ready < 0 ? static_cast<int>(watched.size()) : ready;
}

void run_idle(Load& load, std::size_t connections) {
  sigset_t interrupt;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  sigprocmask(SIG_BLOCK, &interrupt, nullptr);
  const auto begin = Clock::now();
  std::size_t begun = 0;
  while (done(load) < connections) {
    for (; begun < std::min(connections, done(load) + kIdleAtATime); ++begun) open_one(load);
    step(load);
  }
  std::puts("READY");
  std::fflush(stdout);
  int received = 0;
  sigwait(&interrupt, &received);
  report(load, std::chrono::duration<double>(Clock::now() - begin).count(), count_ended(load));
}

}  // namespace

int run(int argc, char** argv) {
  const std::string mode = argc > 2 ? argv[2] : "";
  const bool idle = mode == "idle";
  if (argc != (idle ? 4 : 5) || (!idle && mode != "full" && mode != "resumed")) {
    std::fprintf(stderr,
                 "usage: %s PORT full|resumed CONNECTIONS SECONDS\n"
                 "       %s PORT idle CONNECTIONS\n",
                 argv[0], argv[0]);
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  Load load;
  load.port = floor::port_argument(argv[1]);
  load.resume = mode == "resumed";
  load.idle = idle;
  load.context = make_context();
  load.request = "GET /1k HTTP/1.1\r\nHost: " + std::string(kName) + "\r\n" +
                 (idle ? "" : "Connection: close\r\n") + "\r\n";
  const auto connections = static_cast<std::size_t>(std::atoi(argv[3]));
  if (idle) {
    run_idle(load, connections);
  } else {
    run_handshakes(load, connections, std::atof(argv[4]));
  }
  return 0;
}

}  // namespace weir::load

int main(int argc, char** argv) { return weir::load::run(argc, argv); }

// Processor time of a server's side of handshakes and of its records, and how threads share it.
#include <benchmark/benchmark.h>
#include <time.h>

#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "io/tls/engine.h"
#include "io/tls/test_certificates.h"

namespace weir {
namespace {

using test::FixedCertificates;
using test::KeyKind;
using test::TestAuthority;

struct Site {
  explicit Site(KeyKind kind) {
    TestAuthority authority;
    TlsServerOptions options;
    options.alpn = {"h2", "http/1.1"};
    options.ticket_keys = std::make_shared<TicketKeys>();
    options.certificates = std::make_shared<FixedCertificates>(
        authority.issue({.names = {"DNS:site.example"}, .key = kind}));
    server = TlsServerProfile::make(options).value();
    options.max_version = TlsVersion::tls12;
    server12 = TlsServerProfile::make(options).value();
    TlsClientOptions client_options;
    client_options.verify = false;
    client_options.alpn = {"http/1.1"};
    client = TlsClientProfile::make(client_options).value();
    client_options.sessions = 0;
    forgetful = TlsClientProfile::make(client_options).value();
  }
  std::shared_ptr<const TlsServerProfile> server;
  std::shared_ptr<const TlsServerProfile> server12;
  std::shared_ptr<const TlsClientProfile> client;
  std::shared_ptr<const TlsClientProfile> forgetful;
};

const Site& site(KeyKind kind) {
  static const Site ecdsa(KeyKind::ecdsa), rsa(KeyKind::rsa);
  return kind == KeyKind::rsa ? rsa : ecdsa;
}

/// The processor time of this thread: another program on the same core does not count.
struct Clock {
  using duration = std::chrono::nanoseconds;
  static duration now() {
    timespec time;
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  }
};

std::string taken(TlsEngine& from) {
  std::string bytes;
  while (auto output = from.take_output()) {
    for (Slice& slice : output->slices()) bytes += slice.view();
  }
  return bytes;
}

void carry(TlsEngine& from, TlsEngine& to) {
  std::string bytes = taken(from);
  if (!bytes.empty()) to.feed(copy_slice(bytes));
}

// Apart, so that a profile shows the server's part alone.
[[gnu::noinline]] void step_server(TlsEngine& server) { (void)server.handshake(); }

/// One handshake; gives the time that the server took, its engine's making included.
Clock::duration shake(const std::shared_ptr<const TlsClientProfile>& client_uses,
                      const TlsServerProfile& profile, BufferPool& buffers, Slots& worker) {
  TlsEngine client(buffers);
  (void)client.start_client(client_uses, "site.example", worker);
  (void)client.handshake();
  Clock::duration spent{};
  auto server_start = Clock::now();
  auto server = std::make_unique<TlsEngine>(buffers);
  (void)server->start_server(profile, worker);
  spent += Clock::now() - server_start;
  for (int step = 0; step < 4; ++step) {
    carry(client, *server);
    auto start = Clock::now();
    step_server(*server);
    spent += Clock::now() - start;
    carry(*server, client);
    if (!client.established()) (void)client.handshake();
  }
  (void)client.read(0);
  auto end = Clock::now();
  server.reset();
  return spent + (Clock::now() - end);
}

void handshakes(benchmark::State& state, KeyKind kind, bool older, bool resumed) {
  const Site& uses = site(kind);
  BufferPool buffers;
  Slots worker;
  for (auto _ : state) {
    auto spent = shake(resumed ? uses.client : uses.forgetful,
                       older ? *uses.server12 : *uses.server, buffers, worker);
    state.SetIterationTime(std::chrono::duration<double>(spent).count());
  }
}

void full_ecdsa(benchmark::State& state) { handshakes(state, KeyKind::ecdsa, false, false); }
void full_rsa(benchmark::State& state) { handshakes(state, KeyKind::rsa, false, false); }
void full_ecdsa_tls12(benchmark::State& state) { handshakes(state, KeyKind::ecdsa, true, false); }
void resumed(benchmark::State& state) { handshakes(state, KeyKind::ecdsa, false, true); }

BENCHMARK(full_ecdsa)->UseManualTime()->Threads(1)->Threads(2);
BENCHMARK(full_rsa)->UseManualTime();
BENCHMARK(full_ecdsa_tls12)->UseManualTime();
BENCHMARK(resumed)->UseManualTime()->Threads(1)->Threads(2);

constexpr int kBatch = 50;

/// A small request in, an answer of `range` bytes out; the client's part is not timed.
void keep_alive(benchmark::State& state) {
  const Site& uses = site(KeyKind::ecdsa);
  BufferPool buffers;
  Slots worker;
  TlsEngine client(buffers), server(buffers);
  (void)client.start_client(uses.client, "site.example", worker);
  (void)server.start_server(*uses.server, worker);
  for (int step = 0; step < 4; ++step) {
    if (!client.established()) (void)client.handshake();
    carry(client, server);
    if (!server.established()) (void)server.handshake();
    carry(server, client);
  }
  (void)client.read(0);
  std::string request(100, 'q'), head(150, 'h'),
      body(static_cast<std::size_t>(state.range(0)), 'b');
  std::vector<std::string> requests(kBatch), answers(kBatch);
  for (auto _ : state) {
    for (std::string& each : requests) {
      Slice asked = Slice::unowned(request);
      std::span<Slice> data(&asked, 1);
      (void)client.write(data, SIZE_MAX);
      each = taken(client);
    }
    auto start = Clock::now();
    for (int i = 0; i < kBatch; ++i) {
      server.feed(copy_slice(requests[i]));
      auto heard = server.read(0);
      benchmark::DoNotOptimize(heard);
      std::array<Slice, 2> answer{Slice::unowned(head), Slice::unowned(body)};
      std::span<Slice> data = answer;
      (void)server.write(data, SIZE_MAX);
      answers[i] = taken(server);
    }
    auto spent = Clock::now() - start;
    for (std::string& each : answers) {
      client.feed(copy_slice(each));
      while (client.read(1 << 20)) {
      }
    }
    state.SetIterationTime(std::chrono::duration<double>(spent).count());
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(keep_alive)->UseManualTime()->Arg(1024)->Arg(64 * 1024);

}  // namespace
}  // namespace weir

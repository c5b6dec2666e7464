// Test support: a server with its workers in the simulation, and a client of it. Included by tests
// only.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "config/parse.h"
#include "io/sim/loop.h"
#include "io/testing.h"
#include "server/server.h"

namespace weir::test {

/// Workers are loops of a world, side by side on the test's own thread.
class SimHost final : public WorkerHost {
 public:
  using MakeObserver = std::function<std::unique_ptr<ExchangeObserver>(Loop&)>;

  SimHost(SimWorld& world, MakeObserver make_observer)
      : world_(world), owner_(world.add_loop()), make_observer_(std::move(make_observer)) {}

  Result<Loop*> start(unsigned) override { return &world_.add_loop(); }
  void retire(unsigned) override {}
  void post(std::function<void()> work) override { owner_.post(std::move(work)); }
  std::unique_ptr<ExchangeObserver> make_observer(Loop& loop) override {
    return make_observer_(loop);
  }
  unsigned default_workers() const override { return 1; }

 private:
  SimWorld& world_;
  SimLoop& owner_;
  MakeObserver make_observer_;
};

/// Answers of a server to one request each. `host` is that of a test.
class SimClient {
 public:
  SimClient(SimWorld& world) : loop_(world.add_loop("192.0.2.1")) {}

  /// The whole answer to `request`, which asks for the connection to be closed.
  std::string ask(std::string_view address, std::string request) {
    return run(loop_, talk(loop_, *Address::parse(address), std::move(request)));
  }
  std::string get(std::string_view address, std::string_view path) {
    return ask(address, "GET " + std::string(path) +
                            " HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
  }
  static std::string body_of(const std::string& answer) {
    std::size_t end = answer.find("\r\n\r\n");
    return end == std::string::npos ? std::string() : answer.substr(end + 4);
  }

 private:
  static Task<std::string> talk(Loop& loop, Address address, std::string request) {
    auto stream = co_await loop.connect(std::move(address));
    if (!stream) co_return std::string(name(stream.error().code));
    Status written = co_await write_text(**stream, request);
    if (!written) co_return std::string(name(written.error().code));
    ErrorCode end = ErrorCode::none;
    std::string answer = co_await read_all(**stream, end);
    co_return answer;
  }

  SimLoop& loop_;
};

/// `text` as a configuration; fails the test if it is wrong.
inline ServerConfig config_of(std::string text) {
  config::Diagnostics diagnostics;
  auto document = config::read_text("weir.yaml", std::move(text), diagnostics);
  ServerConfig config = parse_server_config(document, diagnostics);
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
  return config;
}

/// Puts a configuration in force on all workers.
inline void apply(SimWorld& world, Server& server, std::string text) {
  config::Diagnostics diagnostics;
  bool in_force = false;
  EXPECT_TRUE(server.apply(config_of(std::move(text)), diagnostics, [&] { in_force = true; }))
      << diagnostics.render();
  EXPECT_EQ(world.run_until([&] { return in_force; }), SimWorld::End::reached);
}

/// Ends every worker, so that the world is clean.
inline void drain(SimWorld& world, Server& server) {
  bool ended = false;
  server.drain([&] { ended = true; });
  EXPECT_EQ(world.run_until([&] { return ended; }), SimWorld::End::reached);
}

}  // namespace weir::test

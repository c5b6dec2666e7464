// Talks: what the two sides of a tunnel say to each other in simulation, and how each sees it end.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "io/sim/loop.h"
#include "io/testing.h"

namespace weir::sim {

inline constexpr std::size_t kNeverBreaks = ~std::size_t{0};

/// One side: what it is to do, and what came of it.
struct Side {
  std::size_t size = 0;                  // bytes to send
  std::size_t pieces = 1;                // in so many writes
  Duration pause{};                      // between them
  Duration deaf{};                       // it does not read for so long
  bool answers = false;                  // sends only when it has read the other's end
  std::size_t breaks_at = kNeverBreaks;  // resets the connection after so many bytes

  std::size_t sent = 0;   // bytes whose writes have succeeded
  bool finished = false;  // it has said its end
  bool met = false;       // it had a connection
  std::size_t received = 0;
  bool wrong = false;               // a byte that the other did not send there
  ErrorCode end = ErrorCode::none;  // how its reading ended
};

/// A connection of one client. The client's first bytes name it.
struct Talk {
  std::uint64_t id = 0;
  std::string_view address;   // that the client connects to
  std::string_view opening;   // what it says first, ahead of the number
  std::string_view greeting;  // what the server says before the client says anything
  bool proxied = false;       // the server is told of the client by a PROXY header
  Duration before{};          // until it begins
  Side client;
  Side server;
  bool misled = false;  // its first bytes were so late that it was taken for a silent client

  std::string name() const;
  std::string said_by_client() const { return test::pattern(client.size, 2 * id); }
  std::string said_by_server() const { return test::pattern(server.size, 2 * id + 1); }
};

class Talks {
 public:
  explicit Talks(SimWorld& world) : world_(world) {}

  Talk& add(Talk talk);
  Talk* find(std::string_view name);
  std::map<std::uint64_t, Talk>& all() { return talks_; }

  Task<void> run_client(SimLoop& home, Talk& talk);
  /// Serves until the loop's tasks are stopped. `talk.greeting` is that of `address`.
  Task<void> run_server(SimLoop& home, std::string_view address, std::string_view greeting,
                        bool proxied);

  std::size_t clients = 0;  // that have not ended

  /// Notes what must not be; the first of them is told.
  void fail(const Talk& talk, std::string_view what);

 private:
  Task<void> serve(SimLoop& home, std::unique_ptr<Stream> stream, std::string_view greeting,
                   bool proxied);
  Task<void> play(Stream& stream, Side& self, std::string own, std::string others);

  SimWorld& world_;
  std::map<std::uint64_t, Talk> talks_;
};

}  // namespace weir::sim

// Test support: coroutines run to their end on a loop, connected pairs, bytes that can be checked.
// Included by tests only.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/scope.h"
#include "io/loop.h"

namespace weir::test {

template <class T>
Task<void> keep(Loop& loop, Task<T> task, std::optional<T>& result) {
  result.emplace(co_await std::move(task));
  loop.stop();
}

inline Task<void> keep(Loop& loop, Task<void> task, std::optional<bool>& done) {
  co_await std::move(task);
  done = true;
  loop.stop();
}

/// Runs `loop` until `task` has ended; gives its value. A simulated loop runs its whole world.
template <class T>
auto run(Loop& loop, Task<T> task) {
  using Kept = std::conditional_t<std::is_void_v<T>, bool, T>;
  std::optional<Kept> result;
  Scope scope;
  loop.post([&] { scope.spawn(keep(loop, std::move(task), result)); });
  loop.run();
  if (!result) {  // its frames refer to the test's locals: there is no way on from here
    ADD_FAILURE() << "the coroutine waits for something that never happens";
    std::abort();
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// `size` bytes that look random and depend on `seed`.
inline std::string pattern(std::size_t size, std::uint64_t seed) {
  Random random(seed);
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; i += sizeof(std::uint64_t)) {
    std::uint64_t word = random.next();
    std::memcpy(bytes.data() + i, &word, std::min(sizeof word, size - i));
  }
  return bytes;
}

/// Writes an owned copy of `text`.
inline Task<Status> write_text(Stream& stream, std::string_view text, StopToken stop = {}) {
  Slice slice = copy_slice(text);
  co_return co_await stream.write({&slice, 1}, stop);
}

/// Reads exactly `size` bytes; fewer if the stream ends or fails.
inline Task<std::string> read_exactly(Stream& stream, std::size_t size, StopToken stop = {}) {
  std::string bytes;
  while (bytes.size() < size) {
    Result<Slice> got = co_await stream.read(stop);
    if (!got) break;
    bytes += got->view();
  }
  co_return bytes;
}

/// All bytes up to the end of the stream; `end` tells how it ended.
inline Task<std::string> read_all(Stream& stream, ErrorCode& end, StopToken stop = {},
                                  std::size_t hint = 0) {
  std::string bytes;
  while (true) {
    Result<Slice> got = co_await stream.read(stop, hint);
    if (!got) {
      end = got.error().code;
      co_return bytes;
    }
    bytes += got->view();
  }
}

/// Both ends of one connection.
struct Pair {
  std::unique_ptr<Stream> client;
  std::unique_ptr<Stream> server;
};

/// A listening socket on a free port of `address`, with a listener on `loop`.
class Service {
 public:
  Service(Loop& loop, Network& network, std::string_view address = "127.0.0.1:0",
          const BindOptions& options = {})
      : network_(network) {
    socket_ = network.bind(*Address::parse(address), options).value();
    address_ = network.bound_address(socket_).value();
    listener_ = std::move(loop.listen(socket_).value());
  }
  ~Service() {
    listener_.reset();
    network_.close(socket_);
  }
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  Listener& listener() { return *listener_; }
  const Address& address() const { return address_; }
  int socket() const { return socket_; }

 private:
  Network& network_;
  int socket_;
  Address address_;
  std::unique_ptr<Listener> listener_;
};

/// Connects to `service` and accepts; both ends belong to `loop`.
inline Task<Pair> connect_pair(Loop& loop, Service& service) {
  Pair pair;
  auto client = co_await loop.connect(service.address());
  EXPECT_TRUE(client) << name(client.error().code);
  auto server = co_await service.listener().accept();
  EXPECT_TRUE(server) << name(server.error().code);
  pair.client = std::move(client.value());
  pair.server = std::move(server.value());
  co_return pair;
}

}  // namespace weir::test

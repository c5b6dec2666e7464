// The process's side of the control socket: one request and one answer per connection.
#pragma once

#include <functional>
#include <memory>

#include "app/control_message.h"
#include "core/scope.h"
#include "core/task.h"
#include "io/loop.h"

namespace weir {

/// Answers one request. May wait: other connections are served meanwhile.
class ControlHandler {
 public:
  virtual Task<ControlAnswer> answer(ControlRequest request) = 0;

 protected:
  ~ControlHandler() = default;
};

class ControlServer {
 public:
  /// Connections above this number are closed at once.
  static constexpr std::uint32_t kMaxConnections = 32;
  /// How long a client may take to send its request, and to take its answer.
  static constexpr Duration kPatience = std::chrono::seconds(5);

  ControlServer(Loop& loop, ControlHandler& handler) : loop_(loop), handler_(handler) {}

  /// Serves a listening socket, which stays open when the server ends.
  Status listen(int socket);

  /// Takes no more requests; those that were read are answered. To be awaited before destruction.
  Task<void> finish();

 private:
  Task<void> accept(std::unique_ptr<Listener> listener);
  Task<void> serve(std::unique_ptr<Stream> stream);

  Loop& loop_;
  ControlHandler& handler_;
  Scope scope_;
  std::uint32_t open_ = 0;
};

}  // namespace weir

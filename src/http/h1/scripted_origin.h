// Test support: an origin in the simulation that does to each connection what a script says, and
// keeps what it was sent. Included by tests only.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/sim/loop.h"
#include "io/testing.h"

namespace weir::test {

/// One thing that an origin does to a connection.
struct Step {
  enum class Kind : std::uint8_t { read_until, read, write, pause, reset, listen };
  Kind kind;
  std::string text;
  std::size_t size = 0;
  Duration time{0};
};

/// Reads up to and with `text`.
inline Step read_until(std::string text) {
  return {Step::Kind::read_until, std::move(text), 0, {}};
}
/// Reads up to the empty line behind a head.
inline Step read_head() { return read_until("\r\n\r\n"); }
/// Reads `size` further bytes.
inline Step read_bytes(std::size_t size) { return {Step::Kind::read, {}, size, {}}; }
inline Step say(std::string text) { return {Step::Kind::write, std::move(text), 0, {}}; }
inline Step pause(Duration time) { return {Step::Kind::pause, {}, 0, time}; }
/// Ends with a reset; without it the end of a script is an orderly close.
inline Step break_off() { return {Step::Kind::reset, {}, 0, {}}; }
/// Reads all that comes until the other side ends.
inline Step listen_on() { return {Step::Kind::listen, {}, 0, {}}; }

using Script = std::vector<Step>;

/// Reads a request without a body and answers `text`, `times` times, then waits for the end.
inline Script answers(std::string_view text, int times = 1) {
  Script script;
  for (int i = 0; i < times; ++i) {
    script.push_back(read_head());
    script.push_back(say(std::string(text)));
  }
  script.push_back(listen_on());
  return script;
}

class ScriptedOrigin {
 public:
  /// The script of connection number i is `scripts[i]`, of all further ones the last.
  ScriptedOrigin(SimWorld& world, std::string_view address, std::vector<Script> scripts)
      : network_(world.network()), scripts_(std::move(scripts)) {
    loop_ = &world.add_loop(std::string(address.substr(0, address.rfind(':'))));
    address_ = *Address::parse(address);
    socket_ = *network_.bind(address_, {});
    world.spawn(*loop_, accept());
  }
  ~ScriptedOrigin() { network_.close(socket_); }
  ScriptedOrigin(const ScriptedOrigin&) = delete;
  ScriptedOrigin& operator=(const ScriptedOrigin&) = delete;

  const Address& address() const { return address_; }
  SimLoop& loop() { return *loop_; }
  std::size_t connections() const { return received_.size(); }
  /// What connection number `index` brought.
  const std::string& received(std::size_t index = 0) const { return received_.at(index); }
  /// Requests on all connections.
  std::size_t requests() const {
    std::size_t count = 0;
    for (const std::string& each : received_) {
      for (std::size_t at = 0; (at = each.find(" HTTP/1.1\r\n", at)) != each.npos; ++at) ++count;
    }
    return count;
  }

 private:
  Task<void> accept() {
    std::unique_ptr<Listener> listener = std::move(loop_->listen(socket_).value());
    Scope connections;
    while (true) {
      auto stream = co_await listener->accept(loop_->stopping());
      if (!stream) break;
      received_.emplace_back();
      connections.spawn(play(std::move(*stream), received_.size() - 1));
    }
    co_await connections.join();
  }

  Task<void> play(std::unique_ptr<Stream> stream, std::size_t index) {
    const Script script = scripts_[std::min(index, scripts_.size() - 1)];
    std::size_t taken = 0;  // of what was received
    for (const Step& step : script) {
      bool going_on = co_await take(*stream, step, index, taken);
      if (!going_on) break;
    }
  }

  Task<bool> take(Stream& stream, const Step& step, std::size_t index, std::size_t& taken) {
    switch (step.kind) {
      case Step::Kind::read_until:
        while (true) {
          std::size_t end = received_[index].find(step.text, taken);
          if (end != std::string::npos) {
            taken = end + step.text.size();
            co_return true;
          }
          bool more = co_await read_more(stream, index);
          if (!more) co_return false;
        }
      case Step::Kind::read:
        while (received_[index].size() < taken + step.size) {
          bool more = co_await read_more(stream, index);
          if (!more) co_return false;
        }
        taken += step.size;
        co_return true;
      case Step::Kind::write: {
        Status written = co_await write_text(stream, step.text, loop_->stopping());
        co_return written.has_value();
      }
      case Step::Kind::pause: {
        Status waited = co_await loop_->sleep_for(step.time, loop_->stopping());
        co_return waited.has_value();
      }
      case Step::Kind::reset: stream.reset_on_close(); co_return false;
      case Step::Kind::listen:
        while (true) {
          bool more = co_await read_more(stream, index);
          if (!more) co_return false;
        }
    }
    co_return false;
  }

  Task<bool> read_more(Stream& stream, std::size_t index) {
    Result<Slice> got = co_await stream.read(loop_->stopping());
    if (!got) co_return false;
    received_[index] += got->view();
    co_return true;
  }

  SimNetwork& network_;
  SimLoop* loop_;
  Address address_;
  int socket_;
  std::vector<Script> scripts_;
  std::vector<std::string> received_;
};

}  // namespace weir::test

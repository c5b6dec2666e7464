// For tests: a Redis server in the simulation, whose answers a script makes.
#pragma once

#include <charconv>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/scope.h"
#include "io/loop.h"

namespace weir::test {

/// Serves connections at an address until its scope stops. Every command is kept; what the script
/// says is sent as it is, empty text is silence, and "close" ends the connection.
class ScriptedRedis {
 public:
  using Words = std::vector<std::string>;
  using Script = std::function<std::string(const Words& command)>;

  ScriptedRedis(Loop& loop, Network& network, const Address& address, Script script)
      : loop_(loop), network_(network), script_(std::move(script)) {
    socket_ = network.bind(address, {}).value();
  }
  ~ScriptedRedis() { network_.close(socket_); }

  Task<void> serve(StopToken stop) {
    auto listener = loop_.listen(socket_).value();
    Scope scope(stop);
    while (true) {
      auto stream = co_await listener->accept(stop);
      if (!stream) break;
      ++connections;
      scope.spawn(talk(std::move(*stream), scope.token()));
    }
    co_await scope.join();
  }

  int connections = 0;
  int reads = 0;  // several commands may come in one
  std::vector<Words> commands;

 private:
  Task<void> talk(std::unique_ptr<Stream> stream, StopToken stop) {
    std::string bytes;
    while (true) {
      auto piece = co_await stream->read(stop);
      if (!piece) co_return;
      ++reads;
      bytes += piece->view();
      std::string out;
      Words command;
      while (take(bytes, command)) {
        commands.push_back(command);
        std::string answer = script_(command);
        if (answer == "close") co_return;
        out += answer;
      }
      if (out.empty()) continue;
      Slice slice = copy_slice(out);
      Status written = co_await stream->write({&slice, 1}, stop);
      if (!written) co_return;
    }
  }

  static bool number(std::string_view bytes, std::size_t& at, char kind, std::size_t& value) {
    std::size_t end = bytes.find("\r\n", at);
    if (end == std::string_view::npos || bytes[at] != kind) return false;
    std::from_chars(bytes.data() + at + 1, bytes.data() + end, value);
    at = end + 2;
    return true;
  }

  static bool take(std::string& bytes, Words& command) {
    std::size_t at = 0, count = 0;
    command.clear();
    if (!number(bytes, at, '*', count)) return false;
    for (std::size_t i = 0; i < count; ++i) {
      std::size_t size = 0;
      if (!number(bytes, at, '$', size) || bytes.size() < at + size + 2) return false;
      command.push_back(bytes.substr(at, size));
      at += size + 2;
    }
    bytes.erase(0, at);
    return true;
  }

  Loop& loop_;
  Network& network_;
  Script script_;
  int socket_ = -1;
};

}  // namespace weir::test

// For tests: a DNS server on the loop under test, over UDP and TCP, whose answers a script makes.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/scope.h"
#include "io/dns/scripted_answers.h"
#include "io/loop.h"

namespace weir::dns {

/// What the server sends for one query, in order; nothing is silence.
using Script = std::function<std::vector<std::string>(std::string_view query, bool tcp)>;

/// The TCP half; serves until its scope stops.
class ScriptedTcp {
 public:
  ScriptedTcp(Loop& loop, Network& network, const Address& address, Script script)
      : loop_(loop), network_(network), script_(std::move(script)) {
    socket_ = network.bind(address, {}).value();
  }
  ~ScriptedTcp() { network_.close(socket_); }

  Address address() { return network_.bound_address(socket_).value(); }

  Task<void> serve(StopToken stop) {
    auto listener = loop_.listen(socket_).value();
    Scope connections(stop);
    while (true) {
      auto stream = co_await listener->accept(stop);
      if (!stream) break;
      connections.spawn(answer(std::move(*stream), connections.token()));
    }
    co_await connections.join();
  }

 private:
  Task<void> answer(std::unique_ptr<Stream> stream, StopToken stop) {
    std::string bytes;
    while (bytes.size() < 2 || bytes.size() < 2u + static_cast<unsigned char>(bytes[1])) {
      auto piece = co_await stream->read(stop);
      if (!piece) co_return;
      bytes += piece->view();
    }
    for (const std::string& message : script_(bytes.substr(2), true)) {
      std::string framed = wire16(static_cast<unsigned>(message.size())) + message;
      Slice slice = Slice::unowned(framed);
      (void)co_await stream->write(std::span(&slice, 1), stop);
    }
    stream->shutdown_write();
    (void)co_await stream->read(stop);
  }

  Loop& loop_;
  Network& network_;
  Script script_;
  int socket_ = -1;
};

/// The UDP half on a socket of the kernel.
class ScriptedUdp {
 public:
  ScriptedUdp(Loop& loop, const Address& address, Script script)
      : loop_(loop), script_(std::move(script)) {
    socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_storage storage;
    socklen_t length = address.to_sockaddr(storage);
    bound_ = ::bind(socket_, reinterpret_cast<sockaddr*>(&storage), length) == 0;
  }
  ~ScriptedUdp() { ::close(socket_); }

  bool bound() const { return bound_; }

  Task<void> serve(StopToken stop) {
    while (co_await loop_.wait_ready(socket_, false, stop)) {
      char query[2048];
      sockaddr_storage from;
      socklen_t length = sizeof from;
      auto* name = reinterpret_cast<sockaddr*>(&from);
      ssize_t got = ::recvfrom(socket_, query, sizeof query, 0, name, &length);
      if (got < 0) continue;
      for (const std::string& message : script_({query, static_cast<std::size_t>(got)}, false)) {
        (void)::sendto(socket_, message.data(), message.size(), 0, name, length);
      }
    }
  }

 private:
  Loop& loop_;
  Script script_;
  int socket_ = -1;
  bool bound_ = false;
};

}  // namespace weir::dns

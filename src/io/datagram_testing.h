// Test support: datagram sockets that keep what they hear. Included by tests only.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/stop.h"
#include "core/task.h"
#include "io/datagram.h"
#include "io/loop.h"

namespace weir::test {

inline const Error kEnough(ErrorCode::cancelled, Origin::weir, "what was waited for");

/// Keeps what one socket receives, `most` with each call, and answers if there is something to say.
class Inbox final : public DatagramReceiver {
 public:
  struct Message {
    Peer from;
    IpAddress local;
    std::string bytes;
  };

  explicit Inbox(Loop& loop) : loop_(loop) {}
  void use(Result<std::unique_ptr<DatagramSocket>> socket) {
    ASSERT_TRUE(socket) << name(socket.error().code);
    socket_ = std::move(*socket);
  }
  void close() { socket_.reset(); }
  DatagramSocket& socket() { return *socket_; }

  void on_readable() override {
    ++calls;
    DatagramBatch batch;
    Result<std::size_t> got = socket_->receive(batch, most);
    if (!got) errors.push_back(got.error().code);
    for (Datagram& each : batch.all()) {
      messages.push_back({each.peer, each.local, std::string(each.view())});
    }
    for (Datagram& each : batch.all()) {
      if (reply) tell(each, reply(std::string(each.view())));
    }
    if (messages.size() + errors.size() >= awaited && enough_) enough_->request(kEnough);
  }

  /// Answers a datagram, or more than once.
  void tell(const Datagram& to, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      Datagram answer = to;
      answer.data = const_cast<char*>(text.data());
      answer.size = text.size();
      EXPECT_TRUE(socket_->send({&answer, 1}));
    }
  }

  Status say(std::string_view text) {
    Datagram datagram;
    datagram.data = const_cast<char*>(text.data());
    datagram.size = text.size();
    Result<std::size_t> sent = socket_->send({&datagram, 1});
    return sent ? Status() : fail(sent.error());
  }

  /// Waits until so many messages and errors have come.
  Task<bool> hear(std::size_t count) {
    if (messages.size() + errors.size() >= count) co_return true;
    awaited = count;
    enough_.emplace();
    Status waited = co_await loop_.sleep_for(std::chrono::seconds(20), enough_->token());
    co_return !waited;
  }

  std::vector<Message> messages;
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const Message& each : messages) all.push_back(each.bytes);
    return all;
  }

  std::vector<ErrorCode> errors;
  std::size_t most = DatagramBatch::kCapacity;
  std::size_t awaited = 1;
  std::size_t calls = 0;
  std::function<std::vector<std::string>(const std::string&)> reply;

 private:
  Loop& loop_;
  std::unique_ptr<DatagramSocket> socket_;
  std::optional<StopSource> enough_;
};

/// What answers with what it got.
inline std::vector<std::string> echo(const std::string& text) { return {text}; }

}  // namespace weir::test

#include "talk.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "io/deadline.h"

namespace weir::sim {
namespace {

using std::chrono::seconds;

constexpr std::size_t kName = 17;
// Longer than any system waits for an answer: who is left alone gives up at last.
constexpr Duration kPatience = seconds(3000);

constexpr Error kBrokenOff(ErrorCode::cancelled, Origin::weir, "broken off");

void hear(Side& self, const std::string& others, std::string_view bytes) {
  bool fits = self.received + bytes.size() <= others.size();
  if (!fits || bytes != std::string_view(others).substr(self.received, bytes.size())) {
    self.wrong = true;
  }
  self.received += bytes.size();
}

Task<void> read_side(Stream& stream, Side& self, std::string others, StopToken stop) {
  if (self.deaf > Duration::zero()) (void)co_await stream.loop().sleep_for(self.deaf, stop);
  while (true) {
    Result<Slice> got = co_await stream.read(stop);
    if (!got) {
      self.end = got.error().code;
      co_return;
    }
    hear(self, others, got->view());
  }
}

/// Cuts a line with its end off what has come; an empty one if the stream ends before.
Task<std::string> read_line(Stream& stream, std::string& come, StopToken stop) {
  while (come.find('\n') == std::string::npos) {
    Result<Slice> got = co_await stream.read(stop);
    if (!got) co_return std::string();
    come += got->view();
  }
  std::string line = come.substr(0, come.find('\n') + 1);
  come.erase(0, line.size());
  co_return line;
}

Task<void> write_side(Stream& stream, Side& self, std::string own, StopSource& stop) {
  std::size_t piece = std::max<std::size_t>(1, own.size() / self.pieces);
  while (self.sent < own.size() && self.sent < self.breaks_at) {
    std::string_view bytes = std::string_view(own).substr(self.sent, piece);
    Status written = co_await test::write_text(stream, bytes, stop.token());
    if (!written) co_return;
    self.sent += bytes.size();
    if (self.pause > Duration::zero())
      (void)co_await stream.loop().sleep_for(self.pause, stop.token());
  }
  if (self.breaks_at != kNeverBreaks) {
    stream.reset_on_close();
    stop.request(kBrokenOff);
    co_return;
  }
  if (stop.stopped()) co_return;
  stream.shutdown_write();
  self.finished = true;
}

}  // namespace

std::string Talk::name() const { return fmt::format("{:016x}\n", id); }

Talk& Talks::add(Talk talk) {
  ++clients;
  return talks_.emplace(talk.id, std::move(talk)).first->second;
}

Talk* Talks::find(std::string_view name) {
  for (auto& [id, talk] : talks_) {
    if (talk.name() == name) return &talk;
  }
  return nullptr;
}

void Talks::fail(const Talk& talk, std::string_view what) {
  ADD_FAILURE() << fmt::format(
      "seed {}, talk {} to {}: {} (client sent {} of {}, server got {}, {}; server sent {} of {}, "
      "client got {}, {})",
      world_.seed(), talk.id, talk.address, what, talk.client.sent, talk.client.size,
      talk.server.received, weir::name(talk.server.end), talk.server.sent, talk.server.size,
      talk.client.received, weir::name(talk.client.end));
}

Task<void> Talks::play(Stream& stream, Side& self, std::string own, std::string others) {
  StopSource stop;
  Deadline patience(stream.loop(), kPatience);
  stop.follow(patience.token());
  self.met = true;
  if (self.answers) {
    co_await read_side(stream, self, std::move(others), stop.token());
    if (self.end == ErrorCode::end_of_stream) {
      co_await write_side(stream, self, std::move(own), stop);
    }
  } else {
    Scope both;
    both.spawn(read_side(stream, self, std::move(others), stop.token()));
    both.spawn(write_side(stream, self, std::move(own), stop));
    co_await both.join();
  }
  // Whoever has not said and heard all goes as a program that failed does.
  if (!self.finished || self.end != ErrorCode::end_of_stream) stream.reset_on_close();
}

Task<void> Talks::run_client(SimLoop& home, Talk& talk) {
  (void)co_await home.sleep_for(talk.before);
  auto stream = co_await home.connect(*Address::parse(talk.address));
  if (stream) {
    Deadline patience(home, kPatience);
    std::string greeting =
        co_await test::read_exactly(**stream, talk.greeting.size(), patience.token());
    Status named;
    if (greeting == talk.greeting) {
      named = co_await test::write_text(**stream, std::string(talk.opening) + talk.name(),
                                        patience.token());
    } else if (!talk.greeting.starts_with(greeting)) {
      fail(talk, "another greeting than the server's");
    }
    if (greeting == talk.greeting && named) {
      co_await play(**stream, talk.client, talk.said_by_client(), talk.said_by_server());
    } else {
      (*stream)->reset_on_close();
    }
  }
  --clients;
}

Task<void> Talks::serve(SimLoop& home, std::unique_ptr<Stream> stream, std::string_view greeting,
                        bool proxied) {
  Deadline patience(home, kPatience, home.stopping());
  if (!greeting.empty()) (void)co_await test::write_text(*stream, greeting, patience.token());
  std::string come;
  if (proxied) {
    std::string header = co_await read_line(*stream, come, patience.token());
    bool told = header.empty() || header.starts_with("PROXY TCP4 10.0.2.1 10.0.0.1 ");
    EXPECT_TRUE(told) << "seed " << world_.seed() << ": " << header;
  }
  std::string line = co_await read_line(*stream, come, patience.token());
  if (line.empty()) {  // the client has gone before it said who it is
    stream->reset_on_close();
    co_return;
  }
  std::size_t end = line.size();
  Talk* talk = end >= kName ? find(std::string_view(line).substr(end - kName)) : nullptr;
  if (talk == nullptr || line.size() != talk->opening.size() + kName) {
    ADD_FAILURE() << "seed " << world_.seed() << ": nobody said " << line;
    co_return;
  }
  if (talk->greeting != greeting) talk->misled = true;
  if (talk->server.met) fail(*talk, "a server met this client twice");
  hear(talk->server, talk->said_by_client(), come);
  co_await play(*stream, talk->server, talk->said_by_server(), talk->said_by_client());
}

Task<void> Talks::run_server(SimLoop& home, std::string_view address, std::string_view greeting,
                             bool proxied) {
  test::Service service(home, world_.network(), address);
  Scope guests;
  while (true) {
    auto accepted = co_await service.listener().accept(home.stopping());
    if (accepted) {
      guests.spawn(serve(home, std::move(*accepted), greeting, proxied));
    } else if (home.stopping().stopped()) {
      break;
    }
  }
  co_await guests.join();
}

}  // namespace weir::sim

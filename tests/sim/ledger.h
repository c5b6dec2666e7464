// What a simulated run of the proxy must do: every request, and what each side saw of it.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "io/sim/world.h"
#include "io/testing.h"
#include "wire.h"

namespace weir::sim {

enum class Answer : std::uint8_t {
  none,    // no byte of a final response
  cut,     // the connection ended inside it
  error,   // the proxy's own, whole
  origin,  // an origin's, whole; or its tunnel, to the end
};

/// One request. Its bytes and those of its response follow from the id.
struct Story {
  std::uint64_t id = 0;
  std::string method = "GET";
  std::string path;
  std::size_t request_size = 0;
  std::size_t response_size = 0;
  bool chunked = false;  // how its body is sent
  bool expect = false;
  bool old = false;      // HTTP/1.0
  bool upgrade = false;  // `request_size` bytes go through the tunnel, and come back
  bool trailers = false;
  bool last = false;  // with Connection: close

  unsigned begun = 0;     // the client wrote some of it
  unsigned received = 0;  // times that origins got its first line
  unsigned taken = 0;     // times that origins got it whole
  unsigned ended = 0;     // times that its exchange ended
  Answer answer = Answer::none;
  std::string page;      // the proxy's own answer
  std::string why;       // its exchange ended early, as the log would say
  bool excused = false;  // from being answered: the connection had to be closed before it

  std::string request_body() const { return test::pattern(request_size, id * 2); }
  std::string response_body() const { return test::pattern(response_size, id * 2 + 1); }
  unsigned status() const;
};

/// Everything that happened in one world.
class Ledger {
 public:
  explicit Ledger(SimWorld& world) : world_(world) {}

  Story& add(Story story) { return stories_[story.id] = std::move(story); }
  Story* find(std::uint64_t id);
  auto& stories() { return stories_; }

  /// Nothing breaks on purpose: every request is answered by an origin.
  bool calm = false;
  /// Beyond that, what is written at once arrives at once.
  bool steady = false;
  /// The proxy may close a connection between two requests: it has fewer workers or ends.
  bool closes = false;
  /// When an origin last closed an idle connection. A request that is sent at this very moment
  /// may be lost, and cannot be repeated if it is a POST.
  TimePoint idle_closed{};
  std::size_t exchanges = 0;  // that ended
  std::size_t clients = 0;    // that still run

  /// Of a response head, whatever protocol it came in; names in lower case.
  void check_answer(Story& story, const Head& head, unsigned status);
  void fail(const Story* story, std::string_view what);
  void check_ends();

 private:
  SimWorld& world_;
  std::map<std::uint64_t, Story> stories_;
};

}  // namespace weir::sim

// HTTP/2 as the simulated clients and origins speak it: one connection on the engine's own test
// classes, each stream a coroutine.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/scope.h"
#include "http/h2/testing.h"
#include "io/signal.h"
#include "wire.h"

namespace weir::sim {

class Wire2 {
 public:
  using Stream2 = h2::testing::RecordingStream;

  Wire2(Stream& stream, h2::Side side, const h2::Limits& limits, StopToken stop);

  /// Called for each stream that the other side opens.
  std::function<void(Stream2&)> opened;

  /// Reads and writes until the connection ends, or `end` is called.
  Task<void> run(std::string received = {});
  /// What was said last need not arrive.
  void end() { stop_.request(Error(ErrorCode::cancelled)); }
  bool ended() const { return ended_; }
  StopToken stop() { return stop_.token(); }

  /// Waits until something may have changed on this stream; false when nothing will any more.
  Task<bool> wait(Stream2& stream, StopToken stop);
  /// The engine has something to say.
  void kick() { out_.raise(); }
  /// More of a body; `last`: all of it.
  void add(Stream2& stream, std::string_view bytes, bool last);
  void reset(Stream2& stream, h2::Reason reason);
  /// What has come of the body was taken: there is room for more.
  void consume(Stream2& stream);
  /// A request of ours; its body follows with `add` unless `end`. Null: no stream may be opened.
  Stream2* request(const h2::testing::Fields& fields, bool end);

  h2::testing::Peer peer;

  static Head head_of(const h2::testing::Head& head);

 private:
  Task<void> write();
  void look();

  Stream& stream_;
  StopSource stop_;
  Signal out_;
  std::map<h2::StreamId, std::unique_ptr<Signal>> heard_;
  std::map<h2::StreamId, std::size_t> consumed_;
  bool ended_ = false;
  bool all_said_ = false;  // but it may not have left
};

}  // namespace weir::sim

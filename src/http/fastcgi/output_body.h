// What an application writes in answer to one request: the records taken apart.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "http/body.h"
#include "http/fastcgi/records.h"
#include "io/stream.h"

namespace weir::fastcgi {

/// Told by the output about its life.
class OutputObserver {
 public:
  /// END_REQUEST has come. Runs inside the read that took it.
  virtual void output_complete() = 0;

 protected:
  ~OutputObserver() = default;
};

/// First the head of the response is read with it, then, after `begin`, it is the response's body.
/// Its end is END_REQUEST: output that ends with its connection is `truncated`. Error output is
/// kept, up to a limit.
class OutputBody final : public Body {
 public:
  /// Bytes of error output that are kept; what follows is counted.
  static constexpr std::size_t kMostErrorText = 4096;

  /// The stream outlives the last read.
  OutputBody(Stream& stream, StopToken stop, OutputObserver& observer)
      : stream_(stream), stop_(stop), observer_(observer) {}

  Task<Result<Slice>> read() override;
  std::optional<Slice> try_read() override;
  std::optional<std::uint64_t> length() const override { return length_; }

  /// The body begins with `rest` and has `length` bytes, if that is known. Errors: bad_framing if
  /// `rest` is more than that.
  Status begin(Slice rest, std::optional<std::uint64_t> length);
  /// In place of `begin`: the response has no body. What has come of one already is dropped.
  void discard();

  bool complete() const { return complete_; }
  /// Bytes of another request's answer, which there is not, or of nothing.
  bool excess() const { return !unread_.empty(); }
  /// A read waits for the application at this moment.
  bool waiting() const { return waiting_; }
  /// Bytes of output taken so far.
  std::uint64_t received() const { return received_; }
  /// Only when complete.
  const EndRequest& end() const { return records_.end(); }
  std::string_view error_text() const { return error_text_; }
  /// Bytes of error output beyond what is kept.
  std::uint64_t error_text_left_out() const { return error_left_out_; }

 private:
  Result<Slice> next_output();
  Result<Slice> account(Slice piece);
  bool all_has_come() const { return length_ && received_ == *length_; }
  Result<Slice> finish();
  void keep_error_text(std::string_view text);

  Stream& stream_;
  StopToken stop_;
  OutputObserver& observer_;
  RecordReader records_;
  Slice unread_;
  Slice rest_;
  std::optional<std::uint64_t> length_;
  std::optional<Error> failed_;  // found by try_read; read tells it
  std::uint64_t received_ = 0;
  bool begun_ = false;
  bool complete_ = false;
  bool waiting_ = false;
  std::size_t hint_ = 0;
  std::string error_text_;
  std::uint64_t error_left_out_ = 0;
};

}  // namespace weir::fastcgi

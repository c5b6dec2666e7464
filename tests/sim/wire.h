// HTTP/1.1 as the simulated clients and origins read and write it: slow and plain, and nothing of
// the engine under test.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/random.h"
#include "core/task.h"
#include "io/loop.h"

namespace weir::sim {

inline constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

struct Head {
  std::string first;
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
  bool malformed = false;

  bool has(std::string_view name) const { return get(name) != nullptr; }
  const std::string* get(std::string_view name) const;
  std::size_t count(std::string_view name) const;
  std::string text(std::string_view name) const { return has(name) ? *get(name) : std::string(); }
  /// The number after the second slash of a request line; 0 if it is not there as a whole.
  static std::uint64_t id_in(std::string_view line);
};

/// The content of a message while it is read, against what it must be.
struct Content {
  enum class Kind : std::uint8_t { none, length, chunked, until_close };
  Kind kind = Kind::none;
  std::size_t length = 0;
  std::string expected;
  bool compare = true;  // otherwise `expected` gathers what came

  std::size_t received = 0;
  bool wrong = false;      // a byte that is not the expected one, or too many
  bool malformed = false;  // its framing
  bool whole = false;
  Head trailers;
};

/// Reads messages from one side of a stream.
class Wire {
 public:
  Wire(Stream& stream, StopToken stop) : stream_(stream), stop_(stop) {}

  /// False at the end, whatever it is.
  Task<bool> more() { return more(stop_); }
  Task<bool> more(StopToken stop);
  /// A line without its CRLF.
  Task<bool> line(std::string& out);
  Task<bool> head(Head& head);
  Task<void> content(Content& content);

  /// What somebody else has read already.
  void begin_with(std::string bytes) { bytes_ = std::move(bytes); }
  std::string_view waiting() const { return std::string_view(bytes_).substr(at_); }
  ErrorCode end() const { return end_; }
  std::size_t total() const { return total_; }
  std::size_t limit = kNever;  // after so many bytes it is as if the stream had ended

 private:
  Task<bool> counted(Content& content, std::size_t size);
  Task<bool> chunks(Content& content);
  void take(Content& content, std::string_view piece);

  Stream& stream_;
  StopToken stop_;
  std::string bytes_;
  std::size_t at_ = 0;
  std::size_t total_ = 0;
  ErrorCode end_ = ErrorCode::none;
};

/// How a text is written: in how many pieces at most, with what pauses, and how much of it.
struct Pace {
  std::uint64_t pieces = 1;
  Duration pause{};
  std::size_t limit = kNever;
};

/// True if all of `text`, and not only up to the limit, was taken. Adds to `written`.
Task<bool> write_paced(Stream& stream, std::string_view text, Pace pace, std::size_t& written,
                       StopToken stop);

/// `bytes` in chunks of sizes drawn from `random`, with the end; `trailer` is a field line with
/// its CRLF, or empty.
std::string in_chunks(std::string_view bytes, Random& random, std::string_view trailer = {});

}  // namespace weir::sim

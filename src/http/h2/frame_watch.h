// FrameWatch: looks at the headers of all frames that arrive, before anything is done about them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace weir::h2 {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr std::size_t kFrameHeader = 9;

enum class FrameType : std::uint8_t {
  data = 0x0,
  headers = 0x1,
  priority = 0x2,
  rst_stream = 0x3,
  settings = 0x4,
  push_promise = 0x5,
  ping = 0x6,
  goaway = 0x7,
  window_update = 0x8,
  continuation = 0x9,
  priority_update = 0x10,
};

struct FrameHeader {
  static constexpr std::uint8_t kEndStream = 0x1;
  static constexpr std::uint8_t kAck = 0x1;
  static constexpr std::uint8_t kEndHeaders = 0x4;

  std::uint32_t length;
  FrameType type;
  std::uint8_t flags;
  std::uint32_t stream;

  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};

/// Every frame passes here, also those that the engine would ignore in silence. Knows lengths
/// only; whether frames are right is the engine's business.
class FrameWatch {
 public:
  /// `preface`: the bytes begin with the client's preface.
  explicit FrameWatch(bool preface) : skip_(preface ? kPreface.size() : 0), first_(true) {}

  /// Calls `on_frame(FrameHeader)` for each header that ends in `bytes`; stops when it is false.
  template <class F>
  bool scan(std::string_view bytes, F&& on_frame) {
    while (!bytes.empty()) {
      if (skip_ > 0) {
        std::size_t step = bytes.size() < skip_ ? bytes.size() : skip_;
        skip_ -= static_cast<std::uint32_t>(step);
        bytes.remove_prefix(step);
        continue;
      }
      header_[have_++] = static_cast<std::uint8_t>(bytes.front());
      bytes.remove_prefix(1);
      if (have_ < kFrameHeader) continue;
      have_ = 0;
      first_ = false;
      FrameHeader frame = read_header();
      skip_ = frame.length;
      in_head_ = (frame.type == FrameType::headers || frame.type == FrameType::continuation) &&
                 !frame.has(FrameHeader::kEndHeaders);
      if (frame.type == FrameType::headers) ++heads_;
      head_payload_ = frame.type == FrameType::headers || frame.type == FrameType::continuation;
      if (!on_frame(frame)) return false;
    }
    return true;
  }

  /// A header block has begun and its last byte has not come, or the first frame has not.
  bool in_head() const { return first_ || in_head_ || (head_payload_ && skip_ > 0); }
  /// Tells one head from the next.
  std::uint32_t heads() const { return heads_; }

 private:
  FrameHeader read_header() const {
    auto at = [this](int i) { return static_cast<std::uint32_t>(header_[i]); };
    return {at(0) << 16 | at(1) << 8 | at(2), static_cast<FrameType>(header_[3]), header_[4],
            (at(5) << 24 | at(6) << 16 | at(7) << 8 | at(8)) & 0x7fffffff};
  }

  std::uint32_t skip_;
  std::uint32_t heads_ = 0;
  std::uint8_t have_ = 0;
  bool first_;
  bool in_head_ = false;
  bool head_payload_ = false;
  std::array<std::uint8_t, kFrameHeader> header_{};
};

}  // namespace weir::h2

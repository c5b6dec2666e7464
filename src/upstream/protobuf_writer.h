// Writes messages of Protocol Buffers to the end of a text.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "upstream/protobuf.h"

namespace weir::protobuf {

/// Numbers of fields are below 2^28. What is written is what was asked for: the caller leaves out
/// what has its default value, and sees to it that texts are UTF-8.
class Writer {
 public:
  /// `out` outlives the writer.
  explicit Writer(std::string& out) : out_(out) {}

  void number(std::uint32_t field, std::uint64_t value) {
    tag(field, Wire::number);
    varint(value);
  }
  void fixed64(std::uint32_t field, std::uint64_t value) {
    tag(field, Wire::eight_bytes);
    for (int i = 0; i < 8; ++i, value >>= 8) out_ += static_cast<char>(value);
  }
  void real(std::uint32_t field, double value) {
    fixed64(field, std::bit_cast<std::uint64_t>(value));
  }
  void bytes(std::uint32_t field, std::string_view value) {
    tag(field, Wire::bytes);
    varint(value.size());
    out_ += value;
  }
  /// A message inside: `write` writes its fields. Its length is known, and put before it, only
  /// then: small messages are moved by one byte or two.
  template <class F>
  void message(std::uint32_t field, F write) {
    tag(field, Wire::bytes);
    std::size_t start = out_.size();
    out_ += '\0';  // most are shorter than 128 bytes
    write();
    std::size_t size = out_.size() - start - 1;
    if (size < 0x80) {
      out_[start] = static_cast<char>(size);
    } else {
      std::string length;
      Writer(length).varint(size);
      out_.replace(start, 1, length);
    }
  }

 private:
  void tag(std::uint32_t field, Wire wire) {
    varint(field << 3 | static_cast<std::uint32_t>(wire));
  }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_ += static_cast<char>(value | 0x80);
    out_ += static_cast<char>(value);
  }

  std::string& out_;
};

}  // namespace weir::protobuf

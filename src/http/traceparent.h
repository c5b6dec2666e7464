// traceparent and tracestate of W3C Trace Context, Level 1: read strictly, written anew.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/headers.h"

namespace weir {

/// Sixteen bytes, never all zero.
struct TraceId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const TraceId&) const = default;
};

/// What a caller says of the trace that a request belongs to.
struct TraceParent {
  TraceId trace;
  std::uint64_t span = 0;  // of the caller; never zero
  bool sampled = false;    // the only flag that version 00 knows
  bool operator==(const TraceParent&) const = default;
};

/// `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`
inline constexpr std::size_t kTraceParentSize = 55;

/// Takes exactly what the Recommendation allows (3.2): small letters, no zero ids, 55 characters in
/// version 00. A later version may go on after a further `-`.
std::optional<TraceParent> parse_traceparent(std::string_view text);

/// In version 00; `out` has kTraceParentSize bytes.
void write_traceparent(const TraceParent& parent, char* out);

/// 32 and 16 small hexadecimal digits.
void write_trace_id(const TraceId& id, char* out);
void write_span_id(std::uint64_t id, char* out);

/// The members of all tracestate fields as one list, without empty ones (3.3). Nothing if there is
/// none, or if one is wrong, is there twice or is one too many: then the whole is to be dropped.
/// Lives in the arena of `headers`.
std::optional<std::string_view> read_tracestate(const Headers& headers);

/// Of a valid list (3.3.1.1).
inline constexpr std::size_t kMostTraceStates = 32;

}  // namespace weir

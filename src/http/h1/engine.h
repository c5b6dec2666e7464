// One table of parser entry points per instruction set, and the choice between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/result.h"
#include "http/h1/head_parser.h"
#include "http/headers.h"

namespace weir::h1 {

enum class Isa : std::uint8_t { scalar, sse42, avx2 };

/// The whole parser is compiled once for each instruction set (parser_core.h), so the choice
/// costs one indirect call per head and none per scan.
struct Engine {
  Result<std::size_t> (*request_head)(std::string_view bytes, std::size_t already_seen,
                                      const Limits&, RequestHead&, Headers&);
  Result<std::size_t> (*response_head)(std::string_view bytes, std::size_t already_seen,
                                       const Limits&, ResponseHead&, Headers&);
  Result<std::size_t> (*fields)(std::string_view bytes, const Limits&, Origin, Headers&);
  Result<bool> (*complete)(std::string_view bytes, std::size_t already_seen, Origin);
  // Bytes before the first that is no tchar, no field-value char, no target char.
  std::size_t (*token_prefix)(std::string_view);
  std::size_t (*value_prefix)(std::string_view);
  std::size_t (*target_prefix)(std::string_view);
};

extern const Engine kScalarEngine;
#if defined(__x86_64__)
extern const Engine kSse42Engine;
extern const Engine kAvx2Engine;
#endif

/// Whether this build and this processor have it.
bool is_available(Isa isa);

/// `isa` must be available.
const Engine& engine(Isa isa);

/// The widest one available; chosen once, when the program starts.
const Engine& engine();

/// Whether `bytes` hold an empty line, and thus a whole head or trailer section; at a call with
/// more bytes only the new ones are scanned. Stray CR, LF and other CTL are errors (parse).
Result<bool> holds_empty_line(std::string_view bytes, std::size_t already_seen, Origin origin);

}  // namespace weir::h1

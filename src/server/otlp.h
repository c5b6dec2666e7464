// Spans as OTLP has them (opentelemetry-proto 1.x, trace/v1), with the names of attributes that
// OpenTelemetry's semantic conventions for HTTP give.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "expression/redaction.h"
#include "http/trace.h"

namespace weir::otlp {

/// Values from outside are cut to this many bytes.
inline constexpr std::size_t kMostText = 1024;

/// Appends every span of `trace`, each a field `spans` of a ScopeSpans: several of these pieces,
/// one after the other, are again what `request` takes. Returns how many spans these are.
std::size_t append_spans(std::string& out, const Trace& trace, Exchange& exchange,
                         const expression::Redaction& redaction);

/// How many spans stand in such pieces.
std::size_t count_spans(std::string_view spans);

/// A Resource: who sends the spans.
std::string resource(const std::vector<std::pair<std::string, std::string>>& attributes);

/// An ExportTraceServiceRequest.
std::string request(std::string_view resource, std::string_view spans);

/// Spans that an ExportTraceServiceResponse says were refused.
std::uint64_t refused_spans(std::string_view response);

}  // namespace weir::otlp

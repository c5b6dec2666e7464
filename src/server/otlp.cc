#include "server/otlp.h"

#include <algorithm>

#include "core/version.h"
#include "http/method.h"
#include "upstream/protobuf_writer.h"

namespace weir::otlp {
namespace {

using protobuf::Writer;

// Fields by their numbers in opentelemetry-proto.
namespace export_request {
constexpr std::uint32_t kResourceSpans = 1;
}
namespace resource_spans {
constexpr std::uint32_t kResource = 1, kScopeSpans = 2;
}
namespace resource_fields {
constexpr std::uint32_t kAttributes = 1;
}
namespace scope_spans {
constexpr std::uint32_t kScope = 1, kSpans = 2;
}
namespace scope {
constexpr std::uint32_t kName = 1, kVersion = 2;
}
namespace span_fields {
constexpr std::uint32_t kTraceId = 1, kSpanId = 2, kTraceState = 3, kParent = 4, kName = 5,
                        kKind = 6, kStart = 7, kEnd = 8, kAttributes = 9, kStatus = 15;
}
namespace status_fields {
constexpr std::uint32_t kCode = 3;
constexpr std::uint64_t kError = 2;
}  // namespace status_fields
namespace key_value {
constexpr std::uint32_t kKey = 1, kValue = 2;
}
namespace any_value {
constexpr std::uint32_t kText = 1, kBool = 2, kNumber = 3, kReal = 4;
}

// A `string` of Protocol Buffers is UTF-8; what clients send is anything.
std::string outside(std::string_view text) {
  std::string clean(text.substr(0, kMostText));
  std::ranges::replace_if(
      clean, [](char c) { return static_cast<unsigned char>(c) - 0x20U >= 0x5fU; }, '?');
  return clean;
}

std::string big_endian(std::uint64_t value) {
  std::string bytes(8, '\0');
  for (int i = 7; i >= 0; --i, value >>= 8)
    bytes[static_cast<std::size_t>(i)] = static_cast<char>(value);
  return bytes;
}

std::string_view protocol_version(Version version) {
  switch (version) {
    case Version::http_1_0: return "1.0";
    case Version::http_1_1: return "1.1";
    case Version::http_2: return "2";
    case Version::http_3: return "3";
  }
  return "1.1";
}

/// Attributes of one field `number`; what is not known is left out.
class Attributes {
 public:
  Attributes(Writer& writer, std::uint32_t number) : writer_(writer), number_(number) {}

  void text(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    add(key, [&] { writer_.bytes(any_value::kText, value); });
  }
  void number(std::string_view key, std::uint64_t value) {
    add(key, [&] { writer_.number(any_value::kNumber, value); });
  }
  void flag(std::string_view key, bool value) {
    if (value) add(key, [&] { writer_.number(any_value::kBool, 1); });
  }
  void seconds(std::string_view key, Duration value) {
    if (value < Duration::zero()) return;
    double seconds = static_cast<double>(value.count()) / 1e9;
    add(key, [&] { writer_.real(any_value::kReal, seconds); });
  }

 private:
  template <class F>
  void add(std::string_view key, F value) {
    writer_.message(number_, [&] {
      writer_.bytes(key_value::kKey, key);
      writer_.message(key_value::kValue, value);
    });
  }

  Writer& writer_;
  std::uint32_t number_;
};

/// Writes the spans of one trace.
class SpanWriter {
 public:
  SpanWriter(std::string& out, const Trace& trace, Exchange& exchange,
             const expression::Redaction& redaction)
      : writer_(out),
        attributes_(writer_, span_fields::kAttributes),
        trace_(trace),
        exchange_(exchange),
        redaction_(redaction),
        now_(exchange.loop().now()),
        wall_(exchange.loop().wall_now()) {}

  void write(const TraceSpan& span) {
    writer_.message(scope_spans::kSpans, [&] {
      writer_.bytes(span_fields::kTraceId,
                    big_endian(trace_.id().high) + big_endian(trace_.id().low));
      writer_.bytes(span_fields::kSpanId, big_endian(span.id));
      if (!trace_.state().empty()) writer_.bytes(span_fields::kTraceState, trace_.state());
      if (span.parent != 0) writer_.bytes(span_fields::kParent, big_endian(span.parent));
      writer_.bytes(span_fields::kName, name_of(span));
      writer_.number(span_fields::kKind, static_cast<std::uint64_t>(span.kind));
      writer_.fixed64(span_fields::kStart, unix_time(span.started));
      writer_.fixed64(span_fields::kEnd, unix_time(span.ended));
      if (&span == &trace_.root()) {
        describe_exchange();
      } else if (span.kind == SpanKind::client) {
        describe_attempt(span);
      }
      if (is_error(span)) {
        writer_.message(span_fields::kStatus,
                        [&] { writer_.number(status_fields::kCode, status_fields::kError); });
      }
    });
  }

 private:
  // The loop knows the wall clock of now; a span began a measured time ago.
  std::uint64_t unix_time(TimePoint time) const {
    return static_cast<std::uint64_t>(wall_ - (now_ - time).count());
  }

  // Few names, and none that a client could choose.
  std::string name_of(const TraceSpan& span) const {
    if (!span.name.empty()) return std::string(span.name);
    std::string name(method());
    if (name == "_OTHER") name = "HTTP";
    if (span.kind == SpanKind::server && !exchange_.route().empty()) {
      name.append(" ").append(exchange_.route());
    }
    return name;
  }

  std::string_view method() const {
    const Request& request = exchange_.request();
    return request.method == Method::other ? std::string_view("_OTHER") : request.method_text;
  }

  bool is_error(const TraceSpan& span) const {
    if (&span == &trace_.root()) return is_server_error(exchange_.outcome());
    bool failed = span.error != ErrorCode::none && span.error != ErrorCode::cancelled;
    return failed || span.status >= 400;
  }

  void describe_exchange() {
    const Request& request = exchange_.request();
    const Outcome& outcome = exchange_.outcome();
    attributes_.text("http.request.method", method());
    if (method() == "_OTHER") {
      attributes_.text("http.request.method_original", outside(request.method_text));
    }
    attributes_.text("url.scheme", request.scheme);
    attributes_.text("server.address", outside(request.authority.host));
    attributes_.text("url.path", outside(request.target.path));
    attributes_.text("http.route", exchange_.route());
    attributes_.text("network.protocol.version", protocol_version(request.version));
    describe_client();
    if (outcome.status != 0) attributes_.number("http.response.status_code", outcome.status);
    if (outcome.error.code != ErrorCode::none) {
      attributes_.text("error.type", name(outcome.error.code));
    } else if (outcome.status >= 500) {
      attributes_.text("error.type", std::to_string(outcome.status));
    }
    if (outcome.bytes_received > 0) {
      attributes_.number("http.request.body.size", outcome.bytes_received);
    }
    if (outcome.bytes_sent > 0) attributes_.number("http.response.body.size", outcome.bytes_sent);
    attributes_.text("weir.listener", exchange_.connection().listener);
    attributes_.text("weir.request_id", outside(exchange_.request_id()));
    if (exchange_.cache_use() != CacheUse::none) {
      attributes_.text("weir.cache", name(exchange_.cache_use()));
    }
    if (trace_.left_out() > 0) attributes_.number("weir.spans_left_out", trace_.left_out());
  }

  void describe_client() {
    const IpAddress& ip = exchange_.client_ip();
    expression::Value shown = redaction_.shown(ip);
    if (ip != IpAddress() && shown.kind == expression::Value::Kind::address) {
      attributes_.text("client.address", shown.address.text());
    }
    if (redaction_.hides_header("user-agent")) return;
    attributes_.text("user_agent.original",
                     outside(exchange_.request().headers.get(HeaderId::user_agent)));
  }

  void describe_attempt(const TraceSpan& span) {
    attributes_.text("http.request.method", method());
    attributes_.text("weir.upstream", span.upstream);
    if (span.endpoint.family() == Address::Family::ipv4 ||
        span.endpoint.family() == Address::Family::ipv6) {
      attributes_.text("server.address", span.endpoint.ip().text());
      attributes_.number("server.port", span.endpoint.port());
    }
    if (span.response >= Duration::zero()) {
      attributes_.text("network.protocol.version", protocol_version(span.version));
    }
    if (span.status != 0) attributes_.number("http.response.status_code", span.status);
    if (span.error != ErrorCode::none) {
      attributes_.text("error.type", name(span.error));
    } else if (span.status >= 400) {
      attributes_.text("error.type", std::to_string(span.status));
    }
    if (span.repeated > 0) attributes_.number("http.request.resend_count", span.repeated);
    attributes_.flag("weir.connection_reused", span.reused);
    attributes_.seconds("weir.connect_seconds", span.connect);
    attributes_.seconds("weir.response_seconds", span.response);
  }

  Writer writer_;
  Attributes attributes_;
  const Trace& trace_;
  Exchange& exchange_;
  const expression::Redaction& redaction_;
  TimePoint now_;
  std::int64_t wall_;
};

}  // namespace

std::size_t append_spans(std::string& out, const Trace& trace, Exchange& exchange,
                         const expression::Redaction& redaction) {
  SpanWriter writer(out, trace, exchange, redaction);
  std::size_t count = 0;
  for (const TraceSpan* span = &trace.root(); span != nullptr; span = span->next, ++count) {
    writer.write(*span);
  }
  return count;
}

std::size_t count_spans(std::string_view spans) {
  std::size_t count = 0;
  while (!spans.empty() && protobuf::take_field(spans)) ++count;
  return count;
}

std::string resource(const std::vector<std::pair<std::string, std::string>>& attributes) {
  std::string out;
  Writer writer(out);
  Attributes all(writer, resource_fields::kAttributes);
  for (const auto& [key, value] : attributes) all.text(key, value);
  return out;
}

std::string request(std::string_view resource, std::string_view spans) {
  std::string scoped;
  Writer scope_writer(scoped);
  scope_writer.message(scope_spans::kScope, [&] {
    scope_writer.bytes(scope::kName, "weir");
    scope_writer.bytes(scope::kVersion, kVersion);
  });
  scoped += spans;
  std::string out;
  Writer writer(out);
  writer.message(export_request::kResourceSpans, [&] {
    writer.bytes(resource_spans::kResource, resource);
    writer.bytes(resource_spans::kScopeSpans, scoped);
  });
  return out;
}

std::uint64_t refused_spans(std::string_view response) {
  constexpr std::uint32_t kPartialSuccess = 1, kRejectedSpans = 1;
  while (!response.empty()) {
    auto field = protobuf::take_field(response);
    if (!field) break;
    if (field->number != kPartialSuccess || field->wire != protobuf::Wire::bytes) continue;
    std::string_view partial = field->bytes;
    while (!partial.empty()) {
      auto inner = protobuf::take_field(partial);
      if (!inner) break;
      if (inner->number == kRejectedSpans && inner->wire == protobuf::Wire::number) {
        return inner->value;
      }
    }
  }
  return 0;
}

}  // namespace weir::otlp

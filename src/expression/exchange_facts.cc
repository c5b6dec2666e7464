#include "expression/exchange_facts.h"

#include "http/trace.h"

namespace weir::expression {
namespace {

Value text_or_absent(std::string_view text) { return text.empty() ? Value() : Value::of(text); }

std::int64_t since(TimePoint start, TimePoint end) {
  return end == TimePoint() ? -1 : (end - start).count();
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// `%41` and `+` as forms write them; broken escapes stay as they are.
std::string_view decode(Arena& arena, std::string_view text) {
  if (text.find_first_of("%+") == std::string_view::npos) return text;
  char* out = arena.allocate(text.size());
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out[size++] = static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out[size++] = text[i] == '+' ? ' ' : text[i];
    }
  }
  return {out, size};
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

Value client_certificate_fact(Fact fact, const TlsPeerCertificate& certificate) {
  switch (fact) {
    case Fact::tls_client_subject: return Value::of(certificate.subject);
    case Fact::tls_client_issuer: return Value::of(certificate.issuer);
    case Fact::tls_client_serial: return Value::of(certificate.serial);
    case Fact::tls_client_fingerprint: return Value::of(certificate.fingerprint);
    case Fact::tls_client_san: return text_or_absent(certificate.all_names);
    default: return {};
  }
}

}  // namespace

Value ExchangeFacts::get(Fact fact) const {
  return fact < Fact::upstream ? request_fact(fact) : outcome_fact(fact);
}

Value ExchangeFacts::request_fact(Fact fact) const {
  const Request& request = exchange_.request();
  const ConnectionFacts& connection = exchange_.connection();
  switch (fact) {
    case Fact::client_ip:
      if (connection.peer.family() == Address::Family::unix_path) return {};
      return Value::of(exchange_.client_ip());
    case Fact::client_port: return Value::of(std::int64_t{connection.peer.port()});
    case Fact::listener: return text_or_absent(connection.listener);
    case Fact::scheme: return text_or_absent(request.scheme);
    case Fact::time:
    case Fact::time_clf:
    case Fact::time_unix: {
      // The loop knows the wall clock of now; the request began a measured time ago.
      auto ago = (exchange_.loop().now() - exchange_.outcome().started).count();
      return Value::of(exchange_.loop().wall_now() - ago);
    }
    case Fact::request_id: return Value::of(exchange_.request_id());
    case Fact::trace_id:
    case Fact::span_id: return trace_fact(fact);
    case Fact::protocol: return Value::of(name(request.version));
    case Fact::method: return text_or_absent(request.method_text);
    case Fact::host: return text_or_absent(request.authority.host);
    case Fact::path: return text_or_absent(request.target.path);
    case Fact::query: return request.target.has_query() ? Value::of(request.target.query) : Value();
    case Fact::target:  // a derived exchange has no target as received
      return text_or_absent(request.target.raw.empty() ? request.target.path_query
                                                       : request.target.raw);
    case Fact::raw_path: return text_or_absent(request.target.raw_path);
    case Fact::route: return text_or_absent(exchange_.route());
    case Fact::identity: return text_or_absent(exchange_.identity());
    default: return tls_fact(fact);
  }
}

Value ExchangeFacts::trace_fact(Fact fact) const {
  const TraceSpan* span = exchange_.span();
  if (span == nullptr) return {};
  Trace& trace = *span->trace;
  return Value::of(fact == Fact::trace_id ? trace.id_text() : trace.span_text());
}

// Absent on a connection in clear.
Value ExchangeFacts::tls_fact(Fact fact) const {
  const TlsFacts* tls = exchange_.connection().tls;
  if (tls == nullptr) return {};
  switch (fact) {
    case Fact::tls_version: return Value::of(tls->version);
    case Fact::tls_cipher: return Value::of(tls->cipher);
    case Fact::tls_server_name: return text_or_absent(tls->server_name);
    case Fact::tls_alpn: return text_or_absent(tls->alpn);
    default: return tls->peer != nullptr ? client_certificate_fact(fact, *tls->peer) : Value();
  }
}

Value ExchangeFacts::outcome_fact(Fact fact) const {
  const Outcome& outcome = exchange_.outcome();
  const UpstreamFacts& upstream = exchange_.upstream();
  switch (fact) {
    case Fact::upstream: return text_or_absent(upstream.name);
    case Fact::endpoint:
      if (upstream.endpoint.family() == Address::Family::none) return {};
      return Value::of(exchange_.arena().copy(upstream.endpoint.text()));
    case Fact::status: {
      std::uint16_t status = response_ != nullptr ? response_->status : outcome.status;
      return status == 0 ? Value() : Value::of(std::int64_t{status});
    }
    case Fact::reason:
      return outcome.error.code == ErrorCode::none ? Value() : Value::of(name(outcome.error.code));
    case Fact::bytes_in: return Value::of(static_cast<std::int64_t>(outcome.bytes_received));
    case Fact::bytes_out: return Value::of(static_cast<std::int64_t>(outcome.bytes_sent));
    case Fact::duration: return Value::of_duration(since(outcome.started, outcome.ended));
    case Fact::first_byte: return Value::of_duration(since(outcome.started, outcome.responded));
    case Fact::upstream_connect: return Value::of_duration(upstream.connect.count());
    case Fact::upstream_response: return Value::of_duration(upstream.response.count());
    default: return {};
  }
}

bool ExchangeFacts::next(Source source, std::string_view name, std::size_t& position,
                         std::string_view& value) const {
  switch (source) {
    case Source::header: return next_field(&exchange_.request().headers, name, position, value);
    case Source::response_header:
      return next_field(response_ != nullptr ? &response_->headers : exchange_.response_headers(),
                        name, position, value);
    case Source::query: return next_parameter(name, position, value);
    case Source::cookie: return next_cookie(name, position, value);
  }
  return false;
}

bool ExchangeFacts::next_field(const Headers* headers, std::string_view name, std::size_t& position,
                               std::string_view& value) const {
  if (headers == nullptr) return false;
  HeaderId id = header_id(name);
  if (!headers->has(id)) return false;
  for (; position < headers->size(); ++position) {
    const Header& field = (*headers)[position];
    if (!field.is(id, name)) continue;
    value = field.value();
    ++position;
    return true;
  }
  return false;
}

// `position` counts bytes of the query.
bool ExchangeFacts::next_parameter(std::string_view name, std::size_t& position,
                                   std::string_view& value) const {
  std::string_view query = exchange_.request().target.query;
  while (position < query.size()) {
    std::size_t end = std::min(query.find('&', position), query.size());
    std::string_view pair = query.substr(position, end - position);
    position = end + 1;
    std::size_t equal = std::min(pair.find('='), pair.size());
    if (decode(exchange_.arena(), pair.substr(0, equal)) != name) continue;
    value = equal < pair.size() ? decode(exchange_.arena(), pair.substr(equal + 1))
                                : std::string_view();
    return true;
  }
  return false;
}

// `position` counts pairs over all Cookie fields: HTTP/2 splits them.
bool ExchangeFacts::next_cookie(std::string_view name, std::size_t& position,
                                std::string_view& value) const {
  std::size_t pair_number = 0;
  bool found = false;
  exchange_.request().headers.for_each(HeaderId::cookie, [&](std::string_view field) {
    while (!field.empty() && !found) {
      std::size_t end = std::min(field.find(';'), field.size());
      std::string_view pair = trim(field.substr(0, end));
      field.remove_prefix(std::min(end + 1, field.size()));
      if (pair_number++ < position) continue;
      std::size_t equal = pair.find('=');
      if (equal == std::string_view::npos || pair.substr(0, equal) != name) continue;
      value = pair.substr(equal + 1);
      position = pair_number;
      found = true;
    }
  });
  return found;
}

}  // namespace weir::expression

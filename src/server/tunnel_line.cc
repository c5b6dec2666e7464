#include "server/tunnel_line.h"

#include "expression/text.h"

namespace weir {
namespace {

using expression::Escape;
using expression::Sink;

class Object {
 public:
  explicit Object(std::string& line) : sink_(line) { sink_.put('{'); }
  ~Object() { sink_.put('}'); }

  void text(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    begin(key);
    sink_.put('"');
    expression::put_text(sink_, value, Escape::json);
    sink_.put('"');
  }
  void number(std::string_view key, std::uint64_t value) {
    begin(key);
    expression::put_number(sink_, static_cast<std::int64_t>(value));
  }
  void milliseconds(std::string_view key, Duration value) {
    if (value < Duration::zero()) return;
    begin(key);
    expression::put_milliseconds(sink_, value.count());
  }
  void time(std::string_view key, std::int64_t value) {
    begin(key);
    sink_.put('"');
    expression::put_rfc3339(sink_, value);
    sink_.put('"');
  }

 private:
  void begin(std::string_view key) {
    if (!first_) sink_.put(',');
    first_ = false;
    sink_.put('"');
    sink_.put(key);
    sink_.put("\":");
  }

  Sink sink_;
  bool first_ = true;
};

}  // namespace

void append_tunnel(std::string& line, const TunnelRecord& record,
                   const expression::Redaction& redaction, std::int64_t ended) {
  Object object(line);
  object.time("time", ended);
  object.text("listener", record.listener);
  expression::Value client = redaction.shown(record.client.ip());
  if (client.kind != expression::Value::Kind::absent) {
    object.text("client_ip", client.address.text());
  }
  if (redaction.client_ip == expression::Redaction::Ip::keep) {
    object.number("client_port", record.client.port());
  }
  object.text("protocol", record.protocol);
  object.text("server_name", record.server_name);
  object.text("upstream", record.upstream);
  object.text("endpoint", record.endpoint);
  object.number("attempts", record.attempts);
  object.milliseconds("upstream_connect_ms", record.connect);
  object.milliseconds("duration_ms", record.duration);
  object.number("bytes_in", record.received);
  object.number("bytes_out", record.sent);
  if (record.error.code == ErrorCode::none) return;
  object.text("reason", name(record.error.code));
  object.text("origin", name(record.error.origin));
  object.text("detail", record.error.detail);
}

}  // namespace weir

#include "handler/fastcgi/variables.h"

#include <charconv>

namespace weir {
namespace {

std::string_view decimal(Arena& arena, std::uint64_t number) {
  constexpr std::size_t kMost = 20;
  char* digits = arena.allocate(kMost);
  char* end = std::to_chars(digits, digits + kMost, number).ptr;
  return {digits, static_cast<std::size_t>(end - digits)};
}

std::string_view text_of(Arena& arena, const IpAddress& ip) {
  char* text = arena.allocate(46);
  return {text, ip.write(text)};
}

std::string_view protocol_of(Version version) {
  switch (version) {
    case Version::http_1_0: return "HTTP/1.0";
    case Version::http_1_1: return "HTTP/1.1";
    case Version::http_2: return "HTTP/2.0";
    case Version::http_3: return "HTTP/3.0";
  }
  return "HTTP/1.1";
}

/// Adds what is not there yet.
class Variables {
 public:
  explicit Variables(fastcgi::Params& params) : params_(params) {}
  void set(std::string_view name, std::string_view value) {
    if (!params_.has(name)) params_.add(name, value);
  }

 private:
  fastcgi::Params& params_;
};

// A proxy that speaks for the client has got the other port.
void add_client(Variables& variables, Exchange& exchange) {
  const Peer& peer = exchange.connection().peer;
  const IpAddress& client = exchange.client_ip();
  variables.set("REMOTE_ADDR", text_of(exchange.arena(), client));
  if (std::string_view user = exchange.identity(); !user.empty()) {
    variables.set("AUTH_TYPE", "Basic");
    variables.set("REMOTE_USER", user);
  }
  bool direct = peer.family() != Address::Family::unix_path && peer.ip() == client;
  if (direct) variables.set("REMOTE_PORT", decimal(exchange.arena(), peer.port()));
}

void add_server(Variables& variables, Exchange& exchange, std::string_view scheme) {
  const Authority& authority = exchange.request().authority;
  bool secure = scheme == "https";
  variables.set("SERVER_SOFTWARE", "weir");
  variables.set("SERVER_NAME", authority.host.empty() ? "localhost" : authority.host);
  std::uint16_t port = authority.port;
  if (port == 0) port = secure ? 443 : 80;
  variables.set("SERVER_PORT", decimal(exchange.arena(), port));
  variables.set("REQUEST_SCHEME", scheme);
  if (secure) variables.set("HTTPS", "on");
}

void add_script(Variables& variables, Arena& arena, const ScriptCall& call) {
  variables.set("DOCUMENT_ROOT", call.root);
  variables.set("SCRIPT_FILENAME", arena.concat({call.root, "/", call.script.path}));
  variables.set("SCRIPT_NAME", arena.concat({call.prefix, "/", call.script.path}));
  // An empty one has made php-fpm write before its memory (CVE-2019-11043).
  if (!call.script.info.empty()) variables.set("PATH_INFO", call.script.info);
}

}  // namespace

void add_variables(fastcgi::Params& params, Exchange& exchange, const ScriptCall& call) {
  Variables variables(params);
  const Request& request = exchange.request();
  variables.set("GATEWAY_INTERFACE", "CGI/1.1");
  variables.set("SERVER_PROTOCOL", protocol_of(request.version));
  variables.set("REQUEST_METHOD", request.method_text);
  variables.set("REQUEST_URI", request.target.path_query);
  variables.set("QUERY_STRING", request.target.query);
  add_script(variables, exchange.arena(), call);
  add_server(variables, exchange, call.scheme);
  add_client(variables, exchange);
  if (call.body != nullptr) {
    variables.set("CONTENT_LENGTH", decimal(exchange.arena(), call.body->length().value_or(0)));
  }
  if (std::string_view type = request.headers.get(HeaderId::content_type); !type.empty()) {
    variables.set("CONTENT_TYPE", type);
  }
  variables.set("REDIRECT_STATUS", "200");  // php-cgi answers nobody without it
}

}  // namespace weir

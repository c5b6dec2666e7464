// The two fixed formats of the access log, as templates; a line break is not part of them.
#pragma once

#include <string_view>

#include "expression/text.h"

namespace weir::expression {

struct LogFormat {
  std::string_view name;  ///< as the configuration calls it
  std::string_view source;
  Escape escape;
};

/// The "combined" format of Apache and nginx.
inline constexpr LogFormat kCombinedFormat{
    "combined",
    R"(${client_ip} - ${default(identity, "-")} [${time_clf}] "${method} ${target} ${protocol}" )"
    R"(${status} ${bytes_out} "${default(header.referer, "-")}" "${default(header.user-agent, "-")}")",
    Escape::log};

/// One JSON object. Times are in milliseconds; numbers that are not known are null.
inline constexpr LogFormat kJsonFormat{
    "json",
    R"({"time":"${time}","request_id":"${request_id}","trace_id":"${trace_id}",)"
    R"("client_ip":"${client_ip}","client_port":${client_port},"listener":"${listener}","route":"${route}",)"
    R"("protocol":"${protocol}","scheme":"${scheme}","method":"${method}","host":"${host}",)"
    R"("identity":"${identity}",)"
    R"("target":"${target}","path":"${path}","status":${status},"reason":"${reason}",)"
    R"("bytes_in":${bytes_in},"bytes_out":${bytes_out},"duration_ms":${duration},)"
    R"("first_byte_ms":${first_byte},"upstream":"${upstream}","endpoint":"${endpoint}",)"
    R"("upstream_connect_ms":${upstream_connect},"upstream_response_ms":${upstream_response},)"
    R"("user_agent":"${header.user-agent}","referer":"${header.referer}"})",
    Escape::json};

/// The format that a configuration names: one of the two, or a template of the user's own. One
/// that begins with a brace is an object, so its holes are escaped as JSON.
inline LogFormat log_format(std::string_view format) {
  if (format == kCombinedFormat.name) return kCombinedFormat;
  if (format == kJsonFormat.name) return kJsonFormat;
  return {format, format, format.starts_with('{') ? Escape::json : Escape::log};
}

}  // namespace weir::expression

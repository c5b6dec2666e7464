#include "http/status.h"

#include <array>
#include <cstddef>

namespace weir {
namespace {

struct Known {
  std::uint16_t status;
  std::string_view reason;
  std::string_view line;
};

#define KNOWN(status, reason) {status, reason, "HTTP/1.1 " #status " " reason "\r\n"}

// The IANA registry of status codes; the first entry stands for all others.
constexpr Known kKnown[] = {
    {0, {}, {}},
    KNOWN(100, "Continue"),
    KNOWN(101, "Switching Protocols"),
    KNOWN(102, "Processing"),
    KNOWN(103, "Early Hints"),
    KNOWN(200, "OK"),
    KNOWN(201, "Created"),
    KNOWN(202, "Accepted"),
    KNOWN(203, "Non-Authoritative Information"),
    KNOWN(204, "No Content"),
    KNOWN(205, "Reset Content"),
    KNOWN(206, "Partial Content"),
    KNOWN(207, "Multi-Status"),
    KNOWN(208, "Already Reported"),
    KNOWN(226, "IM Used"),
    KNOWN(300, "Multiple Choices"),
    KNOWN(301, "Moved Permanently"),
    KNOWN(302, "Found"),
    KNOWN(303, "See Other"),
    KNOWN(304, "Not Modified"),
    KNOWN(305, "Use Proxy"),
    KNOWN(307, "Temporary Redirect"),
    KNOWN(308, "Permanent Redirect"),
    KNOWN(400, "Bad Request"),
    KNOWN(401, "Unauthorized"),
    KNOWN(402, "Payment Required"),
    KNOWN(403, "Forbidden"),
    KNOWN(404, "Not Found"),
    KNOWN(405, "Method Not Allowed"),
    KNOWN(406, "Not Acceptable"),
    KNOWN(407, "Proxy Authentication Required"),
    KNOWN(408, "Request Timeout"),
    KNOWN(409, "Conflict"),
    KNOWN(410, "Gone"),
    KNOWN(411, "Length Required"),
    KNOWN(412, "Precondition Failed"),
    KNOWN(413, "Content Too Large"),
    KNOWN(414, "URI Too Long"),
    KNOWN(415, "Unsupported Media Type"),
    KNOWN(416, "Range Not Satisfiable"),
    KNOWN(417, "Expectation Failed"),
    KNOWN(421, "Misdirected Request"),
    KNOWN(422, "Unprocessable Content"),
    KNOWN(423, "Locked"),
    KNOWN(424, "Failed Dependency"),
    KNOWN(425, "Too Early"),
    KNOWN(426, "Upgrade Required"),
    KNOWN(428, "Precondition Required"),
    KNOWN(429, "Too Many Requests"),
    KNOWN(431, "Request Header Fields Too Large"),
    KNOWN(451, "Unavailable For Legal Reasons"),
    KNOWN(500, "Internal Server Error"),
    KNOWN(501, "Not Implemented"),
    KNOWN(502, "Bad Gateway"),
    KNOWN(503, "Service Unavailable"),
    KNOWN(504, "Gateway Timeout"),
    KNOWN(505, "HTTP Version Not Supported"),
    KNOWN(506, "Variant Also Negotiates"),
    KNOWN(507, "Insufficient Storage"),
    KNOWN(508, "Loop Detected"),
    KNOWN(511, "Network Authentication Required"),
};

#undef KNOWN

constexpr std::uint16_t kFirst = 100;
constexpr std::uint16_t kLast = 511;

consteval std::array<std::uint8_t, kLast - kFirst + 1> make_index() {
  std::array<std::uint8_t, kLast - kFirst + 1> index{};
  for (std::size_t i = 1; i < std::size(kKnown); ++i) {
    index[kKnown[i].status - kFirst] = static_cast<std::uint8_t>(i);
  }
  return index;
}

constexpr auto kIndex = make_index();

const Known& look_up(std::uint16_t status) {
  return kKnown[status >= kFirst && status <= kLast ? kIndex[status - kFirst] : 0];
}

}  // namespace

std::string_view reason_phrase(std::uint16_t status) { return look_up(status).reason; }
std::string_view status_line(std::uint16_t status) { return look_up(status).line; }

}  // namespace weir

// DNS messages: queries to bytes, answers to records (RFC 1035, 2308, 2782, 6891). No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.h"
#include "core/result.h"
#include "io/address.h"

namespace weir::dns {

enum class RecordType : std::uint16_t { a = 1, cname = 5, soa = 6, aaaa = 28, srv = 33 };

/// Aliases (CNAME) that are followed within one answer.
inline constexpr unsigned kMaxAliases = 16;
/// Records that one message may hold, in all of its sections together.
inline constexpr unsigned kMaxRecords = 2048;
/// Bytes of names that one message may expand to: a small message with many pointers to long
/// names would otherwise cost far more time than it cost its sender.
inline constexpr std::size_t kMaxNameBytes = 256 * 1024;
/// The largest UDP answer that is asked for: fits every path without fragments (RFC 9715).
inline constexpr int kUdpBytes = 1232;

/// A host name in lower case and without the final dot.
struct HostName {
  std::string text;
  bool absolute = false;  // was written with a final dot: search domains do not apply
};

/// Labels of 1 to 63 letters, digits, `-` and `_`, 253 bytes in all; nothing for anything else.
std::optional<HostName> parse_host_name(std::string_view text);

/// A query as it is sent. Its id and the case of its letters are random; an answer has to repeat
/// both, so that one who does not see the query cannot forge it (RFC 5452, "0x20").
struct Query {
  std::string bytes;
  std::size_t question_size = 0;  // of the question section, which begins at byte 12
  std::string name;               // in lower case
  RecordType type = RecordType::a;
};

/// `name` is a HostName's text. Fails (`dns_failure`) if c-ares refuses it.
Result<Query> make_query(std::string_view name, RecordType type, bool edns, Random& random);

/// One SRV record (RFC 2782).
struct Service {
  std::uint16_t priority = 0;  // the lowest is used first
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  std::string target;  // in lower case; never empty
  bool operator==(const Service&) const = default;
};

/// What a message is worth as the answer to a query.
enum class Verdict : std::uint8_t {
  foreign,    // not an answer to this query; to be ignored
  suspect,    // ours but for the case of the name: to be asked again where forging is harder
  malformed,  // ours, and not to be believed
  truncated,  // too large for UDP
  no_edns,    // the server wants a query without EDNS
  refused,    // any other failure that the server states
  no_name,    // NXDOMAIN: nothing exists under this name
  no_data,    // the name exists, but has no such records
  found,
};

struct Reply {
  Verdict verdict = Verdict::foreign;
  std::string_view detail;  // static text, of refused and malformed
  std::vector<IpAddress> addresses;
  std::vector<Service> services;  // without the target ".", which says that there is no service
  /// Seconds: the least of all records that led to the answer; of no_name and no_data as RFC
  /// 2308 has it, nothing if the server did not say.
  std::optional<std::uint32_t> ttl;
};

/// `exact_case` asks that the letters of the name come back as they were sent; over TCP, where
/// nothing can be injected blindly, it is not needed.
Reply parse_reply(std::string_view message, const Query& query, bool exact_case);

}  // namespace weir::dns

// ClientHelloReader: server name and protocols of a TLS ClientHello, without ending the TLS. No
// I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace weir {

/// What a client asks for, in clear (RFC 8446, 4.1.2).
struct ClientHello {
  std::string server_name;        // SNI in lower case, without a trailing dot; empty if none came
  std::vector<std::string> alpn;  // in the client's order
};

/// Takes the bytes of a connection as they come. The hello may be spread over any number of reads
/// and of records. The bytes themselves belong to whoever feeds them.
class ClientHelloReader {
 public:
  /// Of the handshake message; with it goes what its records add.
  static constexpr std::size_t kMaxBytes = 16 * 1024;
  /// A client that sends its hello in more records than that wears us out.
  static constexpr int kMaxRecords = 64;

  /// True once the hello is complete; `hello` then holds, and bytes behind it are not looked at.
  /// Errors (origin client): `parse` for what is no ClientHello, `limit` above the limits.
  Result<bool> feed(std::string_view bytes);

  const ClientHello& hello() const { return hello_; }

 private:
  Status begin_record();
  Status check_message() const;
  std::size_t wanted() const;

  ClientHello hello_;
  std::string header_;   // of the record, as far as it has come
  std::string message_;  // of the handshake protocol, out of its records
  std::size_t record_left_ = 0;
  int records_ = 0;
};

}  // namespace weir

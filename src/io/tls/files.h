// Files of certificates, keys and CAs: read whole, with a limit.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "io/tls/openssl.h"

namespace weir {

/// When and which file it was that stood at a path; all zero if there is none.
struct FileStamp {
  std::int64_t modified = 0;  // nanoseconds
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::uint32_t mode = 0;
  bool operator==(const FileStamp&) const = default;
};
FileStamp stamp_of(const std::string& path);

/// At most 4 MiB. The error is for people.
std::expected<std::string, std::string> read_small_file(const std::string& path);

/// Trusts every certificate of `pem`; false if there is none or one cannot be read.
/// `tell_clients` names them in the server's request for a certificate.
bool add_authorities(SSL_CTX* context, std::string_view pem, bool tell_clients);

/// The next certificate of a PEM text; null at its end, and with an error in the queue otherwise.
X509Ptr next_certificate(BIO* text);
BioPtr bio_over(std::string_view text);
/// Whether the queue says only that a PEM text has come to its end; empties it then.
bool at_end_of_pem();

}  // namespace weir

// OCSP without I/O (RFC 6960): what to ask about a certificate, and whether to believe the answer.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "io/tls/certificate.h"

namespace weir {

struct OcspQuestion {
  std::string url;      // of the responder: http://...
  std::string request;  // DER, for a POST as application/ocsp-request
};

/// Nothing if the certificate names no responder over HTTP, or its file does not have its issuer.
std::optional<OcspQuestion> ocsp_question(const ServerCertificate& certificate);

struct OcspAnswer {
  std::int64_t this_update;  // seconds since the Unix epoch
  std::int64_t next_update;  // an hour after `now` if the responder does not say
};

/// Believes a DER-encoded response signed by the certificate's issuer, or by whom the issuer
/// allows to, that says "good" and is not over at `now` (seconds since the Unix epoch; five minutes
/// of difference between the clocks are let pass). The reason for people if it does not.
std::expected<OcspAnswer, std::string> check_ocsp_answer(const ServerCertificate& certificate,
                                                         std::string_view response,
                                                         std::int64_t now);

}  // namespace weir

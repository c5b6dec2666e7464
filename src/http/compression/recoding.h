// The head of a response whose content coding changes on the way.
#pragma once

#include "http/content_coding.h"
#include "http/message.h"

namespace weir {

/// Neither a part, which is of one encoding alone (RFC 9110, 14.2), nor what nobody may change
/// (`no-transform`, RFC 9111, 5.2.2.6), nor what has no content.
bool may_recode(const Response& response);

/// Says the new coding, `identity` by saying none, and what follows from it: another representation
/// with the same meaning (RFC 9110, 8.8.1), of an unknown length, without ranges and digests.
void recode(Response& response, Coding coding);

/// 304 has the entity tag that 200 would have: where the client asked with the weak one that
/// `recode` gave it, that one.
void match_etag(const Request& request, Response& response);

}  // namespace weir

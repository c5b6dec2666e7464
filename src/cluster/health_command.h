// The command line of a program that checks endpoints: what stands in braces, and the environment.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/endpoint.h"

namespace weir {

/// The first `{word}` of `text` that stands for nothing; braces around anything else than a word
/// of small letters are taken as they are.
std::optional<std::string_view> unknown_placeholder(std::string_view text);

/// `text` with `{address}`, `{host}` and `{port}` of an endpoint that is checked at `where`.
std::string fill_placeholders(std::string_view text, const Address& where);

/// What the program finds in its environment beside what Weir has itself: WEIR_UPSTREAM,
/// WEIR_ADDRESS, WEIR_HOST, WEIR_PORT (empty for a Unix socket) and WEIR_NAME, the name that
/// stands for the address, or the address.
std::vector<std::string> check_environment(const std::string& upstream, const Endpoint& endpoint,
                                           const Address& where);

}  // namespace weir

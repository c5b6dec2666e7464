// The options of `headers`.
#pragma once

#include "config/schema.h"
#include "http/header_edits_config.h"

namespace weir {

struct HeadersConfig {
  HeaderEditsConfig request;
  HeaderEditsConfig response;

  static constexpr auto schema = config::object(
      "headers", "Changes the headers of requests and responses.",
      config::field<&HeadersConfig::request>(
          "request", "Changes to the request, before what follows sees it."),
      config::field<&HeadersConfig::response>("response", "Changes to the response."));
};

}  // namespace weir

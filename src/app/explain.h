// `weir explain`: which listener, route and handler would answer a request, and why not the others.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/control_message.h"
#include "io/loop.h"
#include "server/listener_service.h"
#include "server/snapshot.h"

namespace weir {

struct ExplainQuestion {
  std::string request;               // see ImaginedRequest
  std::vector<std::string> headers;  // `Name: value`
  std::string listener;              // a name or an address; empty: by the port of the request
  std::string client;                // an IP address; empty: 127.0.0.1

  static ExplainQuestion from(const ControlRequest& request);
  ControlRequest to_request() const;
};

/// What is explained, and what the text calls it.
struct ExplainedConfiguration {
  const Snapshot& snapshot;
  std::string_view source;  // the file
  /// The ports that the kernel chose; empty when nothing is bound.
  std::vector<std::shared_ptr<SharedListener>> bound;
};

/// Sends nothing and changes nothing; `loop` need not run. Not ok only if the question is wrong:
/// a request that Weir would refuse, or that no route matches, is explained.
ControlAnswer explain(const ExplainedConfiguration& configuration, const ExplainQuestion& question,
                      Loop& loop);

}  // namespace weir

#include "server/redaction_config.h"

#include <algorithm>

#include "http/syntax.h"

namespace weir {

expression::Redaction RedactConfig::rules() const {
  expression::Redaction rules{client_ip, identity, query, headers, cookies};
  for (std::string& name : rules.headers) std::ranges::transform(name, name.begin(), ascii_lower);
  return rules;
}

}  // namespace weir

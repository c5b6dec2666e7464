#include "http/vary.h"

namespace weir {

void vary_by(Headers& response, std::string_view field) {
  bool named = false;
  std::string_view first;
  response.for_each(HeaderId::vary, [&](std::string_view list) {
    if (first.empty()) first = list;
    for_each_token(
        list, [&](std::string_view each) { named = named || each == "*" || iequals(each, field); });
  });
  if (named) return;
  // One line is what most caches expect.
  if (response.count(HeaderId::vary) == 1 && !first.empty()) {
    response.set(HeaderId::vary, response.arena().concat({first, ", ", field}));
  } else {
    response.add(HeaderId::vary, field);
  }
}

}  // namespace weir

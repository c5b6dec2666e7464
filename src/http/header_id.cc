#include "http/header_id.h"

#include "http/header_table.h"

namespace weir {

HeaderId header_id(std::string_view name) { return header_table::find(name); }

std::string_view header_name(HeaderId id) {
  return header_table::kNames[static_cast<unsigned>(id)];
}

}  // namespace weir

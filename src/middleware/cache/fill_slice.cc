// How a fill asks for a slice, and what it makes of the answer (RFC 9110, 14; RFC 9111, 3.3).
#include <algorithm>

#include <fmt/format.h>

#include "http/ranges.h"
#include "middleware/cache/fill.h"
#include "middleware/cache/sliced_object.h"

namespace weir::cache {

void Fill::ask_for_slice(const SliceOrder& slice) {
  Headers& headers = exchange_->request().headers;
  Arena& arena = exchange_->arena();
  headers.add(HeaderId::range,
              arena.copy(fmt::format("bytes={}-{}", slice.first, slice.first + slice.size - 1)));
  if (!slice.version.empty()) headers.add(HeaderId::if_range, arena.copy(slice.version));
}

// Exactly the bytes that were asked for, but for the last slice, of a version that can be told from
// any other: parts of two that cannot must not be combined (RFC 9111, 3.4).
bool Fill::is_slice(const Response& response) {
  const SliceOrder& slice = *order_.slice;
  const Headers& headers = response.headers;
  if (status_ != 206 || response.body == nullptr || headers.count(HeaderId::content_range) != 1) {
    return false;
  }
  auto range = parse_content_range(headers.get(HeaderId::content_range));
  if (!range || range->part.first != slice.first) return false;
  if (range->part.size != std::min(slice.size, range->length - slice.first)) return false;
  std::string_view version = strong_validator(headers, loop_.wall_now());
  if (version.empty() || (!slice.version.empty() && version != slice.version)) return false;
  if (length_.value_or(range->part.size) != range->part.size) return false;
  length_ = range->part.size;
  return true;
}

// False if it is of no use: another version than the one of which there are slices, or a 416, which
// says nothing of the other slices.
bool Fill::turn_whole() {
  const SliceOrder& slice = *order_.slice;
  if (status_ == 416) {
    order_.store->set_pass(order_.url, order_.object, loop_.now() + kPass);
  } else if (!slice.version.empty()) {
    order_.store->settle(order_.url, order_.object, loop_);
  } else {
    order_.store->turn_whole(order_.url, slice.whole, order_.object);
    order_.url = slice.whole;
    order_.slice.reset();
    return true;
  }
  order_.object->end(Phase::refused, loop_);
  return false;
}

}  // namespace weir::cache

// What a FastCGI application is told of a request: names and values, as records.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/arena.h"
#include "core/result.h"
#include "http/headers.h"

namespace weir::fastcgi {

/// Names and values in an arena; texts live at least as long.
class Params {
 public:
  struct Pair {
    std::string_view name;
    std::string_view value;
  };

  explicit Params(Arena& arena) : arena_(&arena) {}

  /// The name must not be there yet: applications do not agree on which of two counts.
  void add(std::string_view name, std::string_view value);
  bool has(std::string_view name) const;
  Arena& arena() const { return *arena_; }

  const Pair* begin() const { return pairs_; }
  const Pair* end() const { return pairs_ + size_; }
  std::size_t size() const { return size_; }

 private:
  Arena* arena_;
  Pair* pairs_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// What an application gets beside the fields and the body of a request.
struct Call {
  const Params* params;  // without HTTP_*, which are made of the fields when the request is sent
  bool keep = false;     // the connection is to be used again (FCGI_KEEP_CONN)
};

/// `HTTP_NAME` for each field (RFC 3875, 4.1.18): fields of one name become one value, joined by
/// ", " (Cookie by "; "). Left out: Content-Length and Content-Type, which have variables of their
/// own; Proxy, which would be HTTP_PROXY, by which programs choose their own proxy; and names with
/// anything but letters, digits and '-', as `X_A` and `X-A` would be one variable. A variable that
/// is there already stays as it is.
void add_header_params(Params& params, const Headers& headers);

/// BEGIN_REQUEST, PARAMS records and the empty one that ends them. Each record holds whole pairs:
/// php-fpm reads no others. Errors: head_too_large, Origin::client, for a pair that fits into no
/// record.
Result<std::string_view> write_request_head(const Params& params, bool keep);

}  // namespace weir::fastcgi

// The parser for every processor: the reference for the others.
#include "http/h1/parser_core.h"

namespace weir::h1 {
namespace {

// One byte at a time, by table.
struct ScalarScanner {
  static const char* past_token(const char* p, const char* end, const char* /*floor*/) {
    return past_class(p, end, kTokenChar);
  }
  static const char* past_value(const char* p, const char* end, const char* /*floor*/) {
    return past_class(p, end, kValueChar);
  }
  static const char* past_target(const char* p, const char* end, const char* /*floor*/) {
    return past_class(p, end, kTargetChar);
  }
};

}  // namespace

constinit const Engine kScalarEngine = Parser<ScalarScanner>::engine();

}  // namespace weir::h1

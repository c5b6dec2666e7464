#include "http/method.h"

namespace weir {

Method parse_method(std::string_view token) {
  auto if_is = [token](std::string_view name, Method method) {
    return token == name ? method : Method::other;
  };
  switch (token.size()) {
    case 3: return token == "GET" ? Method::get : if_is("PUT", Method::put);
    case 4: return token == "POST" ? Method::post : if_is("HEAD", Method::head);
    case 5: return token == "PATCH" ? Method::patch : if_is("TRACE", Method::trace);
    case 6: return if_is("DELETE", Method::delete_);
    case 7: return token == "OPTIONS" ? Method::options : if_is("CONNECT", Method::connect);
    default: return Method::other;
  }
}

std::string_view method_name(Method method) {
  switch (method) {
    case Method::get: return "GET";
    case Method::head: return "HEAD";
    case Method::post: return "POST";
    case Method::put: return "PUT";
    case Method::delete_: return "DELETE";
    case Method::connect: return "CONNECT";
    case Method::options: return "OPTIONS";
    case Method::trace: return "TRACE";
    case Method::patch: return "PATCH";
    case Method::other: break;
  }
  return {};
}

}  // namespace weir

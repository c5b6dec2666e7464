// The options of `security_headers`.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "config/schema.h"
#include "http/header_edits_config.h"

namespace weir {

enum class FrameOptions : std::uint8_t { deny, same_origin, any };

constexpr auto enum_names(FrameOptions) {
  return std::array{
      config::Name{"deny", FrameOptions::deny, "No page may show these pages in a frame."},
      config::Name{"same_origin", FrameOptions::same_origin, "Only pages of the same site may."},
      config::Name{"any", FrameOptions::any, "Every page may: the field is not sent."}};
}

struct SecurityHeadersConfig {
  bool nosniff = true;
  FrameOptions frames = FrameOptions::same_origin;
  std::string referrer_policy = "strict-origin-when-cross-origin";
  std::string content_security_policy;
  std::string permissions_policy;

  static constexpr auto schema = config::object(
      "security_headers",
      "Response fields that make browsers careful. A field that the origin sends itself stays as "
      "it "
      "is; Strict-Transport-Security is the listener's `tls.hsts`.",
      config::field<&SecurityHeadersConfig::nosniff>("nosniff",
                                                     "`X-Content-Type-Options: nosniff`: browsers "
                                                     "believe the Content-Type, and do not guess."),
      config::field<&SecurityHeadersConfig::frames>(
          "frames", "`X-Frame-Options`: who may show the pages in a frame."),
      config::field<&SecurityHeadersConfig::referrer_policy>(
          "referrer_policy",
          "`Referrer-Policy`: what other sites are told of where a link was followed; empty sends "
          "none.",
          config::check(&check_header_value)),
      config::field<&SecurityHeadersConfig::content_security_policy>(
          "content_security_policy",
          "`Content-Security-Policy`: where pages may load what from; empty sends none.",
          config::check(&check_header_value), config::example("\"default-src 'self'\"")),
      config::field<&SecurityHeadersConfig::permissions_policy>(
          "permissions_policy",
          "`Permissions-Policy`: which features of the browser pages may use; empty sends none.",
          config::check(&check_header_value), config::example("\"camera=(), geolocation=()\"")));
};

}  // namespace weir

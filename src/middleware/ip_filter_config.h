// The options of `ip_filter`.
#pragma once

#include <string>
#include <vector>

#include "config/address.h"
#include "config/parse.h"
#include "config/schema.h"

namespace weir {

struct IpFilterConfig {
  std::vector<config::Network> allow;
  std::vector<config::Network> deny;
  std::vector<config::Located<std::string>> allow_files;
  std::vector<config::Located<std::string>> deny_files;

  bool allows_some() const { return !allow.empty() || !allow_files.empty(); }
  // A filter that lets everybody in is a mistake.
  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "ip_filter",
      "Lets clients in by their address: the peer's, or the one that trusted proxies report. Who "
      "is denied stays out, also if allowed; where something is allowed, everybody else stays out. "
      "403 with the reason `ip_denied`.",
      config::field<&IpFilterConfig::allow>(
          "allow", "Networks and addresses that may come in; without any, all that are not denied.",
          config::one_or_many, config::example("[10.0.0.0/8, \"2001:db8::/32\"]")),
      config::field<&IpFilterConfig::deny>("deny", "Networks and addresses that stay out.",
                                           config::one_or_many, config::example("[192.0.2.7]")),
      config::field<&IpFilterConfig::allow_files>(
          "allow_files",
          "Files with more of the first kind: one on each line, `#` begins a comment. Read again "
          "with each reload; 64 MiB at most.",
          config::one_or_many, config::not_empty, config::file_path,
          config::example("[partners.txt]")),
      config::field<&IpFilterConfig::deny_files>(
          "deny_files", "Files with more of the second.", config::one_or_many, config::not_empty,
          config::file_path, config::example("[blocklist.txt]")));
};

}  // namespace weir

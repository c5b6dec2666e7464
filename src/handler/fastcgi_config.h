// The options of `fastcgi`.
#pragma once

#include <optional>
#include <string>

#include "config/parse.h"
#include "config/schema.h"
#include "config/values.h"
#include "http/file_path_config.h"

namespace weir {

// Refuses what is no ending of a file's name.
std::optional<config::Problem> check_script_ending(std::string_view text);
// Refuses what cannot be the name of a variable.
std::optional<config::Problem> check_param_name(std::string_view text);

struct FastCgiConfig {
  config::Located<std::string> upstream;
  config::Located<std::string> root;
  std::string script_root;
  std::string strip_prefix;
  std::string split = ".php";
  std::string index = "index.php";
  std::string fallback;
  config::Map<config::Located<std::string>> params;
  bool keep_connections = false;
  config::ByteSize unsized_body = config::mebibytes(1);

  // What stands for a directory, or for what there is not, is a script too.
  void check(const config::Found& found) const;

  static constexpr auto schema = config::object(
      "fastcgi", "Has requests answered by scripts below a directory: by php-fpm, for example.",
      config::field<&FastCgiConfig::upstream>(
          "upstream", "The name of an entry under `upstreams`, with `protocol: fastcgi`.",
          config::required, config::not_empty, config::example("php")),
      config::field<&FastCgiConfig::root>(
          "root",
          "The directory of the scripts. Only a file that exists below it is run: links that lead "
          "out of it are not followed, names that begin with a dot do not exist.",
          config::required, config::not_empty, config::file_path, config::example("/var/www/html")),
      config::field<&FastCgiConfig::script_root>(
          "script_root",
          "The same directory as the application sees it, where that is another path: in a "
          "container, for example.",
          config::check(&check_file_path), config::example("/app/public")),
      config::field<&FastCgiConfig::strip_prefix>(
          "strip_prefix", "Path prefix to remove before a script is looked for.",
          config::check(&check_file_path), config::example("/blog")),
      config::field<&FastCgiConfig::split>(
          "split",
          "The ending of scripts. The path up to its first occurrence at the end of a segment is "
          "the script, what follows is `PATH_INFO`. Compared byte by byte.",
          config::check(&check_script_ending)),
      config::field<&FastCgiConfig::index>("index", "The script that stands for its directory.",
                                           config::not_empty),
      config::field<&FastCgiConfig::fallback>(
          "fallback",
          "The script that gets all requests for which there is none: the front controller of "
          "WordPress, Laravel, Symfony and others.",
          config::check(&check_file_path), config::example("/index.php")),
      config::field<&FastCgiConfig::params>(
          "params",
          "Further variables, or other values in place of Weir's own. Values may hold `${...}`.",
          config::check_key(&check_param_name), config::example("{ APP_ENV: production }")),
      config::field<&FastCgiConfig::keep_connections>(
          "keep_connections",
          "Use connections again. php-fpm keeps a process waiting for each connection that is "
          "open, so it needs more of them than Weir may keep (`pool.max_idle` for each worker)."),
      config::field<&FastCgiConfig::unsized_body>(
          "unsized_body",
          "The application must be told the length of a body before the body. One that comes "
          "without (chunked) is kept in memory until its end, up to this size; larger ones are "
          "refused with 411.",
          config::range(config::ByteSize{0}, config::mebibytes(64))));
};

}  // namespace weir

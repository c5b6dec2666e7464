// fastcgi: scripts below a directory, run by an application behind FastCGI: php-fpm.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "expression/template.h"
#include "handler/fastcgi/script.h"
#include "handler/fastcgi_config.h"
#include "http/handler.h"
#include "upstream/build_parts.h"

namespace weir {

class FastCgi final : public Handler {
 public:
  /// `config.upstream` is a name of `parts.upstreams`, and speaks FastCGI.
  FastCgi(const FastCgiConfig& config, const BuildParts& parts);
  Task<Result<Response>> handle(Exchange& exchange) const override;

 private:
  void compile(const FastCgiConfig& config, config::Diagnostics& diagnostics);
  ScriptLookup look_up(Exchange& exchange) const;
  fastcgi::Params* params_of(Exchange& exchange, const Script& script) const;
  Task<Result<Response>> run(Exchange& exchange, Script script) const;

  std::shared_ptr<const Upstream> upstream_;
  ScriptRules rules_;
  std::string script_root_;
  std::string strip_prefix_;
  std::vector<std::pair<std::string, expression::Template>> params_;
  std::size_t unsized_body_;
  bool keep_connections_;
};

}  // namespace weir

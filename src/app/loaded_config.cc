#include "app/loaded_config.h"

#include "app/privileges.h"
#include "config/parse.h"
#include "server/access_log.h"
#include "server/build.h"

namespace weir {

std::string ConfigSource::name() const {
  if (path.empty()) return "command line";
  return path == "-" ? "standard input" : path;
}

std::optional<ServerConfig> load_config(const ConfigSource& source,
                                        config::Diagnostics& diagnostics) {
  std::optional<config::Document> document;
  if (source.path.empty()) {
    document = config::read_text(source.name(), source.text, diagnostics);
  } else {
    document = config::read_file(source.path, diagnostics);
  }
  if (!document) return std::nullopt;
  ServerConfig config = parse_server_config(*document, diagnostics);
  account_to_become(config, diagnostics);
  if (!diagnostics.ok()) return std::nullopt;
  return config;
}

std::unique_ptr<Snapshot> compile_config(ServerConfig config, config::Diagnostics& diagnostics) {
  if (config.access_log) compile_log_format(*config.access_log, diagnostics);
  auto clusters = [](const std::string& name) { return std::make_shared<Cluster>(name); };
  TlsMaterials tls;
  NamedStates states;
  return build_snapshot(std::move(config), {clusters, states, tls}, diagnostics);
}

}  // namespace weir

#include "app/loaded_config.h"

#include <fmt/format.h>

#include "app/privileges.h"
#include "config/parse.h"
#include "core/hash.h"
#include "server/access_log.h"
#include "server/build.h"

namespace weir {
namespace {

/// For what is only compiled.
class Unanswered final : public Handler {
  Task<Result<Response>> handle(Exchange&) const override {
    co_return fail(ErrorCode::shutting_down, Origin::weir);
  }
};

}  // namespace

std::string ConfigSource::name() const {
  if (path.empty()) return "command line";
  return path == "-" ? "standard input" : path;
}

std::optional<FileConfig> load_file(const ConfigSource& source, config::Diagnostics& diagnostics) {
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
  const std::string& text = diagnostics.source(document->file)->text;
  std::string fingerprint = fmt::format("{:016x}{:016x}", stable_hash(text), stable_hash(text, 1));
  return FileConfig{std::move(config), document->directory, std::move(fingerprint)};
}

std::optional<ServerConfig> load_config(const ConfigSource& source,
                                        config::Diagnostics& diagnostics) {
  std::optional<FileConfig> file = load_file(source, diagnostics);
  if (!file) return std::nullopt;
  return std::move(file->config);
}

std::unique_ptr<Snapshot> compile_config(ServerConfig config, config::Diagnostics& diagnostics) {
  if (config.access_log) compile_log_format(*config.access_log, diagnostics);
  auto clusters = [](const std::string& name) { return std::make_shared<Cluster>(name); };
  TlsMaterials tls;
  NamedStates states;
  static const Unanswered admin;
  return build_snapshot(std::move(config), {clusters, states, tls, 1, &admin}, diagnostics);
}

}  // namespace weir

// LiveConfig: the configuration in force as a document that can be changed, and its versions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "admin/config_change.h"
#include "admin/config_history.h"
#include "admin/config_switch.h"
#include "admin/refusal.h"
#include "io/loop.h"

namespace weir {

/// What somebody wants to have changed.
struct ChangeRequest {
  ConfigChange change;
  std::uint64_t roll_back_to = 0;  // if not 0: this version, in place of `change`
  bool mentions_secrets = false;   // its value may hold kRedacted
  bool dry_run = false;
  std::optional<std::string> if_match;       // as in the fields of these names; the tag is that of
  std::optional<std::string> if_none_match;  // the value at the path
};

struct ChangeOutcome {
  std::optional<Refusal> refusal;
  Json problems = Json::array();  // errors and warnings: severity, code, path, message, help
  Json differences = Json::array();
  std::uint64_t version = 0;  // in force now
};

/// What of a configuration is shown.
enum class Defaults : std::uint8_t { shown, left_out };

/// Changes of the configuration, each a whole one. On the owner's thread; what changes anything is
/// called by one at a time.
class LiveConfig {
 public:
  /// Both outlive it. `loop` is the owner's.
  LiveConfig(ConfigSwitch& process, Loop& loop);

  /// Puts the file's configuration in force.
  Task<bool> use_file(FileConfig file, config::Diagnostics& diagnostics);
  /// After the first file: if changes of the API to this same file were kept, the last of them.
  /// Only once the process has become who it is to be: the kept versions are that user's, and must
  /// not decide what is done with the rights of another.
  Task<void> restore();

  /// All or nothing.
  Task<ChangeOutcome> change(ChangeRequest request);

  const ConfigHistory& history() const { return history_; }
  /// Secrets left out. Takes time in proportion to the configuration.
  Json document(const ConfigVersion& version, Defaults defaults) const;
  /// Entity tag of the value at a path of the last version, with its quotes: it changes with the
  /// value, secrets included, and tells nothing of it.
  std::string tag(const std::vector<std::string>& path) const;
  Json difference(const ConfigVersion& before, const ConfigVersion& after) const;

 private:
  void open(const ServerConfig& config);
  ServerConfig parse(const Json& document, config::Diagnostics& diagnostics,
                     config::Document& tree) const;
  std::string tag_of(const Json& document, const std::vector<std::string>& path) const;
  std::optional<Refusal> judge(const ChangeRequest& request, const Json& document) const;
  std::expected<Json, Refusal> wanted(ChangeRequest request, const Json& document) const;
  Task<void> take(const Json& document, std::uint64_t of, bool dry_run, ChangeOutcome& outcome);
  void check_directory(const ServerConfig& config, config::Diagnostics& diagnostics) const;
  std::shared_ptr<ConfigVersion> next_version(const ServerConfig& config, std::uint64_t of) const;
  std::shared_ptr<ConfigVersion> make_version(VersionOrigin origin, std::string text) const;
  bool keep(const ConfigVersion& version, config::Diagnostics& diagnostics) const;
  void record(VersionPointer version);

  ConfigSwitch& process_;
  Loop& loop_;
  const std::string tag_key_;
  ConfigHistory history_;
  std::string versions_directory_;  // empty: they are in memory alone
  std::string directory_;           // of the file
  std::string fingerprint_;         // of the file
  bool started_ = false;
  bool restores_ = false;  // what the process before had in force is still to come
};

}  // namespace weir

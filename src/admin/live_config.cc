#include "admin/live_config.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

#include <fmt/format.h>

#include "admin/config_diff.h"
#include "admin/version_files.h"
#include "config/brief.h"
#include "config/places.h"
#include "core/log.h"
#include "http/preconditions.h"

namespace weir {
namespace {

using config::Code;
using config::Diagnostics;
using config::Secrets;

std::string random_key(Random& random) {
  std::string key;
  for (int i = 0; i < 4; ++i) key += fmt::format("{:016x}", random.next());
  return key;
}

// The control socket has versions without an admin listener as well.
std::size_t keep_of(const ServerConfig& config) {
  return config.admin ? config.admin->versions.keep : AdminVersionsConfig().keep;
}

std::string directory_of(const ServerConfig& config) {
  return config.admin ? *config.admin->versions.directory : std::string();
}

Json problems_of(const Diagnostics& diagnostics, const config::Document& tree) {
  config::Places places(tree.tree);
  Json list = Json::array();
  for (const config::Diagnostic& each : diagnostics.sorted()) {
    Json problem = {{"severity", each.severity == config::Severity::error ? "error" : "warning"},
                    {"code", config::to_string(each.code)},
                    {"path", places.path(each.position)},
                    {"message", each.message}};
    if (!each.help.empty()) problem["help"] = each.help;
    list.push_back(std::move(problem));
  }
  return list;
}

Refusal refusal_of(const Diagnostics& diagnostics) {
  for (const config::Diagnostic& each : diagnostics.sorted()) {
    if (each.code != Code::unkept_version) continue;
    return {507, "version_not_kept", "the change cannot be kept, so it was not made"};
  }
  if (diagnostics.ok()) return {503, "shutting_down", "the process is about to end"};
  return {422, "config_refused",
          fmt::format("the configuration would have {} error{}; nothing was changed",
                      diagnostics.error_count(), diagnostics.error_count() == 1 ? "" : "s")};
}

}  // namespace

LiveConfig::LiveConfig(ConfigSwitch& process, Loop& loop)
    : process_(process), loop_(loop), tag_key_(random_key(loop.random())) {}

// --- the file ----------------------------------------------------------------------------------

// Versions that were kept there go before those of this process, which has none at its start.
void LiveConfig::open(const ServerConfig& config) {
  history_.set_keep(keep_of(config));
  std::string directory = directory_of(config);
  if (directory == versions_directory_) return;
  versions_directory_ = directory;
  if (directory.empty()) return;
  KeptVersions kept = read_versions(directory);
  for (const std::string& problem : kept.problems) {
    log("version_unreadable", {{"reason", problem}});
  }
  for (VersionPointer& version : kept.versions) {
    if (version->number >= history_.next_number()) record(std::move(version));
  }
  history_.skip(kept.last_number);
}

Task<bool> LiveConfig::use_file(FileConfig file, Diagnostics& diagnostics) {
  bool first = !std::exchange(started_, true);
  directory_ = file.directory;
  std::string versions_before = versions_directory_;
  ConfigHistory history_before = history_;
  open(file.config);
  VersionPointer head = history_.head();
  bool changed_live = head && head->origin != VersionOrigin::file;
  std::swap(fingerprint_, file.fingerprint);
  restores_ = first && changed_live && head->file == fingerprint_;
  std::string text = config::brief_json(file.config, Secrets::shown);
  // A version that cannot be kept is no reason to refuse what stands in a file anyway.
  VersionPointer version;
  auto seal = [&](Diagnostics&) {
    if (restores_ || (head && head->config == text)) return true;
    version = make_version(VersionOrigin::file, text);
    Diagnostics unkept;
    if (!keep(*version, unkept)) log("version_not_kept", {{"reason", unkept.render()}});
    return true;
  };
  if (!co_await process_.put_in_force(std::move(file.config), diagnostics, seal)) {
    std::swap(fingerprint_, file.fingerprint);
    versions_directory_ = versions_before;
    history_ = std::move(history_before);
    co_return false;
  }
  if (!version) co_return true;
  if (changed_live) {
    log("config_changes_superseded",
        {{"version", std::to_string(version->number)},
         {"superseded", std::to_string(head->number)},
         {"help", "the file wins over changes of the API; to go back to them, roll back"}});
  }
  record(std::move(version));
  co_return true;
}

// What was in force when the process before this one ended.
Task<void> LiveConfig::restore() {
  if (!std::exchange(restores_, false)) co_return;
  VersionPointer head = history_.head();
  Diagnostics diagnostics;
  config::Document tree;
  auto document = config::read_json(head->config);
  ServerConfig config = parse(*document, diagnostics, tree);
  bool ok = diagnostics.ok() && directory_of(config) == versions_directory_ &&
            co_await process_.put_in_force(std::move(config), diagnostics,
                                           [](Diagnostics&) { return true; });
  std::string number = std::to_string(head->number);
  if (ok) {
    log("config_restored", {{"version", number}});
  } else {
    log("config_not_restored", {{"version", number}, {"diagnostics", diagnostics.render()}});
  }
}

// --- changes -----------------------------------------------------------------------------------

Task<ChangeOutcome> LiveConfig::change(ChangeRequest request) {
  ChangeOutcome outcome;
  VersionPointer head = history_.head();
  if (!head) {
    outcome.refusal = Refusal{503, "starting", "the process is still starting"};
    co_return outcome;
  }
  outcome.version = head->number;
  Json document = *config::read_json(head->config);
  outcome.refusal = judge(request, document);
  if (outcome.refusal) co_return outcome;
  bool dry_run = request.dry_run;
  std::uint64_t of = request.roll_back_to;
  auto next = wanted(std::move(request), document);
  if (next) {
    co_await take(*next, of, dry_run, outcome);
  } else {
    outcome.refusal = std::move(next.error());
  }
  co_return outcome;
}

Task<void> LiveConfig::take(const Json& document, std::uint64_t of, bool dry_run,
                            ChangeOutcome& outcome) {
  Diagnostics diagnostics;
  config::Document tree;
  ServerConfig config = parse(document, diagnostics, tree);
  check_directory(config, diagnostics);
  bool ok = diagnostics.ok();
  std::size_t most = keep_of(config);
  std::shared_ptr<ConfigVersion> version;
  if (ok) version = next_version(config, of);
  if (version) {
    outcome.differences = difference(*history_.head(), *version);
    auto seal = [&](Diagnostics& problems) { return keep(*version, problems); };
    ok = dry_run ? process_.check(std::move(config), diagnostics)
                 : co_await process_.put_in_force(std::move(config), diagnostics, seal);
  }
  outcome.problems = problems_of(diagnostics, tree);
  if (!ok) {
    outcome.refusal = refusal_of(diagnostics);
  } else if (version && !dry_run) {
    outcome.version = version->number;
    history_.set_keep(most);
    log("config_changed",
        {{"version", std::to_string(version->number)}, {"origin", name(version->origin)}});
    record(std::move(version));
  }
}

void LiveConfig::check_directory(const ServerConfig& config, Diagnostics& diagnostics) const {
  if (!diagnostics.ok() || directory_of(config) == versions_directory_) return;
  diagnostics.error(config.admin ? config.admin->versions.directory.position : config::Position(),
                    Code::contradiction, "where versions are kept is for the file to say",
                    "change it there, and reload");
}

// Null if it says the same as the last one.
std::shared_ptr<ConfigVersion> LiveConfig::next_version(const ServerConfig& config,
                                                        std::uint64_t of) const {
  std::string text = config::brief_json(config, Secrets::shown);
  if (text == history_.head()->config) return nullptr;
  VersionOrigin origin = of == 0 ? VersionOrigin::api : VersionOrigin::rollback;
  auto version = make_version(origin, std::move(text));
  version->of = of;
  return version;
}

std::optional<Refusal> LiveConfig::judge(const ChangeRequest& request, const Json& document) const {
  bool there = find_value(document, request.change.path) != nullptr;
  auto named = [&](const std::string& list) {
    std::string tag = tag_of(document, request.change.path);
    return names_etag(list, tag, EtagComparison::strong);
  };
  if (request.if_match && !named(*request.if_match)) {
    return Refusal{412, "changed_meanwhile",
                   "it is not what it was when the tag in If-Match was given out; read it again"};
  }
  if (request.if_none_match && there && named(*request.if_none_match)) {
    return Refusal{412, "exists_already",
                   "there is something already, which If-None-Match forbids"};
  }
  return std::nullopt;
}

std::expected<Json, Refusal> LiveConfig::wanted(ChangeRequest request, const Json& document) const {
  if (request.roll_back_to != 0) {
    VersionPointer to = history_.find(request.roll_back_to);
    if (to) return *config::read_json(to->config);
    return std::unexpected(Refusal{404, "no_such_version",
                                   fmt::format("version {} is not kept", request.roll_back_to)});
  }
  Json shown;
  if (request.mentions_secrets) shown = this->document(*history_.head(), Defaults::left_out);
  return changed(document, shown, std::move(request.change));
}

// --- versions ----------------------------------------------------------------------------------

ServerConfig LiveConfig::parse(const Json& document, Diagnostics& diagnostics,
                               config::Document& tree) const {
  tree = config::document_of(document, "configuration", diagnostics);
  tree.directory = directory_;
  return parse_server_config(tree, diagnostics);
}

std::shared_ptr<ConfigVersion> LiveConfig::make_version(VersionOrigin origin,
                                                        std::string text) const {
  auto version = std::make_shared<ConfigVersion>();
  version->number = history_.next_number();
  version->at = loop_.wall_now();
  version->origin = origin;
  version->file = fingerprint_;
  version->config = std::move(text);
  return version;
}

bool LiveConfig::keep(const ConfigVersion& version, Diagnostics& diagnostics) const {
  if (versions_directory_.empty()) return true;
  auto kept = keep_version(versions_directory_, version);
  if (!kept) diagnostics.error({}, Code::unkept_version, kept.error());
  return kept.has_value();
}

void LiveConfig::record(VersionPointer version) {
  for (std::uint64_t gone : history_.add(std::move(version))) {
    if (!versions_directory_.empty()) forget_version(versions_directory_, gone);
  }
}

Json LiveConfig::document(const ConfigVersion& version, Defaults defaults) const {
  Diagnostics diagnostics;
  config::Document tree;
  ServerConfig config = parse(*config::read_json(version.config), diagnostics, tree);
  return *config::read_json(defaults == Defaults::shown
                                ? config::dump_json(config, Secrets::redacted)
                                : config::brief_json(config, Secrets::redacted));
}

std::string LiveConfig::tag(const std::vector<std::string>& path) const {
  VersionPointer head = history_.head();
  return head ? tag_of(*config::read_json(head->config), path) : std::string();
}

std::string LiveConfig::tag_of(const Json& document, const std::vector<std::string>& path) const {
  const Json* value = find_value(document, path);
  std::string text = value != nullptr ? value->dump() : std::string();
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  HMAC(EVP_sha256(), tag_key_.data(), static_cast<int>(tag_key_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &length);
  std::string tag = "\"";
  for (unsigned i = 0; i < 12 && i < length; ++i) tag += fmt::format("{:02x}", digest[i]);
  return tag + '"';
}

// A secret that changed is a difference as well; what it was is not shown.
Json LiveConfig::difference(const ConfigVersion& before, const ConfigVersion& after) const {
  Json differences =
      config_diff(*config::read_json(before.config), *config::read_json(after.config));
  if (differences.empty()) return differences;
  Json shown_before = document(before, Defaults::left_out);
  Json shown_after = document(after, Defaults::left_out);
  // Of a version that another Weir has kept, this one may know less.
  auto shown = [](const Json& in, const std::vector<std::string>& path) {
    const Json* value = find_value(in, path);
    return value != nullptr ? *value : Json(std::string(kRedacted));
  };
  for (Json& each : differences) {
    auto path = *parse_pointer(each["path"].get_ref<const std::string&>());
    if (each.contains("old")) each["old"] = shown(shown_before, path);
    if (each.contains("new")) each["new"] = shown(shown_after, path);
  }
  return differences;
}

}  // namespace weir

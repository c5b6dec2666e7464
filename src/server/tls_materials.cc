#include "server/tls_materials.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/log.h"

namespace weir {
namespace {

using config::Code;
using config::Diagnostics;
using config::Position;

// At the place where the file is named; at `otherwise` if it is not told which it was.
struct Names {
  std::map<std::string_view, Position> files;
  Position otherwise;

  void add(const config::Located<std::string>& file) {
    if (file->empty()) return;
    files.emplace(*file, file.position);
    if (otherwise.line == 0) otherwise = file.position;
  }
  void report(const TlsProblem& problem, Diagnostics& diagnostics) const {
    auto found = files.find(problem.file);
    diagnostics.error(found != files.end() ? found->second : otherwise, Code::bad_certificate,
                      fmt::format("{}: {}", problem.file, problem.reason));
  }
};

}  // namespace

std::shared_ptr<const TlsServerProfile> TlsMaterials::server(
    const ListenerTlsConfig& config, std::vector<std::string> alpn,
    std::optional<std::vector<std::string>> asked, Diagnostics& diagnostics) {
  Names names;
  std::vector<CertificateFiles> files;
  for (const CertificateConfig& each : config.certificates) {
    names.add(each.cert);
    names.add(each.key);
    files.push_back({*each.cert, *each.key});
  }
  TlsServerOptions options;
  options.preset =
      config.profile == TlsProfileName::modern ? TlsPreset::modern : TlsPreset::intermediate;
  options.alpn = std::move(alpn);
  if (config.client_auth) {
    bool required = config.client_auth->mode == ClientAuthMode::require;
    options.client_auth = required ? ClientAuth::require : ClientAuth::request;
    options.client_ca_file = *config.client_auth->ca;
    if (config.client_auth->mode == ClientAuthMode::routes) {
      options.client_auth_names = std::move(asked);
    }
    names.add(config.client_auth->ca);
  }
  options.ticket_keys = ticket_keys(config.ticket_keys, diagnostics);
  options.early_data = config.early_data;
  auto certificates = certificates_.make_set(std::move(files), config.ocsp_stapling);
  if (!certificates) {
    for (const TlsProblem& problem : certificates.error()) names.report(problem, diagnostics);
    return nullptr;
  }
  options.certificates = *certificates;
  auto profile = TlsServerProfile::make(options);
  if (profile) return *profile;
  names.report(profile.error(), diagnostics);
  return nullptr;
}

std::shared_ptr<const TicketKeys> TlsMaterials::ticket_keys(
    const config::Located<std::string>& file, Diagnostics& diagnostics) {
  if (file->empty()) return random_keys_;
  if (auto known = shared_keys_[*file].lock()) return known;
  auto keys = TicketKeys::from_file(*file);
  if (!keys) {
    Names names;
    names.add(file);
    names.report(keys.error(), diagnostics);
    return nullptr;
  }
  shared_keys_[*file] = *keys;
  return *keys;
}

std::shared_ptr<const TlsClientProfile> TlsMaterials::client(const UpstreamTlsConfig& config,
                                                             std::vector<std::string> alpn,
                                                             Diagnostics& diagnostics) {
  std::string key = fmt::format("{}\n{}\n{}\n{}\n{}\n{}", fmt::join(alpn, " "), config.verify,
                                *config.ca, config.name, *config.cert, *config.key);
  std::weak_ptr<const TlsClientProfile>& known = clients_[key];
  if (auto profile = known.lock()) return profile;
  Names names;
  for (const auto* file : {&config.ca, &config.cert, &config.key}) names.add(*file);
  TlsClientOptions options;
  options.verify = config.verify;
  options.ca_file = *config.ca;
  options.name = config.name;
  options.alpn = std::move(alpn);
  options.certificate_file = *config.cert;
  options.key_file = *config.key;
  auto profile = TlsClientProfile::make(options);
  if (!profile) {
    names.report(profile.error(), diagnostics);
    return nullptr;
  }
  known = *profile;
  return *profile;
}

void TlsMaterials::refresh(TimePoint now) {
  auto complain = [](const TlsProblem& problem) {
    log("tls_file_refused", {{"file", problem.file}, {"reason", problem.reason}});
  };
  CertificateStore::Refreshed seen = certificates_.refresh();
  if (seen.swapped > 0) {
    log("certificates_renewed", {{"count", std::to_string(seen.swapped)}});
  }
  for (const TlsProblem& problem : seen.problems) complain(problem);
  std::erase_if(shared_keys_, [](const auto& each) { return each.second.expired(); });
  std::erase_if(clients_, [](const auto& each) { return each.second.expired(); });
  for (const auto& [file, keys] : shared_keys_) {
    auto changed = keys.lock()->refresh();
    if (!changed) complain(changed.error());
  }
  if (rotated_ == TimePoint{}) rotated_ = now;
  if (now - rotated_ < kTicketPeriod) return;
  rotated_ = now;
  random_keys_->rotate();
}

}  // namespace weir

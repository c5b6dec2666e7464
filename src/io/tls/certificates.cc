#include "io/tls/certificates.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "io/tls/files.h"

namespace weir {

// ---- The index

struct CertificateIndex::Names {
  using Map = absl::flat_hash_map<std::string, CertificateChoice>;

  const CertificateChoice* in(const Map& map, std::string_view name) const {
    auto found = map.find(absl::string_view(name.data(), name.size()));
    return found == map.end() ? nullptr : &found->second;
  }

  Map exact;
  Map below;  // `*.parent` by its parent
};

namespace {

// Of two for one name the first counts, as in the list.
void offer(CertificateChoice& choice, const ShownCertificate& shown) {
  ShownCertificate& place = shown.certificate->rsa() ? choice.rsa : choice.ecdsa;
  if (place.certificate == nullptr) place = shown;
}

}  // namespace

CertificateIndex::CertificateIndex(std::span<const ShownCertificate> certificates)
    : names_(std::make_unique<Names>()) {
  for (const ShownCertificate& shown : certificates) {
    for (const std::string& name : shown.certificate->names()) {
      if (name.starts_with("*.")) {
        offer(names_->below[name.substr(2)], shown);
      } else {
        offer(names_->exact[name], shown);
      }
    }
  }
  if (certificates.empty()) return;
  // The other kind may stand beside the first, if it is for the same names.
  const auto& first = certificates.front();
  for (const ShownCertificate& shown : certificates) {
    if (shown.certificate->names() == first.certificate->names()) offer(default_, shown);
  }
}

CertificateIndex::CertificateIndex(CertificateIndex&&) noexcept = default;
CertificateIndex::~CertificateIndex() = default;

const CertificateChoice* CertificateIndex::find(std::string_view server_name) const {
  if (const CertificateChoice* exact = names_->in(names_->exact, server_name)) return exact;
  std::size_t dot = server_name.find('.');
  if (dot != std::string_view::npos && dot > 0) {
    const CertificateChoice* below = names_->in(names_->below, server_name.substr(dot + 1));
    if (below != nullptr) return below;
  }
  bool any = default_.ecdsa.certificate != nullptr || default_.rsa.certificate != nullptr;
  return any ? &default_ : nullptr;
}

const CertificateChoice* CertificateSet::find(std::string_view server_name, Slots& worker) const {
  return index_.get(worker)->find(server_name);
}

// ---- The store

struct CertificateStore::Entry {
  struct Stamps {
    FileStamp certificate;
    FileStamp key;
    bool operator==(const Stamps&) const = default;
  };
  static Stamps look_at(const CertificateFiles& files) {
    return {stamp_of(files.certificate), stamp_of(files.key)};
  }

  CertificateFiles files;
  ShownCertificate shown;
  Stamps loaded;  // of what is shown
  Stamps failed;  // of the last that could not be taken
  bool told = false;
  bool changed = false;
};

namespace {

std::expected<std::shared_ptr<const ServerCertificate>, TlsProblem> read_pair(
    const CertificateFiles& files, IssuerCache& issuers) {
  std::expected<std::string, std::string> certificate = read_small_file(files.certificate);
  if (!certificate) return std::unexpected(TlsProblem{files.certificate, certificate.error()});
  std::expected<std::string, std::string> key = read_small_file(files.key);
  if (!key) return std::unexpected(TlsProblem{files.key, key.error()});
  auto parsed = ServerCertificate::parse(*certificate, *key, issuers);
  if (!parsed) {
    bool about_key = parsed.error().find("key") != std::string::npos;
    return std::unexpected(TlsProblem{about_key ? files.key : files.certificate, parsed.error()});
  }
  return *parsed;
}

}  // namespace

CertificateStore::CertificateStore() = default;
CertificateStore::~CertificateStore() = default;

CertificateStore::Entry* CertificateStore::load(const CertificateFiles& files,
                                                std::vector<TlsProblem>& problems) {
  std::unique_ptr<Entry>& entry = entries_[Key(files.certificate, files.key)];
  if (entry != nullptr) return entry.get();
  auto fresh = std::make_unique<Entry>();
  fresh->files = files;
  fresh->loaded = Entry::look_at(files);
  auto certificate = read_pair(files, issuers_);
  if (!certificate) {
    problems.push_back(certificate.error());
    entries_.erase(Key(files.certificate, files.key));
    return nullptr;
  }
  fresh->shown.certificate = *certificate;
  entry = std::move(fresh);
  return entry.get();
}

std::expected<std::shared_ptr<const CertificateSet>, std::vector<TlsProblem>>
CertificateStore::make_set(std::vector<CertificateFiles> files, bool stapled) {
  std::lock_guard lock(mutex_);
  forget_unused();
  for (const std::weak_ptr<CertificateSet>& each : sets_) {
    std::shared_ptr<CertificateSet> known = each.lock();
    bool same = known != nullptr && known->stapled() == stapled && known->files() == files;
    if (same) return known;
  }
  std::vector<TlsProblem> problems;
  for (const CertificateFiles& each : files) load(each, problems);
  if (!problems.empty()) return std::unexpected(std::move(problems));
  std::shared_ptr<CertificateSet> set(new CertificateSet(std::move(files), stapled));
  sets_.push_back(set);
  publish(*set);
  return set;
}

void CertificateStore::publish(CertificateSet& set) {
  std::vector<ShownCertificate> shown;
  for (const CertificateFiles& files : set.files()) {
    shown.push_back(entries_.at(Key(files.certificate, files.key))->shown);
    if (!set.stapled()) shown.back().staple = nullptr;
  }
  set.index_.publish(std::make_shared<const CertificateIndex>(shown));
}

void CertificateStore::forget_unused() {
  std::erase_if(sets_, [](const std::weak_ptr<CertificateSet>& each) { return each.expired(); });
  std::set<Key> used;
  for (const std::weak_ptr<CertificateSet>& each : sets_) {
    std::shared_ptr<CertificateSet> set = each.lock();
    if (set == nullptr) continue;
    for (const CertificateFiles& files : set->files()) used.emplace(files.certificate, files.key);
  }
  std::erase_if(entries_, [&](const auto& each) { return !used.contains(each.first); });
  issuers_.trim();
}

// True if the entry has been swapped.
bool CertificateStore::look(Entry& entry, std::vector<TlsProblem>& problems) {
  Entry::Stamps now = Entry::look_at(entry.files);
  if (now == entry.loaded) return false;
  bool again = now == entry.failed;
  if (again && entry.told) return false;
  auto certificate = read_pair(entry.files, issuers_);
  if (certificate) {
    entry.shown = {*certificate, nullptr};
    entry.loaded = now;
    entry.failed = {};
    return entry.changed = true;
  }
  entry.failed = now;
  entry.told = again;
  if (again) problems.push_back(certificate.error());
  return false;
}

CertificateStore::Refreshed CertificateStore::refresh() {
  std::lock_guard lock(mutex_);
  Refreshed result;
  for (auto& [key, entry] : entries_) {
    if (look(*entry, result.problems)) ++result.swapped;
  }
  for (const std::weak_ptr<CertificateSet>& each : sets_) {
    std::shared_ptr<CertificateSet> set = each.lock();
    if (set == nullptr) continue;
    bool changed = std::ranges::any_of(set->files(), [this](const CertificateFiles& files) {
      return entries_.at(Key(files.certificate, files.key))->changed;
    });
    if (changed) publish(*set);
  }
  for (auto& [key, entry] : entries_) entry->changed = false;
  return result;
}

std::vector<CertificateStore::InUse> CertificateStore::in_use() const {
  std::lock_guard lock(mutex_);
  std::set<Key> stapled;
  for (const std::weak_ptr<CertificateSet>& each : sets_) {
    std::shared_ptr<CertificateSet> set = each.lock();
    if (set == nullptr || !set->stapled()) continue;
    for (const CertificateFiles& files : set->files()) {
      stapled.emplace(files.certificate, files.key);
    }
  }
  std::vector<InUse> all;
  for (const auto& [key, entry] : entries_) {
    all.push_back({entry->files, entry->shown.certificate, stapled.contains(key)});
  }
  return all;
}

void CertificateStore::staple(const ServerCertificate& certificate, std::string response) {
  std::lock_guard lock(mutex_);
  for (auto& [key, entry] : entries_) {
    if (entry->shown.certificate.get() != &certificate) continue;
    entry->shown.staple =
        response.empty() ? nullptr : std::make_shared<const std::string>(std::move(response));
    entry->changed = true;
    return;
  }
}

std::size_t CertificateStore::size() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace weir

// Certificates of servers: parsed once for the process, found by server name, swapped one by one.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/published.h"
#include "core/slots.h"
#include "io/tls/certificate.h"

namespace weir {

struct ShownCertificate {
  std::shared_ptr<const ServerCertificate> certificate;  // null: none of this kind
  std::shared_ptr<const std::string> staple;             // a DER-encoded OCSP response, or null
};

/// What a server shows for one name: either kind, or both side by side.
struct CertificateChoice {
  ShownCertificate ecdsa;  // or any other key that is not RSA
  ShownCertificate rsa;
};

/// Where a handshake finds its certificate.
class CertificateSource {
 public:
  virtual ~CertificateSource() = default;
  /// For a server name as the client sent it, in lower case; empty if it sent none. Null if there
  /// is nothing to show, and the handshake fails. Valid until the next call with the same `worker`.
  /// Any thread, each with slots of its own.
  virtual const CertificateChoice* find(std::string_view server_name, Slots& worker) const = 0;
};

/// Server names and what is shown for them; immutable. An exact name wins over `*.parent`, which
/// stands for one label only (RFC 6125); without either, and without a name, the first certificate
/// of the list is the default. The cost of `find` does not depend on the number of names.
class CertificateIndex {
 public:
  explicit CertificateIndex(std::span<const ShownCertificate> certificates);
  CertificateIndex(CertificateIndex&&) noexcept;
  ~CertificateIndex();
  const CertificateChoice* find(std::string_view server_name) const;

 private:
  struct Names;
  std::unique_ptr<Names> names_;
  CertificateChoice default_;
};

class CertificateStore;

/// The certificates of one listener, in order; made by the store, which swaps them underneath.
class CertificateSet final : public CertificateSource {
 public:
  const CertificateChoice* find(std::string_view server_name, Slots& worker) const override;
  const std::vector<CertificateFiles>& files() const { return files_; }
  bool stapled() const { return stapled_; }

 private:
  friend class CertificateStore;
  CertificateSet(std::vector<CertificateFiles> files, bool stapled)
      : files_(std::move(files)), stapled_(stapled) {}

  std::vector<CertificateFiles> files_;
  bool stapled_;
  Published<CertificateIndex> index_;
};

/// One per process. A pair of files that several listeners name is read, and kept, once; issuers
/// that certificates share are kept once, too. Thread safe; nothing here is on the path of a
/// handshake.
class CertificateStore {
 public:
  CertificateStore();
  ~CertificateStore();
  CertificateStore(const CertificateStore&) = delete;
  CertificateStore& operator=(const CertificateStore&) = delete;

  /// Reads what is not there yet. Every problem of every file is told, or the set is complete.
  /// What only a set that has gone needed is forgotten with the next call. `stapled`: whether OCSP
  /// responses are shown.
  std::expected<std::shared_ptr<const CertificateSet>, std::vector<TlsProblem>> make_set(
      std::vector<CertificateFiles> files, bool stapled = true);

  /// What one look at the files found.
  struct Refreshed {
    std::size_t swapped = 0;
    /// These keep what they had. Told once for each change, and only at the second look: files are
    /// replaced one after the other.
    std::vector<TlsProblem> problems;
  };
  /// Looks at the time and the inode of every file and swaps what has changed. For the owner's
  /// timer; reads files, so not for a worker's loop.
  Refreshed refresh();

  /// A certificate that is in use, and what OCSP needs to know about it.
  struct InUse {
    CertificateFiles files;
    std::shared_ptr<const ServerCertificate> certificate;
    bool stapled;  // by a set at least
  };
  std::vector<InUse> in_use() const;
  /// Attaches a DER-encoded OCSP response until `certificate` is swapped; empty removes it. Seen
  /// by handshakes after the next `refresh`, which looks up all names anew.
  void staple(const ServerCertificate& certificate, std::string response);

  std::size_t size() const;

 private:
  using Key = std::pair<std::string, std::string>;
  struct Entry;

  Entry* load(const CertificateFiles& files, std::vector<TlsProblem>& problems);
  bool look(Entry& entry, std::vector<TlsProblem>& problems);
  void forget_unused();
  void publish(CertificateSet& set);

  mutable std::mutex mutex_;
  std::map<Key, std::unique_ptr<Entry>> entries_;
  std::vector<std::weak_ptr<CertificateSet>> sets_;
  IssuerCache issuers_;
};

}  // namespace weir

// Test support: a site with its certificates, and two engines back to back in memory.
// Included by tests only.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "io/tls/engine.h"
#include "io/tls/profile.h"
#include "io/tls/test_certificates.h"

namespace weir::test {

/// A folder that goes with the test.
class TestFolder {
 public:
  TestFolder() {
    std::string pattern = ::testing::TempDir() + "weir_tls_XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string path(std::string_view name) const { return path_ + "/" + std::string(name); }
  /// As a program does that replaces a file: a new one takes the name.
  std::string write(std::string_view name, std::string_view text) const {
    std::string to = path(name), fresh = to + ".new";
    std::ofstream(fresh, std::ios::binary) << text;
    ::chmod(fresh.c_str(), 0600);
    std::filesystem::rename(fresh, to);
    return to;
  }

 private:
  std::string path_;
};

inline std::shared_ptr<const TlsServerProfile> server_profile(const TlsServerOptions& options) {
  auto made = TlsServerProfile::make(options);
  EXPECT_TRUE(made) << made.error().file << ": " << made.error().reason;
  return made ? *made : nullptr;
}

inline std::shared_ptr<const TlsClientProfile> client_profile(const TlsClientOptions& options) {
  auto made = TlsClientProfile::make(options);
  EXPECT_TRUE(made) << made.error().file << ": " << made.error().reason;
  return made ? *made : nullptr;
}

/// A CA, a server's certificate for site.example, and what both sides say by default.
struct TestSite {
  TestSite() {
    server.certificates = std::make_shared<FixedCertificates>(certificate);
    server.ticket_keys = std::make_shared<TicketKeys>();
    client.ca_file = folder.write("ca.pem", authority.pem());
  }

  TestFolder folder;
  TestAuthority authority;
  TestCertificate certificate = authority.issue({.names = {"DNS:site.example"}});
  TlsServerOptions server;
  TlsClientOptions client;
};

/// Two engines, and the bytes that have left one and not reached the other.
class EnginePair {
 public:
  EnginePair(std::shared_ptr<const TlsServerProfile> server_uses,
             std::shared_ptr<const TlsClientProfile> client_uses,
             const std::string& name = "site.example", Slots* worker = nullptr,
             std::string_view only = {})
      : server_profile_(std::move(server_uses)) {
    Slots& slots = worker != nullptr ? *worker : own_slots_;
    start_(server.start_server(*server_profile_, slots), server_error);
    start_(client.start_client(std::move(client_uses), name, slots, only), client_error);
  }

  /// What `from` has to send, as one text.
  static std::string drain(TlsEngine& from) {
    std::string bytes;
    while (std::unique_ptr<TlsOutput> output = from.take_output()) {
      for (Slice& slice : output->slices()) bytes += slice.view();
    }
    return bytes;
  }
  void collect() {
    to_server += drain(client);
    to_client += drain(server);
  }

  /// Until both are done, or one has failed, or nothing moves; `piece` bytes at a time.
  void shake_hands(std::size_t piece = SIZE_MAX) {
    for (bool moved = true; moved;) {
      step(client, client_done, client_error);
      step(server, server_done, server_error);
      collect();
      moved = deliver(server, to_server, piece);
      moved = deliver(client, to_client, piece) || moved;
    }
  }
  bool established() const { return client_done && server_done; }

  /// Gives `to` up to `piece` bytes, if it is hungry.
  static bool deliver(TlsEngine& to, std::string& bytes, std::size_t piece) {
    if (bytes.empty() || !to.hungry()) return false;
    to.feed(copy_slice(std::string_view(bytes).substr(0, piece)));
    bytes.erase(0, piece);
    return true;
  }

  /// Writes at one end and gives the ciphertext.
  static std::string encrypt(TlsEngine& from, std::string_view text) {
    Slice slice = copy_slice(text);
    std::span<Slice> data(&slice, 1);
    Status written = from.write(data, SIZE_MAX);
    EXPECT_TRUE(written) << written.error().detail;
    return drain(from);
  }
  /// Feeds `ciphertext` in pieces and reads all that comes of it.
  static std::string decrypt(TlsEngine& to, std::string ciphertext, std::size_t piece,
                             Error* end = nullptr, std::size_t hint = 0) {
    std::string text;
    while (true) {
      std::optional<Result<Slice>> got = to.read(hint);
      if (got && !*got) {
        if (end != nullptr) *end = got->error();
        return text;
      }
      if (got) {
        text += (*got)->view();
      } else if (!deliver(to, ciphertext, piece)) {
        return text;
      }
    }
  }

  BufferPool buffers;
  TlsEngine client{buffers};
  TlsEngine server{buffers};
  std::string to_server;
  std::string to_client;
  Error client_error;
  Error server_error;
  bool client_done = false;
  bool server_done = false;

 private:
  static void start_(const Status& started, Error& error) {
    if (!started) error = started.error();
  }
  static void step(TlsEngine& engine, bool& done, Error& error) {
    if (done || error.code != ErrorCode::none) return;
    Result<bool> result = engine.handshake();
    if (!result) {
      error = result.error();
    } else {
      done = *result;
    }
  }

  Slots own_slots_;
  std::shared_ptr<const TlsServerProfile> server_profile_;
};

}  // namespace weir::test

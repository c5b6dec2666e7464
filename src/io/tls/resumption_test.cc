// Tickets: who may resume what, with which keys.
#include <gtest/gtest.h>

#include "io/testing.h"
#include "io/tls/client_sessions.h"
#include "io/tls/testing.h"

namespace weir::test {
namespace {

class TlsResumption : public ::testing::TestWithParam<TlsVersion> {
 protected:
  TlsResumption() {
    TestCertificate second = site.authority.issue({.names = {"DNS:other.example"}});
    site.server.certificates = std::make_shared<FixedCertificates>(std::vector<ShownCertificate>{
        {site.certificate.parsed(), nullptr}, {second.parsed(), nullptr}});
    site.client.max_version = GetParam();
    client = client_profile(site.client);
  }

  // Whether it was resumed. The client keeps what it gets with `worker`.
  bool connect(const std::shared_ptr<const TlsServerProfile>& server,
               const std::string& name = "site.example") {
    EnginePair pair(server, client, name, &worker);
    pair.shake_hands();
    EXPECT_TRUE(pair.established()) << pair.client_error.detail << pair.server_error.detail;
    EnginePair::decrypt(pair.client, std::exchange(pair.to_client, {}), SIZE_MAX);
    if (!pair.established()) return false;
    EXPECT_EQ(pair.server.facts().resumed, pair.client.facts().resumed);
    EXPECT_EQ(pair.server.facts().server_name, name);
    peer = pair.server.facts().peer != nullptr ? pair.server.facts().peer->subject : "";
    return pair.server.facts().resumed;
  }
  // As if the client had got its session for another name.
  void misuse(const std::string& from, const std::string& to) {
    client->sessions(worker).put(to, client->sessions(worker).take(from));
  }
  void use_client_auth(const TestAuthority& authority, std::string_view file) {
    site.server.client_auth = ClientAuth::require;
    site.server.client_ca_file = site.folder.write(file, authority.pem());
    TestCertificate alice = authority.issue({.common_name = "alice"});
    site.client.certificate_file = site.folder.write("alice.pem", alice.certificate_pem());
    site.client.key_file = site.folder.write("alice.key", alice.key_pem());
  }

  Slots worker;
  TestSite site;
  std::shared_ptr<const TlsClientProfile> client;
  std::string peer;
};
INSTANTIATE_TEST_SUITE_P(Version, TlsResumption,
                         ::testing::Values(TlsVersion::tls12, TlsVersion::tls13),
                         [](const auto& info) {
                           return info.param == TlsVersion::tls12 ? "tls12" : "tls13";
                         });

TEST_P(TlsResumption, needs_no_memory_on_the_server) {
  EXPECT_FALSE(connect(server_profile(site.server)));
  // Another worker, or the same after a reload: only the keys are shared.
  EXPECT_TRUE(connect(server_profile(site.server)));
  EXPECT_TRUE(connect(server_profile(site.server))) << "a resumed connection gets a ticket too";
  site.server.ticket_keys = std::make_shared<TicketKeys>();
  EXPECT_FALSE(connect(server_profile(site.server)));
}

TEST_P(TlsResumption, is_off_without_keys_or_tickets) {
  TlsServerOptions without = site.server;
  without.ticket_keys = nullptr;
  EXPECT_FALSE(connect(server_profile(without)));
  EXPECT_FALSE(connect(server_profile(without)));
  without = site.server;
  without.tickets = 0;
  EXPECT_FALSE(connect(server_profile(without)));
  EXPECT_FALSE(connect(server_profile(without)));
}

TEST_P(TlsResumption, does_not_cross_virtual_hosts) {
  auto server = server_profile(site.server);
  EXPECT_FALSE(connect(server, "site.example"));
  misuse("site.example", "other.example");
  EXPECT_FALSE(connect(server, "other.example"));
  misuse("other.example", "site.example");
  EXPECT_FALSE(connect(server, "site.example"));
  EXPECT_TRUE(connect(server, "site.example"));
}

TEST_P(TlsResumption, does_not_get_around_a_client_certificate) {
  auto open = server_profile(site.server);
  TestAuthority clients("Client CA");
  use_client_auth(clients, "clients.pem");
  client = client_profile(site.client);
  auto closed = server_profile(site.server);
  EXPECT_FALSE(connect(open));
  EXPECT_FALSE(connect(closed)) << "made where nobody was asked for a certificate";
  EXPECT_EQ(peer, "CN=alice");
  EXPECT_TRUE(connect(closed));
  EXPECT_EQ(peer, "CN=alice") << "who it is comes back with the ticket";
  // The same keys and the same policy, with other authorities.
  site.server.client_ca_file =
      site.folder.write("more.pem", clients.pem() + TestAuthority("Second").pem());
  EXPECT_FALSE(connect(server_profile(site.server)));
}

TEST_P(TlsResumption, goes_on_with_the_keys_before_the_current_one) {
  auto keys = std::make_shared<TicketKeys>();
  site.server.ticket_keys = keys;
  auto server = server_profile(site.server);
  EXPECT_FALSE(connect(server));
  keys->rotate();
  EXPECT_TRUE(connect(server)) << "and has a ticket of the new key";
  for (std::size_t i = 1; i < TicketKeys::kKeptRandom; ++i) keys->rotate();
  EXPECT_TRUE(connect(server));
  for (std::size_t i = 0; i < TicketKeys::kKeptRandom; ++i) keys->rotate();
  EXPECT_FALSE(connect(server)) << "the key has gone";
}

TEST_P(TlsResumption, is_shared_by_machines_that_share_a_file) {
  std::string one = pattern(80, 1), two = pattern(80, 2);
  auto from_file = [](const std::string& path) { return TicketKeys::from_file(path).value(); };
  site.server.ticket_keys = from_file(site.folder.write("a.keys", one));
  EXPECT_FALSE(connect(server_profile(site.server)));
  site.server.ticket_keys = from_file(site.folder.write("b.keys", two + one));
  EXPECT_TRUE(connect(server_profile(site.server)));
  site.server.ticket_keys = from_file(site.folder.write("c.keys", two));
  EXPECT_TRUE(connect(server_profile(site.server))) << "the ticket was renewed with the first key";
  site.server.ticket_keys = from_file(site.folder.write("d.keys", one));
  EXPECT_FALSE(connect(server_profile(site.server)));
}

// ---- Keys in files

TEST(TicketKeyFile, is_read_again_when_it_changes_and_kept_when_it_breaks) {
  TestFolder folder;
  Slots worker;
  std::string path = folder.write("keys", pattern(80, 1));
  auto keys = TicketKeys::from_file(path).value();
  EXPECT_EQ(keys->current(worker).keys.size(), 1u);
  EXPECT_FALSE(keys->refresh().value());
  folder.write("keys", pattern(160, 2));
  EXPECT_TRUE(keys->refresh().value());
  EXPECT_EQ(keys->current(worker).keys.size(), 2u);
  folder.write("keys", "short");
  auto broken = keys->refresh();
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().file, path);
  EXPECT_EQ(broken.error().reason, "its size is not a multiple of 80 bytes");
  EXPECT_FALSE(keys->refresh().value()) << "told once";
  EXPECT_EQ(keys->current(worker).keys.size(), 2u);
  keys->rotate();
  EXPECT_EQ(keys->current(worker).keys.size(), 2u) << "a file is rotated by whoever writes it";
}

TEST(TicketKeyFile, is_refused_when_it_cannot_be_right) {
  TestFolder folder;
  auto reason = [&](const std::string& bytes, unsigned mode = 0600) {
    std::string path = folder.write("keys", bytes);
    ::chmod(path.c_str(), mode);
    auto made = TicketKeys::from_file(path);
    return made ? std::string("taken") : made.error().reason;
  };
  EXPECT_EQ(reason(pattern(80 * 16, 1)), "taken");
  EXPECT_EQ(reason(pattern(80 * 17, 1)), "more than 16 keys");
  EXPECT_EQ(reason(""), "its size is not a multiple of 80 bytes");
  EXPECT_EQ(reason(pattern(79, 1)), "its size is not a multiple of 80 bytes");
  EXPECT_EQ(reason(pattern(81, 1)), "its size is not a multiple of 80 bytes");
  EXPECT_EQ(reason(pattern(16, 1) + std::string(64, '\0')), "a key of zeros");
  EXPECT_EQ(reason(pattern(80, 1) + pattern(80, 1)), "the same key name twice");
  EXPECT_EQ(reason(pattern(80, 1), 0604), "others may read it; its mode must be 0600 or 0640");
  EXPECT_EQ(TicketKeys::from_file(folder.path("none")).error().reason, "No such file or directory");
}

// ---- Sessions that a client keeps

TEST(TlsClientSessions, keeps_the_newest_and_gives_each_once) {
  TlsClientSessions sessions(2);
  auto make = [](int version) {
    SSL_SESSION* session = SSL_SESSION_new();
    SSL_SESSION_set_protocol_version(session, version);
    return session;
  };
  SSL_SESSION* first = make(TLS1_3_VERSION);
  SSL_SESSION* second = make(TLS1_2_VERSION);
  SSL_SESSION* third = make(TLS1_3_VERSION);
  sessions.put("a", SslSessionPtr(first));
  sessions.put("b", SslSessionPtr(second));
  sessions.put("a", SslSessionPtr(third));
  EXPECT_EQ(sessions.size(), 2u);
  EXPECT_EQ(sessions.take("c"), nullptr);
  EXPECT_EQ(sessions.take("a").get(), third);
  EXPECT_EQ(sessions.take("a"), nullptr) << "the oldest had to go";
  EXPECT_EQ(sessions.take("b").get(), second);
  EXPECT_EQ(sessions.take("b").get(), second) << "TLS 1.2 may use one again";
  TlsClientSessions none(0);
  none.put("a", SslSessionPtr(SSL_SESSION_new()));
  EXPECT_EQ(none.size(), 0u);
}

}  // namespace
}  // namespace weir::test

// Who is let in and who is believed: every knob has a test in which it says no.
#include <gtest/gtest.h>

#include "io/testing.h"
#include "io/tls/testing.h"

namespace weir::test {
namespace {

// What the client says about the server; the server finds out by an alert, or by silence.
Error connect(const TestSite& site, const std::string& name = "site.example") {
  EnginePair pair(server_profile(site.server), client_profile(site.client), name);
  pair.shake_hands();
  EXPECT_EQ(pair.client_done, pair.client_error.code == ErrorCode::none);
  if (!pair.client_done) EXPECT_FALSE(pair.server_done);
  return pair.client_error;
}

void show(TestSite& site, const TestCertificate& certificate, std::string_view issuers = {}) {
  site.server.certificates = std::make_shared<FixedCertificates>(
      std::vector<ShownCertificate>{{certificate.parsed(issuers), nullptr}});
}

TEST(TlsVerification, believes_a_certificate_for_the_name_from_a_known_authority) {
  TestSite site;
  EXPECT_EQ(connect(site).code, ErrorCode::none);
  EXPECT_EQ(connect(site, "SITE.example").code, ErrorCode::none);
}

TEST(TlsVerification, is_on_unless_switched_off) {
  TestSite site;
  site.client.ca_file = site.folder.write("other.pem", TestAuthority("Other CA").pem());
  EXPECT_EQ(connect(site).code, ErrorCode::tls_verify);
  site.client.ca_file = "";  // the system knows nothing of our authority
  EXPECT_EQ(connect(site).code, ErrorCode::tls_verify);
  site.client.verify = false;
  EXPECT_EQ(connect(site).code, ErrorCode::none);
}

TEST(TlsVerification, refuses_a_certificate_for_another_name) {
  TestSite site;
  EXPECT_EQ(connect(site, "other.example").code, ErrorCode::tls_verify);
  EXPECT_EQ(connect(site, "www.site.example").code, ErrorCode::tls_verify);
  EXPECT_EQ(connect(site, "example").code, ErrorCode::tls_verify);
}

TEST(TlsVerification, checks_the_profiles_name_rather_than_the_callers) {
  TestSite site;
  site.client.name = "site.example";
  EXPECT_EQ(connect(site, "10.0.0.1").code, ErrorCode::none);
  site.client.name = "other.example";
  EXPECT_EQ(connect(site, "site.example").code, ErrorCode::tls_verify);
}

TEST(TlsVerification, does_not_connect_without_a_name_to_check) {
  TestSite site;
  EXPECT_EQ(connect(site, "").code, ErrorCode::tls_verify);
  site.client.verify = false;
  EXPECT_EQ(connect(site, "").code, ErrorCode::none);
}

TEST(TlsVerification, checks_addresses_against_addresses_only) {
  TestSite site;
  show(site, site.authority.issue({.names = {"IP:192.0.2.1", "IP:2001:db8::1", "DNS:a.example"}}));
  EXPECT_EQ(connect(site, "192.0.2.1").code, ErrorCode::none);
  EXPECT_EQ(connect(site, "2001:db8::1").code, ErrorCode::none);
  EXPECT_EQ(connect(site, "192.0.2.2").code, ErrorCode::tls_verify);
  show(site, site.authority.issue({.names = {"DNS:192.0.2.1"}}));
  EXPECT_EQ(connect(site, "192.0.2.1").code, ErrorCode::tls_verify);
}

TEST(TlsVerification, takes_a_wildcard_for_one_label) {
  TestSite site;
  show(site, site.authority.issue({.names = {"DNS:*.site.example"}}));
  EXPECT_EQ(connect(site, "a.site.example").code, ErrorCode::none);
  EXPECT_EQ(connect(site, "a.b.site.example").code, ErrorCode::tls_verify);
  EXPECT_EQ(connect(site, "site.example").code, ErrorCode::tls_verify);
  show(site, site.authority.issue({.names = {"DNS:a*.site.example"}}));
  EXPECT_EQ(connect(site, "ab.site.example").code, ErrorCode::tls_verify);
}

TEST(TlsVerification, does_not_take_a_common_name_for_a_name) {
  TestSite site;
  show(site, site.authority.issue({.names = {}, .common_name = "site.example"}));
  EXPECT_EQ(connect(site).code, ErrorCode::tls_verify);
}

TEST(TlsVerification, refuses_what_has_run_out_or_is_not_valid_yet) {
  TestSite site;
  show(site, site.authority.issue({.names = {"DNS:site.example"}, .starts = -7200, .ends = -60}));
  Error error = connect(site);
  EXPECT_EQ(error.code, ErrorCode::tls_verify);
  EXPECT_EQ(error.detail, "certificate has expired");
  show(site, site.authority.issue({.names = {"DNS:site.example"}, .starts = 3600}));
  EXPECT_EQ(connect(site).code, ErrorCode::tls_verify);
}

TEST(TlsVerification, needs_the_whole_chain) {
  TestSite site;
  TestAuthority middle("Intermediate CA", &site.authority);
  TestCertificate leaf = middle.issue({.names = {"DNS:site.example"}});
  show(site, leaf);
  EXPECT_EQ(connect(site).code, ErrorCode::tls_verify);
  show(site, leaf, middle.pem());
  EXPECT_EQ(connect(site).code, ErrorCode::none);
  // A certificate that is no authority signs nothing.
  TestAuthority stranger("Stranger", nullptr);
  show(site, stranger.issue({.names = {"DNS:site.example"}}), site.certificate.certificate_pem());
  EXPECT_EQ(connect(site).code, ErrorCode::tls_verify);
}

TEST(TlsVerification, holds_for_tls12_too) {
  TestSite site;
  site.client.max_version = TlsVersion::tls12;
  EXPECT_EQ(connect(site).code, ErrorCode::none);
  EXPECT_EQ(connect(site, "other.example").code, ErrorCode::tls_verify);
}

// ---- Certificates of clients

struct ClientAuthSite : TestSite {
  explicit ClientAuthSite(ClientAuth mode) {
    server.client_auth = mode;
    server.client_ca_file = folder.write("clients.pem", clients.pem());
  }
  void client_shows(const TestCertificate& certificate) {
    client.certificate_file = folder.write("client.pem", certificate.certificate_pem());
    client.key_file = folder.write("client.key", certificate.key_pem());
  }

  TestAuthority clients{"Client CA"};
};

// Judged by the server: the client of TLS 1.3 learns of it only later.
Error accept(const TestSite& site, TlsVersion version, const TlsFacts** facts = nullptr) {
  static std::unique_ptr<EnginePair> pair;
  TlsClientOptions client = site.client;
  client.max_version = version;
  pair = std::make_unique<EnginePair>(server_profile(site.server), client_profile(client));
  pair->shake_hands();
  EXPECT_EQ(pair->server_done, pair->server_error.code == ErrorCode::none);
  if (facts != nullptr && pair->server_done) *facts = &pair->server.facts();
  return pair->server_error;
}

class TlsClientAuth : public ::testing::TestWithParam<TlsVersion> {};
INSTANTIATE_TEST_SUITE_P(Version, TlsClientAuth,
                         ::testing::Values(TlsVersion::tls12, TlsVersion::tls13),
                         [](const auto& info) {
                           return info.param == TlsVersion::tls12 ? "tls12" : "tls13";
                         });

TEST_P(TlsClientAuth, required_refuses_a_client_without_one) {
  ClientAuthSite site(ClientAuth::require);
  EXPECT_EQ(accept(site, GetParam()).code, ErrorCode::tls_verify);
  site.client_shows(site.clients.issue({.common_name = "alice"}));
  EXPECT_EQ(accept(site, GetParam()).code, ErrorCode::none);
}

TEST_P(TlsClientAuth, requested_lets_in_with_and_without_but_not_with_a_bad_one) {
  ClientAuthSite site(ClientAuth::request);
  const TlsFacts* facts = nullptr;
  EXPECT_EQ(accept(site, GetParam(), &facts).code, ErrorCode::none);
  EXPECT_EQ(facts->peer, nullptr);
  site.client_shows(site.clients.issue({.common_name = "alice"}));
  EXPECT_EQ(accept(site, GetParam(), &facts).code, ErrorCode::none);
  EXPECT_NE(facts->peer, nullptr);
  site.client_shows(site.authority.issue({.common_name = "mallory"}));
  EXPECT_EQ(accept(site, GetParam()).code, ErrorCode::tls_verify);
}

TEST_P(TlsClientAuth, refuses_other_authorities_and_what_has_run_out) {
  ClientAuthSite site(ClientAuth::require);
  site.client_shows(TestAuthority("Client CA").issue({.common_name = "alice"}));  // same name
  EXPECT_EQ(accept(site, GetParam()).code, ErrorCode::tls_verify);
  site.client_shows(site.clients.issue({.common_name = "alice", .ends = -60}));
  EXPECT_EQ(accept(site, GetParam()).code, ErrorCode::tls_verify);
}

TEST_P(TlsClientAuth, none_asks_for_nothing) {
  ClientAuthSite site(ClientAuth::none);
  site.client_shows(site.clients.issue({.common_name = "alice"}));
  const TlsFacts* facts = nullptr;
  EXPECT_EQ(accept(site, GetParam(), &facts).code, ErrorCode::none);
  EXPECT_EQ(facts->peer, nullptr);
}

TEST(TlsClientAuth, tells_who_the_client_is_in_texts_that_are_safe_to_pass_on) {
  ClientAuthSite site(ClientAuth::require);
  site.client_shows(site.clients.issue({.names = {"DNS:alice.example", "URI:spiffe://mesh/ns/a",
                                                  "email:a@b.example", "IP:192.0.2.7"},
                                        .common_name = "alice\r\nX-Admin: yes, \xc3\xa9"}));
  const TlsFacts* facts = nullptr;
  ASSERT_EQ(accept(site, TlsVersion::tls13, &facts).code, ErrorCode::none);
  const TlsPeerCertificate& peer = *facts->peer;
  EXPECT_EQ(peer.subject, "CN=alice\\0D\\0AX-Admin: yes\\, \\C3\\A9");
  EXPECT_EQ(peer.issuer, "CN=Client CA");
  EXPECT_EQ(peer.fingerprint.size(), 64u);
  EXPECT_EQ(peer.names, (std::vector<std::string>{"DNS:alice.example", "URI:spiffe://mesh/ns/a",
                                                  "email:a@b.example", "IP:192.0.2.7"}));
  EXPECT_EQ(peer.all_names,
            "DNS:alice.example,URI:spiffe://mesh/ns/a,email:a@b.example,IP:192.0.2.7");
  EXPECT_GT(peer.not_after, 1'700'000'000);
}

TEST(TlsProfiles, refuse_what_cannot_work_with_a_reason) {
  TestSite site;
  auto refused = [](const auto& made) { return made ? std::string("made") : made.error().reason; };
  TlsServerOptions server = site.server;
  server.min_version = TlsVersion::tls13;
  server.max_version = TlsVersion::tls12;
  EXPECT_EQ(refused(TlsServerProfile::make(server)), "min_version is above max_version");
  server = site.server;
  server.certificates = nullptr;
  EXPECT_EQ(refused(TlsServerProfile::make(server)), "no certificates");
  server = site.server;
  server.alpn = {"h2", ""};
  EXPECT_EQ(refused(TlsServerProfile::make(server)), "a bad name in alpn");
  server = site.server;
  server.client_auth = ClientAuth::require;
  EXPECT_EQ(refused(TlsServerProfile::make(server)), "No such file or directory");
  server.client_ca_file = site.folder.write("empty.pem", "no certificate in here\n");
  EXPECT_EQ(refused(TlsServerProfile::make(server)), "no start line (Expecting: CERTIFICATE)");
  TlsClientOptions client = site.client;
  client.ca_file =
      site.folder.write("half.pem", site.authority.pem() + site.authority.pem().substr(0, 200));
  EXPECT_NE(refused(TlsClientProfile::make(client)), "made");
  client = site.client;
  client.certificate_file = client.ca_file;
  EXPECT_EQ(refused(TlsClientProfile::make(client)), "a certificate alone");
  client.key_file =
      site.folder.write("other.key", make_key(KeyKind::ecdsa) ? site.certificate.key_pem() : "");
  EXPECT_EQ(refused(TlsClientProfile::make(client)), "the key does not belong to the certificate");
}

TEST(TlsVerification, asks_only_the_clients_of_the_names_that_want_it) {
  TestSite site;
  site.server.client_auth = ClientAuth::require;
  site.server.client_ca_file = site.client.ca_file;
  site.server.client_auth_names = {"admin.example", "*.in.example"};
  show(site, site.authority.issue(
                 {.names = {"DNS:site.example", "DNS:admin.example", "DNS:a.in.example"}}));
  // A client of TLS 1.3 is done before the server says no.
  auto let_in = [&](const std::string& name) {
    EnginePair pair(server_profile(site.server), client_profile(site.client), name);
    pair.shake_hands();
    return pair.established();
  };
  EXPECT_TRUE(let_in("site.example"));
  EXPECT_FALSE(let_in("admin.example"));
  EXPECT_FALSE(let_in("a.in.example"));
}

TEST(TlsVerification, knows_which_names_are_served_alike) {
  TestSite site;
  auto one = site.authority.issue({.names = {"DNS:a.example", "DNS:b.example"}}).parsed();
  auto two = site.authority.issue({.names = {"DNS:c.example", "DNS:*.d.example"}}).parsed();
  site.server.certificates = std::make_shared<FixedCertificates>(
      std::vector<ShownCertificate>{{one, nullptr}, {two, nullptr}});
  site.server.client_auth = ClientAuth::request;
  site.server.client_ca_file = site.client.ca_file;
  site.server.client_auth_names = {"b.example"};
  auto profile = server_profile(site.server);
  Slots worker;
  EXPECT_TRUE(profile->serves_alike("a.example", "a.example", worker));
  EXPECT_TRUE(profile->serves_alike("a.example", "unknown.example", worker));  // the default's
  EXPECT_TRUE(profile->serves_alike("x.d.example", "y.d.example", worker));
  EXPECT_FALSE(profile->serves_alike("a.example", "b.example", worker));
  EXPECT_FALSE(profile->serves_alike("a.example", "c.example", worker));
  EXPECT_TRUE(
      profile->serves_alike("", "c.example", worker));  // who sends no name cannot do better
  EXPECT_FALSE(profile->serves_alike("", "b.example", worker));  // but has not been asked
}

}  // namespace
}  // namespace weir::test

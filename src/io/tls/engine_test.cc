// Two engines back to back in memory.
#include <gtest/gtest.h>

#include "io/testing.h"
#include "io/tls/testing.h"

namespace weir::test {
namespace {

struct Connected {
  explicit Connected(const TestSite& site)
      : pair(server_profile(site.server), client_profile(site.client)) {
    pair.shake_hands();
    EXPECT_TRUE(pair.established()) << pair.client_error.detail << pair.server_error.detail;
    // The ticket must not be mistaken for what a test sends.
    EnginePair::decrypt(pair.client, std::exchange(pair.to_client, {}), SIZE_MAX);
  }
  EnginePair pair;
};

// Both versions behave alike.
class TlsEngineOf : public ::testing::TestWithParam<TlsVersion> {
 protected:
  void SetUp() override { site.server.max_version = GetParam(); }
  TestSite site;
};
INSTANTIATE_TEST_SUITE_P(Version, TlsEngineOf,
                         ::testing::Values(TlsVersion::tls12, TlsVersion::tls13),
                         [](const auto& info) {
                           return info.param == TlsVersion::tls12 ? "tls12" : "tls13";
                         });

TEST_P(TlsEngineOf, shakes_hands_with_one_byte_for_each_read) {
  EnginePair pair(server_profile(site.server), client_profile(site.client));
  pair.shake_hands(1);
  ASSERT_TRUE(pair.established()) << pair.client_error.detail << pair.server_error.detail;
  EXPECT_EQ(pair.server.facts().version, GetParam() == TlsVersion::tls12 ? "TLSv1.2" : "TLSv1.3");
  EXPECT_EQ(pair.server.facts().version, pair.client.facts().version);
  EXPECT_EQ(pair.server.facts().cipher, pair.client.facts().cipher);
  EXPECT_EQ(pair.server.facts().server_name, "site.example");
  EXPECT_FALSE(pair.server.facts().resumed);
}

TEST_P(TlsEngineOf, carries_bytes_however_the_transport_cuts_them) {
  Connected up(site);
  std::string text = pattern(70'001, 1);
  for (std::size_t piece : {std::size_t{1}, std::size_t{5}, std::size_t{1000}, std::size_t{16384},
                            std::size_t{20'000}, SIZE_MAX}) {
    std::string sent = EnginePair::encrypt(up.pair.client, text);
    EXPECT_TRUE(EnginePair::decrypt(up.pair.server, sent, piece) == text) << piece;
    sent = EnginePair::encrypt(up.pair.server, text);
    EXPECT_TRUE(EnginePair::decrypt(up.pair.client, sent, piece, nullptr, 1 << 20) == text);
  }
}

TEST_P(TlsEngineOf, reads_records_that_arrive_together) {
  Connected up(site);
  std::string sent;
  for (int i = 0; i < 100; ++i) {
    sent += EnginePair::encrypt(up.pair.client, "record " + std::to_string(i) + ";");
  }
  up.pair.server.feed(copy_slice(sent));
  std::optional<Result<Slice>> all = up.pair.server.read(0);
  ASSERT_TRUE(all && *all);
  EXPECT_TRUE((*all)->view().starts_with("record 0;record 1;"));
  EXPECT_TRUE((*all)->view().ends_with("record 99;"));
  EXPECT_FALSE(up.pair.server.read(0));
}

TEST_P(TlsEngineOf, puts_a_head_and_a_small_body_into_one_record) {
  Connected up(site);
  std::array<Slice, 4> slices{copy_slice("head "), Slice(), copy_slice("body "), copy_slice("end")};
  std::span<Slice> data(slices);
  ASSERT_TRUE(up.pair.server.write(data, SIZE_MAX));
  EXPECT_TRUE(data.empty());
  std::string sent = EnginePair::drain(up.pair.server);
  std::size_t length =
      static_cast<unsigned char>(sent[3]) << 8 | static_cast<unsigned char>(sent[4]);
  EXPECT_EQ(sent.size(), length + 5) << "more than one record";
  EXPECT_EQ(EnginePair::decrypt(up.pair.client, sent, SIZE_MAX), "head body end");
}

TEST_P(TlsEngineOf, encrypts_a_flight_at_a_time_and_goes_on_where_it_stopped) {
  Connected up(site);
  std::string text = pattern(300'000, 2);
  std::array<Slice, 2> slices{copy_slice(text.substr(0, 100)), copy_slice(text.substr(100))};
  std::span<Slice> data(slices);
  std::string got;
  int flights = 0;
  while (!data.empty()) {
    ASSERT_TRUE(up.pair.server.write(data, 40'000));
    std::string flight = EnginePair::drain(up.pair.server);
    EXPECT_LT(flight.size(), 60'000u);
    got += EnginePair::decrypt(up.pair.client, flight, SIZE_MAX);
    ++flights;
  }
  EXPECT_GE(flights, 6);
  EXPECT_TRUE(got == text);
}

TEST_P(TlsEngineOf, ends_only_after_close_notify) {
  Connected up(site);
  std::string sent = EnginePair::encrypt(up.pair.client, "last");
  up.pair.client.close_notify();
  up.pair.client.close_notify();  // once is enough
  sent += EnginePair::drain(up.pair.client);
  Error end;
  EXPECT_EQ(EnginePair::decrypt(up.pair.server, sent, SIZE_MAX, &end), "last");
  EXPECT_EQ(end.code, ErrorCode::end_of_stream);
  EXPECT_EQ(up.pair.server.read(0)->error().code, ErrorCode::end_of_stream) << "the end stays";
  // The other direction goes on.
  sent = EnginePair::encrypt(up.pair.server, "answer");
  EXPECT_EQ(EnginePair::decrypt(up.pair.client, sent, SIZE_MAX), "answer");
}

TEST_P(TlsEngineOf, tells_an_end_without_close_notify_apart) {
  Connected up(site);
  std::string sent = EnginePair::encrypt(up.pair.client, "cut short");
  EXPECT_EQ(EnginePair::decrypt(up.pair.server, sent, SIZE_MAX), "cut short");
  up.pair.server.feed_end(Error(ErrorCode::end_of_stream));
  Error end;
  EnginePair::decrypt(up.pair.server, {}, 1, &end);
  EXPECT_EQ(end.code, ErrorCode::reset);
  EXPECT_EQ(up.pair.server.read(0)->error().code, ErrorCode::reset);
}

TEST_P(TlsEngineOf, tells_a_record_cut_in_the_middle_apart) {
  Connected up(site);
  std::string sent = EnginePair::encrypt(up.pair.client, "cut short");
  sent.pop_back();
  EXPECT_EQ(EnginePair::decrypt(up.pair.server, sent, SIZE_MAX), "");
  up.pair.server.feed_end(Error(ErrorCode::end_of_stream));
  Error end;
  EnginePair::decrypt(up.pair.server, {}, 1, &end);
  EXPECT_EQ(end.code, ErrorCode::reset);
}

TEST_P(TlsEngineOf, passes_the_transports_error_on_after_what_had_come) {
  Connected up(site);
  std::string sent = EnginePair::encrypt(up.pair.client, "first");
  up.pair.server.feed(copy_slice(sent));
  up.pair.server.feed_end(Error(ErrorCode::timeout));
  Error end;
  EXPECT_EQ(EnginePair::decrypt(up.pair.server, {}, SIZE_MAX, &end), "first");
  EXPECT_EQ(end.code, ErrorCode::timeout);
}

TEST_P(TlsEngineOf, refuses_a_changed_record_for_good_and_says_so_to_the_peer) {
  Connected up(site);
  std::string good = EnginePair::encrypt(up.pair.client, "good");
  std::string bad = EnginePair::encrypt(up.pair.client, "bad");
  bad.back() = static_cast<char>(bad.back() ^ 1);
  Error end;
  EXPECT_EQ(EnginePair::decrypt(up.pair.server, good + bad, SIZE_MAX, &end), "good");
  EXPECT_EQ(end.code, ErrorCode::tls_broken);
  EXPECT_EQ(up.pair.server.read(0)->error().code, ErrorCode::tls_broken);
  Slice slice = copy_slice("no more");
  std::span<Slice> data(&slice, 1);
  EXPECT_FALSE(up.pair.server.write(data, SIZE_MAX));
  EnginePair::decrypt(up.pair.client, EnginePair::drain(up.pair.server), SIZE_MAX, &end);
  EXPECT_EQ(end.code, ErrorCode::tls_broken) << "the alert";
}

TEST_P(TlsEngineOf, is_quiet_until_plaintext_or_the_end_comes) {
  Connected up(site);
  EXPECT_TRUE(up.pair.server.quiet());
  std::string sent = EnginePair::encrypt(up.pair.client, "news");
  up.pair.server.feed(copy_slice(sent.substr(0, 7)));
  EXPECT_TRUE(up.pair.server.quiet());
  up.pair.server.feed(copy_slice(sent.substr(7)));
  EXPECT_FALSE(up.pair.server.quiet());
  EXPECT_EQ(EnginePair::decrypt(up.pair.server, {}, 1), "news") << "a look takes nothing away";
  EXPECT_TRUE(up.pair.server.quiet());
  up.pair.client.close_notify();
  up.pair.server.feed(copy_slice(EnginePair::drain(up.pair.client)));
  EXPECT_FALSE(up.pair.server.quiet());
  EXPECT_FALSE(up.pair.server.quiet());
}

TEST_P(TlsEngineOf, holds_no_buffer_between_operations) {
  Connected up(site);
  for (int i = 0; i < 3; ++i) {
    std::string sent = EnginePair::encrypt(up.pair.client, pattern(50'000, 3));
    EnginePair::decrypt(up.pair.server, sent, 999);
    EXPECT_EQ(up.pair.buffers.lent(), 0u);
  }
}

TEST_P(TlsEngineOf, reads_what_it_writes_from_files_in_pieces) {
  Connected up(site);
  std::string body = pattern(100'000, 4);
  std::FILE* file = std::tmpfile();
  ASSERT_EQ(std::fwrite(body.data(), 1, body.size(), file), body.size());
  std::fflush(file);
  std::array<Slice, 3> slices{copy_slice("head "),
                              Slice::of_file(nullptr, ::fileno(file), 1000, 90'000),
                              copy_slice(" tail")};
  std::span<Slice> data(slices);
  ASSERT_TRUE(up.pair.server.write(data, SIZE_MAX));
  std::string got = EnginePair::decrypt(up.pair.client, EnginePair::drain(up.pair.server), 1000);
  EXPECT_TRUE(got == "head " + body.substr(1000, 90'000) + " tail");
  Slice beyond = Slice::of_file(nullptr, ::fileno(file), 99'000, 5'000);
  data = {&beyond, 1};
  Status written = up.pair.server.write(data, SIZE_MAX);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::truncated);
  std::fclose(file);
}

TEST_P(TlsEngineOf, fails_when_the_transport_ends_during_the_handshake) {
  EnginePair pair(server_profile(site.server), client_profile(site.client));
  pair.server.feed_end(Error(ErrorCode::end_of_stream));
  pair.shake_hands();
  EXPECT_EQ(pair.server_error.code, ErrorCode::reset);
  EXPECT_FALSE(pair.server_done);
}

// ---- Key updates (TLS 1.3)

TEST(TlsEngine, answers_a_key_update_and_goes_on_with_new_keys) {
  TestSite site;
  Connected up(site);
  ASSERT_TRUE(up.pair.client.update_keys(/*ask_peer=*/true));
  std::string sent = EnginePair::drain(up.pair.client);
  sent += EnginePair::encrypt(up.pair.client, "under the new keys");
  EXPECT_EQ(EnginePair::decrypt(up.pair.server, sent, 3), "under the new keys");
  // The answer goes in front of what is written next.
  std::string answer = EnginePair::encrypt(up.pair.server, "as well");
  EXPECT_GT(answer.size(), EnginePair::encrypt(up.pair.server, "as well").size());
  EXPECT_EQ(EnginePair::decrypt(up.pair.client, answer, 3), "as well");
}

TEST(TlsEngine, is_quiet_over_tickets_and_key_updates) {
  TestSite site;
  EnginePair pair(server_profile(site.server), client_profile(site.client));
  pair.shake_hands();
  ASSERT_TRUE(pair.established());
  ASSERT_TRUE(pair.server.update_keys(false));
  pair.collect();
  ASSERT_FALSE(pair.to_client.empty());
  EnginePair::deliver(pair.client, pair.to_client, SIZE_MAX);
  EXPECT_TRUE(pair.client.quiet());
  EXPECT_TRUE(pair.client.hungry());
}

TEST(TlsEngine, gives_up_on_a_peer_that_provokes_answers_and_takes_none) {
  TestSite site;
  Connected up(site);
  std::string sent;
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(up.pair.client.update_keys(true));
    sent += EnginePair::drain(up.pair.client);
  }
  Error end;
  EnginePair::decrypt(up.pair.server, sent, SIZE_MAX, &end);
  EXPECT_EQ(end.code, ErrorCode::limit);
}

// ---- What is refused

TEST(TlsEngine, refuses_a_client_without_a_common_version) {
  TestSite site;
  site.server.preset = TlsPreset::modern;
  site.client.max_version = TlsVersion::tls12;
  EnginePair pair(server_profile(site.server), client_profile(site.client));
  pair.shake_hands();
  EXPECT_EQ(pair.server_error.code, ErrorCode::tls_handshake);
  EXPECT_EQ(pair.client_error.code, ErrorCode::tls_handshake) << "told by an alert";
  EXPECT_FALSE(pair.server.established());
}

TEST(TlsEngine, refuses_plain_http_with_a_reason) {
  TestSite site;
  EnginePair pair(server_profile(site.server), client_profile(site.client));
  pair.server.feed(copy_slice("GET / HTTP/1.1\r\nHost: site.example\r\n\r\n"));
  pair.shake_hands();
  EXPECT_EQ(pair.server_error.code, ErrorCode::tls_handshake);
  EXPECT_EQ(pair.server_error.detail, "http request");
}

TEST(TlsEngine, gives_no_plaintext_before_the_handshake_is_over) {
  TestSite site;
  // A man in the middle answers in clear: as a record of application data, and without one.
  for (std::string_view early : {std::string_view("\x17\x03\x03\x00\x05hello", 10),
                                 std::string_view("HTTP/1.1 200 OK\r\n\r\n")}) {
    EnginePair fresh(server_profile(site.server), client_profile(site.client));
    ASSERT_TRUE(fresh.client.handshake());
    fresh.client.feed(copy_slice(early));
    EXPECT_FALSE(fresh.client.handshake());
    EXPECT_FALSE(*fresh.client.read(0));
  }
}

TEST(TlsEngine, agrees_on_a_protocol_by_the_servers_preference) {
  TestSite site;
  site.server.alpn = {"h2", "http/1.1"};
  site.client.alpn = {"http/1.1", "h2"};
  Connected up(site);
  EXPECT_EQ(up.pair.server.facts().alpn, "h2");
  EXPECT_EQ(up.pair.client.facts().alpn, "h2");
}

TEST(TlsEngine, offers_one_protocol_in_place_of_the_profiles) {
  TestSite site;
  site.server.alpn = {"h2", "http/1.1"};
  site.client.alpn = {"h2", "http/1.1"};
  EnginePair pair(server_profile(site.server), client_profile(site.client), "site.example", nullptr,
                  "http/1.1");
  pair.shake_hands();
  EXPECT_EQ(pair.client.facts().alpn, "http/1.1");
}

TEST(TlsEngine, refuses_a_client_that_speaks_no_common_protocol) {
  TestSite site;
  site.server.alpn = {"h2"};
  site.client.alpn = {"smtp"};
  EnginePair pair(server_profile(site.server), client_profile(site.client));
  pair.shake_hands();
  EXPECT_EQ(pair.server_error.code, ErrorCode::tls_handshake);
  // One that says nothing about protocols is served.
  site.client.alpn = {};
  EXPECT_EQ(Connected(site).pair.server.facts().alpn, "");
}

TEST(TlsEngine, shows_ecdsa_to_those_who_can_and_rsa_to_the_others) {
  TestSite site;
  TestCertificate rsa = site.authority.issue({.names = {"DNS:site.example"}, .key = KeyKind::rsa});
  site.server.certificates = std::make_shared<FixedCertificates>(
      std::vector<ShownCertificate>{{rsa.parsed(), nullptr}, {site.certificate.parsed(), nullptr}});
  for (bool only_rsa : {false, true}) {
    auto client = client_profile(site.client);
    if (only_rsa) {
      SSL_CTX_set1_sigalgs_list(client->context(), "RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA512");
      SSL_CTX_set_cipher_list(client->context(), "ECDHE-RSA-AES128-GCM-SHA256");
    }
    EnginePair pair(server_profile(site.server), client);
    pair.shake_hands();
    ASSERT_TRUE(pair.established()) << pair.client_error.detail << pair.server_error.detail;
    X509* shown = (only_rsa ? rsa : site.certificate).certificate.get();
    EXPECT_EQ(pair.client.facts().peer->fingerprint, [&] {
      unsigned char digest[32];
      X509_digest(shown, EVP_sha256(), digest, nullptr);
      std::string text;
      for (unsigned char byte : digest) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
      }
      return text;
    }());
  }
}

TEST(TlsEngine, staples_an_ocsp_response_to_the_certificate_that_is_shown) {
  TestSite site;
  auto staple = std::make_shared<const std::string>("any bytes will do here");
  site.server.certificates = std::make_shared<FixedCertificates>(
      std::vector<ShownCertificate>{{site.certificate.parsed(), staple}});
  auto client = client_profile(site.client);
  static std::string seen;
  seen.clear();
  SSL_CTX_set_tlsext_status_type(client->context(), TLSEXT_STATUSTYPE_ocsp);
  SSL_CTX_set_tlsext_status_cb(
      client->context(), +[](SSL* connection, void*) -> int {
        const unsigned char* data = nullptr;
        long size = SSL_get_tlsext_status_ocsp_resp(connection, &data);
        if (size > 0)
          seen.assign(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
        return 1;
      });
  EnginePair pair(server_profile(site.server), client);
  pair.shake_hands();
  EXPECT_TRUE(pair.established());
  EXPECT_EQ(seen, *staple);
}

}  // namespace
}  // namespace weir::test

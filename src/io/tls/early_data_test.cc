// 0-RTT on a server: what is taken early, what is not, and that nothing is taken twice.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "io/tls/spent_tickets.h"
#include "io/tls/testing.h"

namespace weir::test {
namespace {

constexpr std::string_view kGet = "GET / HTTP/1.1\r\n\r\n";

/// OpenSSL by itself, since our own client sends nothing early.
class RawClient {
 public:
  RawClient(SSL_CTX* context, SSL_SESSION* session) : ssl_(SSL_new(context)) {
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_tlsext_host_name(ssl_.get(), "site.example");
    SSL_set_connect_state(ssl_.get());
    if (session != nullptr) SSL_set_session(ssl_.get(), session);
  }

  // Or OpenSSL would not resume its session.
  ~RawClient() { SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  /// Writes `text` as early data and gives all there is to send.
  std::string early(std::string_view text) {
    std::size_t written = 0;
    SSL_write_early_data(ssl_.get(), text.data(), text.size(), &written);
    EXPECT_EQ(written, text.size());
    return output();
  }
  /// As much as can be done with `bytes`; what was read goes to `received`.
  std::string step(std::string_view bytes) {
    BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
    if (SSL_is_init_finished(ssl_.get()) == 0 && SSL_do_handshake(ssl_.get()) != 1) return output();
    char text[4096];
    std::size_t got = 0;
    while (SSL_read_ex(ssl_.get(), text, sizeof text, &got) == 1) received.append(text, got);
    return output();
  }
  std::string write(std::string_view text) {
    std::size_t written = 0;
    EXPECT_EQ(SSL_write_ex(ssl_.get(), text.data(), text.size(), &written), 1);
    return output();
  }
  bool accepted() const { return SSL_get_early_data_status(ssl_.get()) == SSL_EARLY_DATA_ACCEPTED; }
  bool finished() const { return SSL_is_init_finished(ssl_.get()) == 1; }
  SslSessionPtr session() { return SslSessionPtr(SSL_get1_session(ssl_.get())); }

  std::string received;

 private:
  std::string output() {
    std::string bytes(BIO_ctrl_pending(SSL_get_wbio(ssl_.get())), '\0');
    if (!bytes.empty()) {
      BIO_read(SSL_get_wbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
    }
    return bytes;
  }

  SslPtr ssl_;
};

class TlsEarlyData : public ::testing::Test {
 protected:
  TlsEarlyData() : context(SSL_CTX_new(TLS_client_method())) { site.server.early_data = true; }

  struct Server {
    Server(TlsEarlyData& test, const TlsServerProfile& profile) : engine(test.buffers) {
      EXPECT_TRUE(engine.start_server(profile, test.worker));
    }
    TlsEngine engine;
  };

  // Takes what is to be read at once, and tells if it was early.
  std::string read(TlsEngine& server, Error* end = nullptr) {
    return EnginePair::decrypt(server, {}, SIZE_MAX, end);
  }
  static void feed(TlsEngine& server, std::string_view bytes) {
    if (!bytes.empty()) server.feed(copy_slice(bytes));
  }
  // A connection from its beginning to its end, whose ticket is kept.
  SslSessionPtr ticket(const TlsServerProfile& profile) {
    RawClient client(context.get(), nullptr);
    Server server(*this, profile);
    std::string bytes = client.step({});
    for (int round = 0; round < 4; ++round) {
      feed(server.engine, bytes);
      EXPECT_TRUE(server.engine.handshake());
      bytes = client.step(EnginePair::drain(server.engine));
    }
    EXPECT_TRUE(client.finished() && server.engine.established());
    EXPECT_GT(SSL_SESSION_get_max_early_data(client.session().get()), 0u);
    return client.session();
  }
  // Whether the server takes `hello` with what follows it as early data.
  bool takes(const TlsServerProfile& profile, const std::string& hello) {
    Server server(*this, profile);
    feed(server.engine, hello);
    Result<bool> established = server.engine.handshake();
    return established && *established && server.engine.facts().early;
  }

  Slots worker;
  BufferPool buffers;
  TestSite site;
  SslContextPtr context;
};

TEST_F(TlsEarlyData, comes_before_the_handshake_is_over_and_is_answered_then) {
  auto profile = server_profile(site.server);
  SslSessionPtr session = ticket(*profile);
  RawClient client(context.get(), session.get());
  Server server(*this, *profile);
  feed(server.engine, client.early(kGet));
  Result<bool> established = server.engine.handshake();
  ASSERT_TRUE(established && *established);
  const TlsFacts& facts = server.engine.facts();
  EXPECT_TRUE(facts.early && facts.resumed);
  EXPECT_EQ(facts.server_name, "site.example");
  EXPECT_EQ(read(server.engine), kGet);
  EXPECT_TRUE(facts.early);
  EXPECT_FALSE(server.engine.settle());
  std::string flight = EnginePair::drain(server.engine);
  std::string answer = EnginePair::encrypt(server.engine, "answer");
  // The client has the answer before we have its Finished.
  std::string finished = client.step(flight + answer);
  EXPECT_TRUE(client.accepted());
  EXPECT_EQ(client.received, "answer");
  feed(server.engine, finished + client.write("later"));
  EXPECT_EQ(read(server.engine), "later");
  EXPECT_FALSE(facts.early);
  EXPECT_EQ(server.engine.in_handshake(), nullptr);
  client.step(EnginePair::drain(server.engine) + EnginePair::encrypt(server.engine, " more"));
  EXPECT_EQ(client.received, "answer more");
}

TEST_F(TlsEarlyData, is_kept_while_the_end_of_the_handshake_is_waited_for) {
  auto profile = server_profile(site.server);
  SslSessionPtr session = ticket(*profile);
  RawClient client(context.get(), session.get());
  Server server(*this, *profile);
  std::string hello = client.early("POST ");
  for (char byte : hello) {
    feed(server.engine, {&byte, 1});
    ASSERT_TRUE(server.engine.handshake());
  }
  ASSERT_TRUE(server.engine.established());
  EXPECT_FALSE(server.engine.settle());
  feed(server.engine, client.early("me"));
  EXPECT_FALSE(server.engine.settle());
  feed(server.engine, client.step(EnginePair::drain(server.engine)));
  std::optional<Result<Slice>> settled = server.engine.settle();
  ASSERT_TRUE(settled && *settled);
  EXPECT_TRUE((*settled)->empty());
  EXPECT_FALSE(server.engine.facts().early);
  EXPECT_EQ(read(server.engine), "POST me");
  EXPECT_EQ(server.engine.in_handshake(), nullptr);
}

TEST_F(TlsEarlyData, is_none_once_the_whole_handshake_has_come) {
  auto profile = server_profile(site.server);
  SslSessionPtr session = ticket(*profile);
  RawClient client(context.get(), session.get());
  Server server(*this, *profile);
  feed(server.engine, client.early(kGet));
  ASSERT_TRUE(server.engine.handshake());
  feed(server.engine, client.step(EnginePair::drain(server.engine)));
  EXPECT_EQ(read(server.engine), kGet);
  EXPECT_FALSE(server.engine.facts().early) << "whoever sent it has proved to be there";
}

TEST_F(TlsEarlyData, is_refused_when_a_client_hello_comes_again) {
  auto profile = server_profile(site.server);
  SslSessionPtr session = ticket(*profile);
  std::string hello = RawClient(context.get(), session.get()).early(kGet);
  EXPECT_TRUE(takes(*profile, hello));
  EXPECT_FALSE(takes(*profile, hello));
  // On another listener, or after a reload.
  EXPECT_FALSE(takes(*server_profile(site.server), hello));
}

TEST_F(TlsEarlyData, is_taken_once_for_each_ticket_and_the_handshake_goes_on) {
  auto profile = server_profile(site.server);
  SslSessionPtr session = ticket(*profile);
  EXPECT_TRUE(takes(*profile, RawClient(context.get(), session.get()).early(kGet)));
  RawClient client(context.get(), session.get());
  Server server(*this, *profile);
  std::string bytes = client.early(kGet);
  for (int round = 0; round < 3; ++round) {
    feed(server.engine, bytes);
    while (!server.engine.hungry()) ASSERT_TRUE(server.engine.handshake());
    bytes = client.step(EnginePair::drain(server.engine));
  }
  EXPECT_TRUE(client.finished());
  EXPECT_FALSE(client.accepted());
  EXPECT_TRUE(server.engine.established() && server.engine.facts().resumed);
  EXPECT_FALSE(server.engine.facts().early);
  feed(server.engine, client.write(kGet));
  EXPECT_EQ(read(server.engine), kGet);
}

TEST_F(TlsEarlyData, is_refused_where_it_is_off_or_the_keys_are_gone) {
  auto profile = server_profile(site.server);
  SslSessionPtr session = ticket(*profile);
  std::string hello = RawClient(context.get(), session.get()).early(kGet);
  TlsServerOptions off = site.server;
  off.early_data = false;
  EXPECT_FALSE(takes(*server_profile(off), hello));
  TlsServerOptions others = site.server;
  others.ticket_keys = std::make_shared<TicketKeys>();
  EXPECT_FALSE(takes(*server_profile(others), hello));
  auto rotated = std::make_shared<TicketKeys>();
  others.ticket_keys = rotated;
  auto with_keys = server_profile(others);
  SslSessionPtr old = ticket(*with_keys);
  std::string old_hello = RawClient(context.get(), old.get()).early(kGet);
  for (std::size_t i = 0; i < TicketKeys::kKeptRandom; ++i) rotated->rotate();
  EXPECT_FALSE(takes(*with_keys, old_hello));
  EXPECT_TRUE(takes(*profile, hello)) << "nobody took it until now";
}

TEST_F(TlsEarlyData, ends_the_connection_when_it_is_more_than_was_allowed) {
  auto profile = server_profile(site.server);
  SslSessionPtr session = ticket(*profile);
  // OpenSSL as a client keeps to what the ticket says: this one says more.
  SSL_SESSION_set_max_early_data(session.get(), 1 << 20);
  RawClient client(context.get(), session.get());
  Server server(*this, *profile);
  std::string most(16 * 1024, 'x');
  feed(server.engine, client.early(most));
  Result<bool> established = server.engine.handshake();
  ASSERT_TRUE(established && *established);
  feed(server.engine, client.early("x"));
  EXPECT_EQ(read(server.engine).size(), most.size());
  Error end;
  read(server.engine, &end);
  EXPECT_EQ(end.code, ErrorCode::tls_handshake);
}

TEST_F(TlsEarlyData, that_is_cut_short_is_told) {
  auto profile = server_profile(site.server);
  SslSessionPtr session = ticket(*profile);
  RawClient client(context.get(), session.get());
  Server server(*this, *profile);
  feed(server.engine, client.early(kGet));
  ASSERT_TRUE(server.engine.handshake());
  EXPECT_EQ(read(server.engine), kGet);
  server.engine.feed_end(Error(ErrorCode::end_of_stream));
  Error end;
  read(server.engine, &end);
  EXPECT_EQ(end.code, ErrorCode::reset);
  EXPECT_TRUE(server.engine.facts().early);
}

TEST_F(TlsEarlyData, costs_other_clients_nothing_but_that_they_are_asked) {
  auto profile = server_profile(site.server);
  for (TlsVersion version : {TlsVersion::tls12, TlsVersion::tls13}) {
    site.client.max_version = version;
    auto uses = client_profile(site.client);
    for (bool resumed : {false, true}) {
      EnginePair pair(profile, uses, "site.example", &worker);
      pair.shake_hands(1);
      ASSERT_TRUE(pair.established()) << pair.server_error.detail;
      EXPECT_EQ(pair.server.facts().resumed, resumed);
      EXPECT_FALSE(pair.server.facts().early);
      EXPECT_EQ(pair.server.in_handshake(), nullptr);
      EnginePair::decrypt(pair.client, std::exchange(pair.to_client, {}), SIZE_MAX);
      std::string asked = EnginePair::encrypt(pair.client, kGet);
      EXPECT_EQ(EnginePair::decrypt(pair.server, asked, SIZE_MAX), kGet);
    }
  }
}

TEST_F(TlsEarlyData, goes_with_neither_keys_of_a_file_nor_certificates_of_clients) {
  TlsServerOptions options = site.server;
  options.client_auth = ClientAuth::request;
  options.client_ca_file = site.client.ca_file;
  EXPECT_FALSE(TlsServerProfile::make(options));
  options = site.server;
  std::string key;
  for (int i = 0; i < 80; ++i) key += static_cast<char>(i + 1);
  auto keys = TicketKeys::from_file(site.folder.write("tickets.key", key));
  ASSERT_TRUE(keys);
  options.ticket_keys = *keys;
  EXPECT_FALSE(TlsServerProfile::make(options));
}

SpentTickets::Digest digest(std::uint32_t number) {
  SpentTickets::Digest made{};
  std::memcpy(made.data() + 1, &number, sizeof number);
  return made;
}

TEST(SpentTickets, are_good_once_for_as_long_as_they_could_come_again) {
  SpentTickets spent;
  std::int64_t begin = 1'000'000'000;
  for (std::int64_t at = begin; at < begin + 60; ++at) {
    SpentTickets::Digest ticket = digest(static_cast<std::uint32_t>(at - begin));
    EXPECT_TRUE(spent.spend(ticket, at));
    for (std::int64_t back = 0; back <= std::min<std::int64_t>(at - begin, 12); ++back) {
      auto number = static_cast<std::uint32_t>(at - begin - back);
      EXPECT_FALSE(spent.spend(digest(number), at)) << back;
    }
  }
}

TEST(SpentTickets, are_not_forgotten_by_a_clock_that_is_set_back) {
  SpentTickets spent;
  std::int64_t begin = 1'000'000'000;
  EXPECT_TRUE(spent.spend(digest(1), begin));
  EXPECT_TRUE(spent.spend(digest(2), begin + 1000));
  EXPECT_FALSE(spent.spend(digest(1), begin));
  EXPECT_FALSE(spent.spend(digest(3), begin)) << "nothing is known of that time any more";
  EXPECT_TRUE(spent.spend(digest(3), begin + 1000));
}

TEST(SpentTickets, are_bounded) {
  SpentTickets spent;
  std::int64_t now = 1'000'000'000;
  std::uint32_t number = 0;
  for (; number < SpentTickets::kMostPerShard; ++number) {
    ASSERT_TRUE(spent.spend(digest(number), now));
  }
  EXPECT_FALSE(spent.spend(digest(number), now));
  SpentTickets::Digest elsewhere = digest(number);
  elsewhere[0] = 1;
  EXPECT_TRUE(spent.spend(elsewhere, now));
  EXPECT_TRUE(spent.spend(digest(number), now + SpentTickets::kWindow));
}

}  // namespace
}  // namespace weir::test

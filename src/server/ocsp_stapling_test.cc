#include "server/ocsp_stapling.h"

#include <gtest/gtest.h>

#include "core/log.h"
#include "http/h1/scripted_origin.h"
#include "io/dns/config.h"
#include "io/tls/testing.h"

namespace weir::test {
namespace {

using namespace std::chrono_literals;

class OcspStaplingTest : public ::testing::Test {
 protected:
  OcspStaplingTest()
      : world_(1),
        loop_(world_.add_loop("10.0.0.1")),
        resolver_(loop_, std::make_shared<dns::Settings>(), 1),
        stapling_(loop_, resolver_, store_) {
    set_log_sink([this](std::string_view line) { log_ += line; });
    std::string cert = folder_.write("a.pem", certificate_.certificate_pem() + authority_.pem());
    set_ = *store_.make_set({{cert, folder_.write("a.key", certificate_.key_pem())}});
  }
  ~OcspStaplingTest() override {
    run(loop_, stapling_.finish());
    set_log_sink(nullptr);
    world_.stop_tasks();
    world_.run();
    responder_.reset();
    EXPECT_EQ(world_.check_clean(), "");
  }

  long now() { return loop_.wall_now() / 1'000'000'000; }
  static Script says(const std::string& body, std::string_view status = "200 OK") {
    std::string head = "HTTP/1.1 " + std::string(status) +
                       "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    return {read_head(), say(head + body), listen_on()};
  }
  void responder(std::vector<Script> scripts) {
    responder_ = std::make_unique<ScriptedOrigin>(world_, "10.0.0.9:80", std::move(scripts));
  }
  /// As the process does every two seconds.
  void live(Duration time) {
    for (Duration passed{}; passed < time; passed += 2s) {
      run(loop_, look(stapling_));
      world_.run_for(2s);
      store_.refresh();
    }
  }
  static Task<void> look(OcspStapling& stapling) {
    stapling.look();
    co_return;
  }
  bool stapled() { return set_->find("a.example", slots_)->ecdsa.staple != nullptr; }
  std::size_t asked() {
    return world_.network().accepted_at(*Address::parse("10.0.0.9:80")).size();
  }
  std::size_t logged(std::string_view code) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = log_.find(code, at)) != std::string::npos; ++at) ++count;
    return count;
  }

  SimWorld world_;
  SimLoop& loop_;
  TestFolder folder_;
  TestAuthority authority_;
  TestCertificate certificate_ =
      authority_.issue({.names = {"DNS:a.example"}, .responder = "http://10.0.0.9/"});
  CertificateStore store_;
  std::shared_ptr<const CertificateSet> set_;
  Slots slots_;
  dns::Resolver resolver_;
  OcspStapling stapling_;
  std::unique_ptr<ScriptedOrigin> responder_;
  std::string log_;
};

TEST_F(OcspStaplingTest, asks_again_at_half_of_an_answers_life) {
  std::string first = authority_.ocsp(certificate_, now(), now() + 1000);
  std::string second = authority_.ocsp(certificate_, now() + 400, now() + 5000);
  responder({says(first), says(second)});
  live(4s);
  ASSERT_TRUE(stapled());
  EXPECT_EQ(*set_->find("a.example", slots_)->ecdsa.staple, first);
  live(490s);
  EXPECT_EQ(*set_->find("a.example", slots_)->ecdsa.staple, first);
  live(12s);
  EXPECT_EQ(*set_->find("a.example", slots_)->ecdsa.staple, second);
  EXPECT_EQ(log_, "");
}

TEST_F(OcspStaplingTest, keeps_the_last_answer_until_it_is_out_of_date_and_tells_once) {
  responder({says(authority_.ocsp(certificate_, now(), now() + 1000)), says("busy", "503 No")});
  live(990s);
  EXPECT_TRUE(stapled());
  EXPECT_EQ(logged("ocsp_failed"), 1u);
  live(14s);
  EXPECT_FALSE(stapled());
  EXPECT_EQ(logged("ocsp_failed"), 1u);
  EXPECT_EQ(logged("ocsp_out_of_date"), 1u);
}

TEST_F(OcspStaplingTest, asks_ever_more_slowly_when_nothing_comes_of_it) {
  responder({says("nonsense")});
  live(25s);
  EXPECT_FALSE(stapled());
  live(3600s);
  EXPECT_EQ(logged("ocsp_failed"), 1u);
  std::string good = authority_.ocsp(certificate_, now(), now() + 100'000);
  responder_.reset();
  responder({says(good)});
  live(3600s);
  EXPECT_TRUE(stapled());
}

}  // namespace
}  // namespace weir::test

#include "io/tls/ocsp.h"

#include <gtest/gtest.h>

#include "io/tls/test_certificates.h"

namespace weir::test {
namespace {

constexpr long kNow = 1'900'000'000;

class OcspTest : public ::testing::Test {
 protected:
  /// The reason for which an answer is refused; empty if it is believed.
  std::string judge(const std::string& response, long now = kNow) {
    auto answer = check_ocsp_answer(*parsed_, response, now);
    return answer ? std::string() : answer.error();
  }

  TestAuthority authority_;
  TestCertificate certificate_ =
      authority_.issue({.names = {"DNS:a.example"}, .responder = "http://ocsp.example/a"});
  std::shared_ptr<const ServerCertificate> parsed_ = certificate_.parsed(authority_.pem());
};

TEST_F(OcspTest, asks_the_responder_that_the_certificate_names) {
  auto question = ocsp_question(*parsed_);
  ASSERT_TRUE(question);
  EXPECT_EQ(question->url, "http://ocsp.example/a");
  EXPECT_FALSE(question->request.empty());
  EXPECT_FALSE(ocsp_question(*certificate_.parsed()));  // without its issuer
  auto plain = authority_.issue({.names = {"DNS:a.example"}});
  EXPECT_FALSE(ocsp_question(*plain.parsed(authority_.pem())));
  auto secure = authority_.issue({.names = {"DNS:a.example"}, .responder = "https://ocsp.example"});
  EXPECT_FALSE(ocsp_question(*secure.parsed(authority_.pem())));
}

TEST_F(OcspTest, believes_the_issuer_while_the_answer_lives) {
  std::string response = authority_.ocsp(certificate_, kNow - 100, kNow + 100);
  auto answer = check_ocsp_answer(*parsed_, response, kNow);
  ASSERT_TRUE(answer) << answer.error();
  EXPECT_EQ(answer->this_update, kNow - 100);
  EXPECT_EQ(answer->next_update, kNow + 100);
  EXPECT_EQ(judge(response, kNow + 99), "");
  EXPECT_EQ(judge(response, kNow + 100), "it is out of date");
  EXPECT_EQ(judge(response, kNow - 400), "");
  EXPECT_EQ(judge(response, kNow - 401), "it is from the future");
}

TEST_F(OcspTest, believes_whom_the_issuer_allows_to_sign_and_nobody_else) {
  auto allowed = authority_.issue({.common_name = "responder", .signs_ocsp = true});
  auto other = authority_.issue({.common_name = "somebody"});
  auto sign = [&](const TestCertificate& by) {
    return authority_.ocsp(certificate_, kNow - 1, kNow + 1, V_OCSP_CERTSTATUS_GOOD, &by);
  };
  EXPECT_EQ(judge(sign(allowed)), "");
  EXPECT_EQ(judge(sign(other)), "its signature is not the issuer's");
  TestAuthority stranger("Other CA");
  EXPECT_EQ(judge(sign(stranger.issue({.common_name = "x", .signs_ocsp = true}))),
            "its signature is not the issuer's");
}

TEST_F(OcspTest, refuses_what_is_not_a_good_answer_about_this_certificate) {
  EXPECT_EQ(judge(authority_.ocsp(certificate_, kNow - 1, kNow + 1, V_OCSP_CERTSTATUS_REVOKED)),
            "the certificate is revoked");
  auto other = authority_.issue({.names = {"DNS:a.example"}});
  EXPECT_EQ(judge(authority_.ocsp(other, kNow - 1, kNow + 1)), "it is about another certificate");
  EXPECT_EQ(judge(""), "no OCSP response");
  std::string response = authority_.ocsp(certificate_, kNow - 1, kNow + 1);
  EXPECT_NE(judge(response.substr(0, response.size() / 2)), "");
  response[60] ^= 1;  // in what is signed; certificates that come along may say anything
  EXPECT_NE(judge(response), "");
  EXPECT_EQ(judge(std::string("\x30\x03\x0a\x01\x03", 5)), "the responder says trylater");
}

}  // namespace
}  // namespace weir::test

// The store of certificates: found by name, swapped one by one.
#include "io/tls/certificates.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include "io/tls/testing.h"

namespace weir::test {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WEIR_OTHER_ALLOCATOR
#endif
#endif

class CertificateStoreTest : public ::testing::Test {
 protected:
  CertificateFiles write(const std::string& name, const TestCertificate& made,
                         std::string_view issuers = {}) {
    return {folder.write(name + ".pem", made.certificate_pem() + std::string(issuers)),
            folder.write(name + ".key", made.key_pem())};
  }
  CertificateFiles issue(const std::string& name, const Wish& wish) {
    return write(name, authority.issue(wish));
  }
  std::shared_ptr<const CertificateSet> make(std::vector<CertificateFiles> files) {
    auto made = store.make_set(std::move(files));
    EXPECT_TRUE(made) << made.error().front().file << ": " << made.error().front().reason;
    return made ? *made : nullptr;
  }
  // The first name of what is shown for `name`: of the ECDSA kind, then of RSA.
  std::string found(const CertificateSource& set, std::string_view name) {
    const CertificateChoice* choice = set.find(name, worker);
    if (choice == nullptr) return "nothing";
    std::string text;
    for (const ShownCertificate* each : {&choice->ecdsa, &choice->rsa}) {
      if (each->certificate == nullptr) continue;
      text += (text.empty() ? "" : " and ") + each->certificate->names().front();
    }
    return text;
  }

  TestFolder folder;
  TestAuthority authority;
  CertificateStore store;
  Slots worker;
};

TEST_F(CertificateStoreTest, finds_an_exact_name_then_a_wildcard_then_the_first) {
  auto set = make({issue("default", {.names = {"DNS:default.example"}}),
                   issue("wild", {.names = {"DNS:*.wild.example"}}),
                   issue("exact", {.names = {"DNS:a.wild.example", "DNS:Upper.Example"}})});
  EXPECT_EQ(found(*set, "a.wild.example"), "a.wild.example");
  EXPECT_EQ(found(*set, "b.wild.example"), "*.wild.example");
  EXPECT_EQ(found(*set, "a.b.wild.example"), "default.example");
  EXPECT_EQ(found(*set, "wild.example"), "default.example");
  EXPECT_EQ(found(*set, ".wild.example"), "default.example");
  EXPECT_EQ(found(*set, "upper.example"), "a.wild.example");
  EXPECT_EQ(found(*set, ""), "default.example");
  EXPECT_EQ(found(*make({}), "a.example"), "nothing");
}

TEST_F(CertificateStoreTest, has_rsa_and_ecdsa_side_by_side) {
  auto set = make({issue("rsa", {.names = {"DNS:both.example"}, .key = KeyKind::rsa}),
                   issue("ec", {.names = {"DNS:both.example"}}),
                   issue("second", {.names = {"DNS:both.example", "DNS:second.example"}})});
  const CertificateChoice* choice = set->find("both.example", worker);
  EXPECT_TRUE(choice->rsa.certificate->rsa());
  EXPECT_FALSE(choice->ecdsa.certificate->rsa());
  EXPECT_EQ(choice->ecdsa.certificate->names().size(), 1u) << "the first of a kind";
  EXPECT_EQ(found(*set, "unknown.example"), "both.example and both.example");
}

TEST_F(CertificateStoreTest, takes_the_common_name_when_there_is_no_other) {
  auto set = make({issue("old", {.common_name = "Old.example"})});
  EXPECT_EQ(found(*set, "old.example"), "old.example");
}

TEST_F(CertificateStoreTest, reads_a_pair_once_for_all_listeners_and_forgets_what_nobody_uses) {
  CertificateFiles a = issue("a", {.names = {"DNS:a.example"}});
  CertificateFiles b = issue("b", {.names = {"DNS:b.example"}});
  auto one = make({a});
  auto two = make({a, b});
  EXPECT_EQ(store.size(), 2u);
  EXPECT_EQ(one->find("a.example", worker)->ecdsa.certificate,
            two->find("a.example", worker)->ecdsa.certificate);
  EXPECT_EQ(make({a, b}), two) << "a reload that changes nothing";
  two.reset();
  make({a});
  EXPECT_EQ(store.size(), 1u);
}

TEST_F(CertificateStoreTest, swaps_one_certificate_when_its_files_change) {
  CertificateFiles a = issue("a", {.names = {"DNS:a.example"}});
  auto set = make({a, issue("b", {.names = {"DNS:b.example"}})});
  auto before = set->find("a.example", worker)->ecdsa.certificate;
  auto other = set->find("b.example", worker)->ecdsa.certificate;
  EXPECT_EQ(store.refresh().swapped, 0u);
  EXPECT_EQ(set->find("a.example", worker)->ecdsa.certificate, before);
  issue("a", {.names = {"DNS:a.example", "DNS:new.example"}});
  CertificateStore::Refreshed refreshed = store.refresh();
  EXPECT_EQ(refreshed.swapped, 1u);
  EXPECT_TRUE(refreshed.problems.empty());
  EXPECT_NE(set->find("a.example", worker)->ecdsa.certificate, before);
  EXPECT_EQ(found(*set, "new.example"), "a.example");
  EXPECT_EQ(set->find("b.example", worker)->ecdsa.certificate, other);
}

TEST_F(CertificateStoreTest, keeps_the_old_one_when_the_new_is_broken_and_says_so_once) {
  CertificateFiles a = issue("a", {.names = {"DNS:a.example"}});
  auto set = make({a});
  auto before = set->find("a.example", worker)->ecdsa.certificate;
  folder.write("a.pem", "-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n");
  EXPECT_TRUE(store.refresh().problems.empty()) << "perhaps it is being replaced just now";
  CertificateStore::Refreshed second = store.refresh();
  ASSERT_EQ(second.problems.size(), 1u);
  EXPECT_EQ(second.problems[0].file, a.certificate);
  EXPECT_EQ(set->find("a.example", worker)->ecdsa.certificate, before);
  EXPECT_TRUE(store.refresh().problems.empty());
  std::filesystem::remove(a.certificate);
  store.refresh();
  second = store.refresh();
  ASSERT_EQ(second.problems.size(), 1u);
  EXPECT_EQ(second.problems[0].reason, "No such file or directory");
  issue("a", {.names = {"DNS:again.example"}});
  EXPECT_EQ(store.refresh().swapped, 1u);
  EXPECT_EQ(found(*set, ""), "again.example");
}

TEST_F(CertificateStoreTest, waits_for_the_second_of_two_files_that_are_replaced) {
  CertificateFiles a = issue("a", {.names = {"DNS:a.example"}});
  auto set = make({a});
  TestCertificate next = authority.issue({.names = {"DNS:next.example"}});
  folder.write("a.pem", next.certificate_pem());
  EXPECT_TRUE(store.refresh().problems.empty());
  folder.write("a.key", next.key_pem());
  CertificateStore::Refreshed refreshed = store.refresh();
  EXPECT_EQ(refreshed.swapped, 1u);
  EXPECT_TRUE(refreshed.problems.empty());
  EXPECT_EQ(found(*set, ""), "next.example");
}

TEST_F(CertificateStoreTest, tells_every_problem_of_every_file) {
  CertificateFiles good = issue("good", {.names = {"DNS:a.example"}});
  CertificateFiles other = issue("other", {.names = {"DNS:b.example"}});
  CertificateFiles weak = issue("weak", {.names = {"DNS:c.example"}, .key = KeyKind::weak_rsa});
  std::string no_key = folder.write("no.key", "nothing\n");
  std::string locked = folder.write(
      "locked.key",
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
  auto made = store.make_set({good,
                              {good.certificate, other.key},
                              {good.certificate, no_key},
                              {good.certificate, locked},
                              {folder.path("none"), good.key},
                              {good.key, good.key},
                              weak});
  ASSERT_FALSE(made);
  ASSERT_EQ(made.error().size(), 6u);
  EXPECT_EQ(made.error()[0].file, other.key);
  EXPECT_EQ(made.error()[0].reason, "the key does not belong to the certificate");
  EXPECT_EQ(made.error()[1].file, no_key);
  EXPECT_TRUE(made.error()[1].reason.starts_with("no private key")) << made.error()[1].reason;
  EXPECT_EQ(made.error()[2].reason, "an encrypted key");
  EXPECT_EQ(made.error()[3].file, folder.path("none"));
  EXPECT_TRUE(made.error()[4].reason.starts_with("no certificate")) << made.error()[4].reason;
  EXPECT_EQ(made.error()[5].reason, "ee key too small");
}

TEST_F(CertificateStoreTest, shares_issuers_between_certificates) {
  TestAuthority middle("Intermediate", &authority);
  auto set = make({write("a", middle.issue({.names = {"DNS:a.example"}}), middle.pem()),
                   write("b", middle.issue({.names = {"DNS:b.example"}}), middle.pem())});
  X509* a = set->find("a.example", worker)->ecdsa.certificate->issuer();
  EXPECT_NE(a, nullptr);
  EXPECT_EQ(set->find("b.example", worker)->ecdsa.certificate->issuer(), a);
}

TEST_F(CertificateStoreTest, shows_a_staple_from_the_next_refresh_until_the_swap) {
  auto set = make({issue("a", {.names = {"DNS:a.example"}})});
  auto certificate = store.in_use().at(0).certificate;
  store.staple(*certificate, "response");
  store.refresh();
  EXPECT_EQ(*set->find("a.example", worker)->ecdsa.staple, "response");
  store.staple(*certificate, "");
  store.refresh();
  EXPECT_EQ(set->find("a.example", worker)->ecdsa.staple, nullptr);
  store.staple(*certificate, "response");
  issue("a", {.names = {"DNS:a.example"}});
  store.refresh();
  EXPECT_EQ(set->find("a.example", worker)->ecdsa.staple, nullptr);
}

// What one more certificate costs, with its key, its names and its place in the index. The files'
// own bytes are about 1 KiB.
TEST_F(CertificateStoreTest, takes_few_bytes_for_each_certificate) {
#ifdef WEIR_OTHER_ALLOCATOR
  GTEST_SKIP() << "another allocator";
#endif
  constexpr std::size_t kCount = 500;
  std::vector<CertificateFiles> files;
  TestAuthority middle("Intermediate", &authority);
  for (std::size_t i = 0; i < kCount; ++i) {
    std::string name = "site" + std::to_string(i) + ".example";
    files.push_back(
        write(name, middle.issue({.names = {"DNS:" + name, "DNS:www." + name}}), middle.pem()));
  }
  CertificateStore warm;
  (void)warm.make_set({files.front()});
  std::size_t before = ::mallinfo2().uordblks;
  auto set = make(files);
  std::size_t each = (::mallinfo2().uordblks - before) / kCount;
  std::cout << "bytes for each ECDSA certificate: " << each << "\n";
  EXPECT_LT(each, 12'000u);
}

}  // namespace
}  // namespace weir::test

#include "app/purge.h"

#include <gmock/gmock.h>

#include "server/sim_server.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

class Silent final : public ExchangeObserver {
  void exchange_ended(Exchange&) override {}
};

class PurgeTest : public ::testing::Test {
 protected:
  PurgeTest() {
    test::apply(world_, server_,
                "workers: 1\naccess_log: off\nadmin: off\nlisteners: [\"10.0.0.1:80\"]\n"
                "routes: [{ use: [{ cache: { name: pages, lifetimes: { 200: 1m } } }], respond: { "
                "body: hello, headers: { Surrogate-Key: \"all one\" } } }]\n");
  }
  ~PurgeTest() override {
    test::drain(world_, server_);
    for (std::size_t i = 0; i < world_.loops(); ++i) world_.loop(i).slots().clear();
  }
  bool hits(std::string_view path) {
    return client_.get("10.0.0.1:80", path).find("weir; hit") != std::string::npos;
  }

  SimWorld world_{1};
  test::SimHost host_{world_, [](Loop&) { return std::make_unique<Silent>(); }};
  Server server_{world_.network(), host_};
  test::SimClient client_{world_};
};

TEST_F(PurgeTest, FindsAnAddressHoweverItIsWritten) {
  EXPECT_FALSE(hits("/a"));
  EXPECT_TRUE(hits("/a"));
  ControlAnswer answer = answer_purge(server_, {.url = "http://A.test/x/../a"});
  EXPECT_TRUE(answer.ok);
  EXPECT_EQ(answer.text, "1 response\n");
  EXPECT_EQ(answer.data, "{\"purged\":1}");
  EXPECT_FALSE(hits("/a"));
}

TEST_F(PurgeTest, FindsPrefixesAndTags) {
  for (const char* path : {"/a/1", "/a/2", "/b"}) hits(path);
  EXPECT_EQ(answer_purge(server_, {.prefix = "http://a.test/a/"}).text, "2 responses\n");
  EXPECT_EQ(answer_purge(server_, {.tag = "two"}).text, "0 responses\n");
  EXPECT_EQ(answer_purge(server_, {.tag = "one", .cache = "pages"}).text, "1 response\n");
  EXPECT_FALSE(hits("/b"));
}

TEST_F(PurgeTest, RefusesWhatItDoesNotUnderstand) {
  EXPECT_FALSE(answer_purge(server_, {}).ok);
  EXPECT_FALSE(answer_purge(server_, {.url = "/a"}).ok);
  EXPECT_FALSE(answer_purge(server_, {.url = "http://a.test/", .tag = "one"}).ok);
  EXPECT_THAT(answer_purge(server_, {.tag = "one", .cache = "other"}).text,
              HasSubstr("no cache \"other\""));
}

TEST_F(PurgeTest, TravelsAsARequest) {
  PurgeOrder order{.prefix = "http://a.test/", .cache = "pages", .soft = true};
  PurgeOrder read = purge_order(to_request(order));
  EXPECT_EQ(read.prefix, order.prefix);
  EXPECT_EQ(read.cache, "pages");
  EXPECT_TRUE(read.soft);
}

}  // namespace
}  // namespace weir

#include "middleware/early_hints.h"

#include "http/chain_testing.h"
#include "http/testing.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

class Client final : public InterimSink {
 public:
  Task<Status> send_interim(const Response& interim) override {
    got += std::to_string(interim.status) + "\n";
    for (const Header& each : interim.headers) {
      got += std::string(each.name()) + ": " + std::string(each.value()) + "\n";
    }
    co_return Status();
  }
  std::string got;
};

class EarlyHintsTest : public ::testing::Test {
 protected:
  EarlyHintsTest() : chain_(middleware_, page_) {
    world_.add_loop();
    chain_.interim_sink = &client_;
  }
  std::string hints(test::Asked asked = {}) {
    client_.got.clear();
    test::Answer answer =
        test::run(world_.loop(0), test::answer_of(world_.loop(0), chain_, std::move(asked)));
    EXPECT_EQ(answer.status, 200);
    return client_.got;
  }
  SimWorld world_{1};
  EarlyHintsMiddleware middleware_{
      EarlyHintsConfig{.links = {"</a.css>; rel=preload; as=style", "</b>; rel=preconnect"}}};
  test::Page page_;
  Client client_;
  test::Chain chain_;
};

TEST_F(EarlyHintsTest, all_links_go_out_before_the_page) {
  EXPECT_EQ(hints(), "103\nLink: </a.css>; rel=preload; as=style\nLink: </b>; rel=preconnect\n");
}

TEST_F(EarlyHintsTest, only_where_a_page_may_follow) {
  EXPECT_EQ(hints({.method = "POST"}), "");
  EXPECT_EQ(hints({.method = "HEAD"}), "");
  EXPECT_EQ(hints({.upgrade = "websocket"}), "");
  EXPECT_EQ(hints({.version = Version::http_1_0}), "");
  EXPECT_EQ(hints({.headers = {{"Sec-Fetch-Mode", "cors"}}}), "");
  EXPECT_NE(hints({.headers = {{"Sec-Fetch-Mode", "navigate"}}}), "");
  EXPECT_NE(hints({.version = Version::http_2}), "");
  chain_.interim_sink = nullptr;
  EXPECT_EQ(hints(), "") << "nobody is there to be told";
}

TEST(EarlyHintsConfigTest, a_link_is_what_the_field_may_hold) {
  EXPECT_FALSE(check_link("</style.css>; rel=preload"));
  EXPECT_FALSE(check_link("<https://cdn.example/>; rel=preconnect"));
  for (const char* bad : {"/style.css", "</style.css", "</style.css>", " </a>; rel=preload",
                          "</a>; rel=preload\r\nX: y"}) {
    EXPECT_TRUE(check_link(bad)) << bad;
  }
}

}  // namespace
}  // namespace weir

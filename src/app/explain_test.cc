#include "app/explain.h"

#include <gmock/gmock.h>

#include "app/loaded_config.h"
#include "io/sim/loop.h"

namespace weir {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kShop = R"(listeners:
  - { address: ":8080", name: front, trusted_proxies: [10.0.0.0/8] }
  - address: ":8081"
    routes:
      - redirect: "https://shop.example${path}"
routes:
  - { name: write, match: { host: shop.example, path: /api/*, method: [POST, PUT] }, reverse_proxy: api }
  - { name: team, match: { host: shop.example, header: { X-Team: a, X-Any: "*" } }, respond: 204 }
  - { name: office, match: { host: shop.example, when: 'client_ip in 192.0.2.0/24' }, respond: 204 }
  - { name: pages, match: { host: [other.test, shop.example, "*.example"] }, use: [], respond: hello }
upstreams:
  api: { endpoints: ["10.0.0.1:80", "api.example:81"] }
)";

class ExplainTest : public testing::Test {
 protected:
  ExplainTest() {
    config::Diagnostics diagnostics;
    auto config = load_config({"", kShop}, diagnostics);
    if (config) snapshot_ = compile_config(std::move(*config), diagnostics);
    EXPECT_TRUE(snapshot_) << diagnostics.render();
  }
  ControlAnswer ask(ExplainQuestion question) {
    return explain({*snapshot_, "shop.yaml", {}}, question, world_.add_loop());
  }
  std::string text(std::string request, std::vector<std::string> headers = {}) {
    ControlAnswer answer = ask({std::move(request), std::move(headers), {}, {}});
    EXPECT_TRUE(answer.ok) << answer.text;
    return answer.text;
  }

  SimWorld world_{1};
  std::unique_ptr<Snapshot> snapshot_;
};

TEST_F(ExplainTest, tells_listener_route_and_handler) {
  EXPECT_EQ(text("POST http://shop.example:8080/api/x"),
            "POST http://shop.example:8080/api/x from 127.0.0.1\n"
            "\n"
            "listener front (shop.yaml:2)\n"
            "  route write (shop.yaml:7)\n"
            "  answered by reverse_proxy to upstream api [10.0.0.1:80, api.example:81]\n"
            "  other routes:\n"
            "    team (shop.yaml:8): the header X-Team is not \"a\", there is no header X-Any\n"
            "    office (shop.yaml:9): `client_ip in 192.0.2.0/24` is false\n"
            "    pages (shop.yaml:10): it matches too, but the chosen one is more specific\n");
}

TEST_F(ExplainTest, tells_which_conditions_do_not_hold) {
  EXPECT_THAT(text("http://shop.example:8080/api/x"),
              HasSubstr("write (shop.yaml:7): the method is not POST or PUT\n"));
  EXPECT_THAT(text("http://shop.example:8080/api/x", {"X-Team: b", "x-any: 1"}),
              HasSubstr("team (shop.yaml:8): the header X-Team is not \"a\"\n"));
  EXPECT_THAT(text("http://shop.example:8080/api/x", {"X-Team: a", "x-any: 1"}),
              HasSubstr("  route team (shop.yaml:8)\n"));
}

TEST_F(ExplainTest, tells_hosts_and_paths_that_do_not_match) {
  std::string page = text("http://a.example:8080/");
  EXPECT_THAT(page, HasSubstr("  route pages (shop.yaml:10)\n"));
  EXPECT_THAT(page, HasSubstr("write (shop.yaml:7): the host is not shop.example\n"));
  EXPECT_THAT(text("http://shop.example:8080/apix"),
              HasSubstr("write (shop.yaml:7): the path is not /api/*\n"));
}

TEST_F(ExplainTest, tells_that_no_route_matches) {
  std::string nothing = text("http://elsewhere.test:8080/");
  EXPECT_THAT(nothing, HasSubstr("  no route matches: 404 (no_route)\n"));
  EXPECT_THAT(
      nothing,
      HasSubstr("pages (shop.yaml:10): the host is not other.test or shop.example or *.example"));
}

TEST_F(ExplainTest, normalises_the_path_before_it_matches) {
  EXPECT_THAT(text("POST http://SHOP.example.:8080/x/../api//%61"), HasSubstr("  route write"));
}

TEST_F(ExplainTest, tells_what_weir_would_refuse) {
  EXPECT_THAT(text("http://shop.example:8080/a%2fb"),
              HasSubstr("refuses it with 400 (bad_target)"));
  EXPECT_THAT(text("/", {"Host: a b"}), HasSubstr("refuses it with 400 (bad_host)"));
}

TEST_F(ExplainTest, takes_the_host_from_a_header_first) {
  EXPECT_THAT(text("http://127.0.0.1:8080/", {"Host: shop.example"}), HasSubstr("  route pages"));
  EXPECT_THAT(text("/", {"Host: shop.example:8080"}), HasSubstr("  route pages"));
}

TEST_F(ExplainTest, chooses_the_listener_by_port_or_by_name) {
  std::string second = text("http://shop.example:8081/x");
  EXPECT_THAT(second, HasSubstr("answered by redirect 308 to https://shop.example${path}"));
  EXPECT_THAT(second, Not(HasSubstr("front")));
  std::string all = text("https://shop.example/x");
  EXPECT_THAT(all, HasSubstr("no listener has port 443; what each of them would do:"));
  EXPECT_THAT(all, HasSubstr("listener front"));
  EXPECT_THAT(all, HasSubstr("listener :8081"));
  EXPECT_THAT(ask({"https://shop.example/x", {}, "front", {}}).text, Not(HasSubstr(":8081")));
  ControlAnswer unknown = ask({"/", {}, "frnt", {}});
  EXPECT_FALSE(unknown.ok);
  EXPECT_THAT(unknown.text, HasSubstr("did you mean \"front\"?"));
}

TEST_F(ExplainTest, believes_trusted_proxies_as_the_listener_does) {
  std::vector<std::string> forwarded = {"X-Forwarded-For: 192.0.2.9"};
  EXPECT_THAT(ask({"http://shop.example:8080/", forwarded, {}, "10.0.0.9"}).text,
              HasSubstr("  route office"));
  EXPECT_THAT(ask({"http://shop.example:8080/", forwarded, {}, "11.0.0.9"}).text,
              HasSubstr("  route pages"));
}

TEST(ExplainSplit, tells_shares_and_conditions) {
  config::Diagnostics diagnostics;
  auto config = load_config({"", R"(listeners: [":8080"]
routes:
  - reverse_proxy:
      split:
        - { upstream: api, weight: 19 }
        - { upstream: canary, when: 'header.x-canary == "yes"' }
      sticky: cookie.user
upstreams:
  api: { endpoints: "10.0.0.1:80" }
  canary: { endpoints: "10.0.0.2:80" }
)"},
                            diagnostics);
  ASSERT_TRUE(config) << diagnostics.render();
  auto snapshot = compile_config(std::move(*config), diagnostics);
  ASSERT_TRUE(snapshot) << diagnostics.render();
  SimWorld world(1);
  auto text = [&](std::vector<std::string> headers) {
    return explain({*snapshot, "shop.yaml", {}}, {"http://a.test:8080/", headers, {}, {}},
                   world.add_loop())
        .text;
  };
  EXPECT_THAT(text({}), HasSubstr("answered by reverse_proxy split, by cookie.user: 95 % to api "
                                  "[10.0.0.1:80], 5 % to canary [10.0.0.2:80]\n"));
  EXPECT_THAT(text({"X-Canary: yes"}),
              HasSubstr("answered by reverse_proxy to upstream canary [10.0.0.2:80], because "
                        "`header.x-canary == \"yes\"` is true\n"));
}

TEST_F(ExplainTest, gives_programs_the_same_as_json) {
  ControlAnswer answer = ask({"http://shop.example:8080/", {}, {}, {}});
  EXPECT_EQ(answer.data,
            R"({"listeners":[{"listener":"front","route":"pages","handler":"respond"}]})");
}

TEST_F(ExplainTest, refuses_questions_that_are_none) {
  for (ExplainQuestion question :
       {ExplainQuestion{"", {}, {}, {}}, ExplainQuestion{"G@T /", {}, {}, {}},
        ExplainQuestion{"/", {"no colon"}, {}, {}}, ExplainQuestion{"/", {"A: \r\nb"}, {}, {}},
        ExplainQuestion{"/", {}, {}, "nowhere"}}) {
    EXPECT_FALSE(ask(question).ok) << question.request;
  }
}

TEST(ExplainQuestion, survives_the_way_over_the_control_socket) {
  ExplainQuestion question{"GET /", {"A: b", "C: d"}, "front", "10.0.0.1"};
  ExplainQuestion read = ExplainQuestion::from(*decode_request(encode(question.to_request())));
  EXPECT_EQ(read.request, question.request);
  EXPECT_EQ(read.headers, question.headers);
  EXPECT_EQ(read.listener, question.listener);
  EXPECT_EQ(read.client, question.client);
}

}  // namespace
}  // namespace weir

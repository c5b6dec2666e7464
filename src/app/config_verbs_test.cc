#include "app/config_verbs.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

ApiRequest asked(const std::string& verb, const ConfigVerb& what) {
  auto request = to_request(verb, what);
  EXPECT_TRUE(request);
  auto read = decode_request(encode(*request));
  EXPECT_TRUE(read);
  return to_api(*read);
}

TEST(ConfigVerbs, become_requests_of_the_api) {
  ApiRequest get = asked("config get", {.path = "upstreams/a b", .brief = true});
  EXPECT_EQ(get.method, Method::get);
  EXPECT_EQ(get.path, "/config/upstreams/a%20b");
  EXPECT_EQ(get.query, "defaults=no");
  EXPECT_EQ(asked("config get", {}).path, "/config");
  EXPECT_EQ(asked("config get", {.path = "/"}).path, "/config");
  ApiRequest unset = asked("config unset", {.path = "/zone", .dry_run = true});
  EXPECT_EQ(unset.method, Method::delete_);
  EXPECT_EQ(unset.query, "dry_run");
  EXPECT_EQ(asked("config diff", {}).path, "/versions/latest/diff");
  ApiRequest diff = asked("config diff", {.version = "7", .from = "3"});
  EXPECT_EQ(diff.path + "?" + diff.query, "/versions/7/diff?from=3");
  EXPECT_EQ(asked("config rollback", {.version = "3"}).method, Method::post);
  ApiRequest endpoint =
      asked("endpoint", {.upstream = "api", .endpoint = "unix:/run/a", .state = "x"});
  EXPECT_EQ(endpoint.path, "/endpoints/api/unix:~1run~1a");
  EXPECT_EQ(endpoint.body, R"({"state":"x"})");
}

TEST(ConfigVerbs, take_json_for_json_and_anything_else_for_a_text) {
  auto body = [](std::string value) {
    return asked("config set", {.path = "/a", .value = std::move(value)}).body;
  };
  EXPECT_EQ(body("5"), "5");
  EXPECT_EQ(body(R"({"a": [1]})"), R"({"a": [1]})");
  EXPECT_EQ(body("30s"), "\"30s\"");
  EXPECT_EQ(body("say \"hi\""), R"("say \"hi\"")");
  EXPECT_EQ(asked("config patch", {.path = "/a", .value = "{}"}).method, Method::patch);
}

TEST(ConfigVerbs, say_what_came_of_it) {
  auto text = [](std::uint16_t status, std::string body) {
    return to_control({status, std::move(body), {}, 0, {}});
  };
  ControlAnswer done = text(200, R"({"version": 4, "changed": true, "dry_run": false,
      "differences": [{"path": "/zone", "new": "a"}], "problems": []})");
  EXPECT_TRUE(done.ok);
  EXPECT_EQ(done.text, "/zone: nothing -> \"a\"\nversion 4 is in force\n");
  ControlAnswer refused = text(422, R"({"error": {"code": "config_refused", "message": "No."},
      "problems": [{"severity": "error", "code": "W1203", "path": "/zonne", "message": "unknown",
                    "help": "did you mean zone"}]})");
  EXPECT_FALSE(refused.ok);
  EXPECT_EQ(refused.text, "/zonne: error W1203: unknown\n      help: did you mean zone\nNo.\n");
  EXPECT_EQ(text(200, "\"one\"\n").text, "\"one\"\n");
}

}  // namespace
}  // namespace weir

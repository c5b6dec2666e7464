#include "admin/config_change.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

using Kind = ConfigChange::Kind;

const char* const kDocument = R"({
  "listeners": [{"address": ":80", "name": "web"}, {"address": ":81"}],
  "upstreams": {"api": {"endpoints": [{"address": "10.0.0.1:80"}, {"address": "unix:/run/a", "weight": 3}],
                        "breaker": {"max_requests": 5}}},
  "stores": {"main": {"redis": {"address": "10.0.0.9:1", "password": "s3cret"}}}
})";

Json document() { return *config::read_json(kDocument); }
Json shown() {
  Json value = document();
  value["stores"]["main"]["redis"]["password"] = kRedacted;
  return value;
}

std::expected<Json, Refusal> make(Kind kind, std::string_view path, std::string_view value = "0") {
  return changed(document(), shown(), {kind, *parse_config_path(path), *config::read_json(value)});
}
Json at(const std::expected<Json, Refusal>& result, std::string_view path) {
  if (!result) return "refused: " + result.error().message;
  const Json* found = find_value(*result, *parse_config_path(path));
  return found != nullptr ? *found : Json("absent");
}

TEST(ConfigPath, reads_pointers_out_of_urls) {
  using Steps = std::vector<std::string>;
  EXPECT_EQ(parse_config_path(""), Steps{});
  EXPECT_EQ(parse_config_path("/"), Steps{});
  EXPECT_EQ(parse_config_path("/a/b%20c/~1d~0/"), (Steps{"a", "b c", "/d~"}));
  for (const char* broken : {"a", "/a//b", "/%2", "/%zz", "/~", "/~2"}) {
    EXPECT_EQ(parse_config_path(broken), std::nullopt) << broken;
  }
}

TEST(ConfigPath, finds_entries_of_lists_by_number_name_and_address) {
  Json from = document();
  auto value = [&](std::string_view path) { return find_value(from, *parse_config_path(path)); };
  EXPECT_EQ(value("/listeners/web"), value("/listeners/0"));
  EXPECT_EQ(value("/listeners/:81"), value("/listeners/1"));
  EXPECT_EQ(*value("/upstreams/api/endpoints/unix:~1run~1a/weight"), 3);
  EXPECT_EQ(value("/listeners/:80"), nullptr) << "it has a name";
  EXPECT_EQ(value("/listeners/2"), nullptr);
  EXPECT_EQ(value("/upstreams/api/endpoints/0/address/x"), nullptr);
}

TEST(ConfigChange, puts_a_value_in_the_place_of_another) {
  EXPECT_EQ(at(make(Kind::put, "/upstreams/api/endpoints/1/weight", "7"),
               "/upstreams/api/endpoints/1/weight"),
            7);
  EXPECT_EQ(at(make(Kind::put, "/listeners/web", R"({"address": ":8080"})"), "/listeners/0"),
            Json({{"address", ":8080"}}));
}

TEST(ConfigChange, makes_the_objects_on_the_way) {
  EXPECT_EQ(at(make(Kind::put, "/upstreams/api/pool/max_idle", "7"), "/upstreams/api/pool"),
            Json({{"max_idle", 7}}));
  EXPECT_EQ(
      at(make(Kind::put, "/upstreams/new", R"({"endpoints": []})"), "/upstreams/new/endpoints"),
      Json::array());
}

TEST(ConfigChange, appends_to_lists_and_invents_no_entries) {
  for (const char* step : {"-", "2", "10.0.0.3:80"}) {
    EXPECT_EQ(at(make(Kind::put, std::string("/upstreams/api/endpoints/") + step,
                      R"({"address": "10.0.0.3:80"})"),
                 "/upstreams/api/endpoints/2/address"),
              "10.0.0.3:80");
  }
  EXPECT_EQ(make(Kind::put, "/upstreams/api/endpoints/5", "\"a:1\"").error().status, 404);
  EXPECT_EQ(make(Kind::put, "/listeners/nobody/name", "\"a\"").error().status, 404);
}

TEST(ConfigChange, merges_a_patch) {
  auto result = make(Kind::merge, "/upstreams/api",
                     R"({"breaker": null, "pool": {"max_idle": 1}, "endpoints": ["a:1"]})");
  EXPECT_EQ(at(result, "/upstreams/api"),
            *config::read_json(R"({"endpoints": ["a:1"], "pool": {"max_idle": 1}})"));
  EXPECT_EQ(at(make(Kind::merge, "/upstreams/api/endpoints/0", R"({"weight": 2})"),
               "/upstreams/api/endpoints/0"),
            *config::read_json(R"({"address": "10.0.0.1:80", "weight": 2})"));
  EXPECT_EQ(at(make(Kind::merge, "", R"({"listeners": null})"), "/listeners"), "absent");
}

// The examples of RFC 7396, appendix A.
TEST(MergePatch, does_what_the_rfc_says) {
  const char* const cases[][3] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", "null", "null"},
      {R"({"a":"foo"})", "\"bar\"", "\"bar\""},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const auto& each : cases) {
    Json target = *config::read_json(each[0]);
    merge_patch(target, *config::read_json(each[1]));
    EXPECT_EQ(target.dump(), each[2]) << each[0] << " " << each[1];
  }
}

TEST(ConfigChange, removes_what_is_there) {
  EXPECT_EQ(at(make(Kind::remove, "/upstreams/api/breaker"), "/upstreams/api/breaker"), "absent");
  EXPECT_EQ(at(make(Kind::remove, "/listeners/web"), "/listeners/0/address"), ":81");
  EXPECT_EQ(make(Kind::remove, "/upstreams/api/pool").error().status, 404);
  EXPECT_EQ(make(Kind::remove, "").error().status, 400);
}

TEST(ConfigChange, gives_secrets_back_that_clients_have_never_seen) {
  auto whole = changed(document(), shown(), {Kind::put, {}, shown()});
  EXPECT_EQ(at(whole, "/stores/main/redis/password"), "s3cret");
  EXPECT_EQ(at(make(Kind::merge, "/stores/main", R"({"redis": {"password": "<redacted>"}})"),
               "/stores/main/redis/password"),
            "s3cret");
  EXPECT_EQ(at(make(Kind::merge, "/stores/main", R"({"redis": {"password": "new"}})"),
               "/stores/main/redis/password"),
            "new");
  auto refused = make(Kind::put, "/stores/other", R"({"redis": {"password": "<redacted>"}})");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "unknown_secret");
}

// Else a client could have a secret put where clients are shown it.
TEST(ConfigChange, gives_a_secret_back_in_its_own_place_only) {
  auto moved = make(Kind::put, "/stores/main/redis/user", "\"<redacted>\"");
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, "unknown_secret");
}

}  // namespace
}  // namespace weir

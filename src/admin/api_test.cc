#include "admin/api.h"

#include <gmock/gmock.h>

#include "admin/admin.h"
#include "admin/switch_testing.h"

namespace weir {
namespace {

using config::Json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kAdmin = "127.0.0.1:9901";
constexpr std::string_view kConfig = R"(
workers: 2
admin: 127.0.0.1:9901
listeners: [{ name: main, address: "10.0.0.1:80" }]
routes: [{ name: hello, respond: hello }, { match: { path: /api/* }, reverse_proxy: api }]
upstreams: { api: { endpoints: ["10.0.1.1:80", "10.0.1.2:80"], breaker: {} } }
stores: { main: { redis: { address: "10.0.9.9:1", password: s3cret } } }
)";

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() {
    server_.set_admin(&admin_);
    load(std::string(kConfig));
  }
  ~ApiTest() override {
    world_.spawn(loop_, api_.finish());
    test::drain(world_, server_);
    world_.stop_tasks();
    world_.run();
  }

  bool load(const std::string& text) {
    FileConfig file{test::config_of(text), "/etc/weir", text};
    config::Diagnostics diagnostics;
    return test::run(loop_, live_.use_file(std::move(file), diagnostics));
  }
  /// The whole answer. `body` is JSON; `fields` are whole lines.
  std::string ask(std::string_view method, std::string_view path, std::string_view body = {},
                  std::string_view fields = {}) {
    std::string request =
        std::string(method) + " " + std::string(path) +
        " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n" + std::string(fields) + "\r\n";
    answer_ = client_.ask(kAdmin, request + std::string(body));
    return answer_;
  }
  int status() const { return std::stoi(answer_.substr(9)); }
  Json json() const {
    auto read = config::read_json(test::SimClient::body_of(answer_));
    return read ? *read : Json("no JSON: " + answer_);
  }
  Json get(std::string_view path) {
    ask("GET", path);
    return json();
  }
  std::string etag() const {
    std::size_t begin = answer_.find("ETag: ");
    return begin == std::string::npos ? "none" : answer_.substr(begin + 6, 26);
  }
  std::string hello() { return test::SimClient::body_of(client_.get("10.0.0.1:80", "/")); }

  SimWorld world_{1};
  SimLoop& loop_ = world_.add_loop();
  ProcessStatus status_{0};
  test::SimHost host_{world_, [](Loop&) { return std::make_unique<test::Silent>(); }};
  Server server_{world_.network(), host_};
  test::Switch process_{server_, status_, loop_};
  Turns turns_{loop_};
  LiveConfig live_{process_, loop_};
  AdminApi api_{live_, turns_, server_, status_, loop_};
  Admin admin_{status_, host_, &api_};
  test::SimClient client_{world_};
  std::string answer_;
};

TEST_F(ApiTest, shows_every_value_by_its_path) {
  Json all = get("/config");
  EXPECT_EQ(all["limits"]["max_connections"], "auto") << "defaults are filled in";
  EXPECT_EQ(get("/config/listeners/main/address"), "10.0.0.1:80");
  EXPECT_EQ(get("/config/upstreams/api/endpoints/10.0.1.2:80/weight"), 1);
  EXPECT_EQ(get("/config/upstreams/api/pool/max_idle"), 1024);
  EXPECT_EQ(get("/config/stores/main/redis/password"), "<redacted>");
  EXPECT_EQ(get("/config/upstreams?defaults=no").dump(),
            R"({"api":{"endpoints":[{"address":"10.0.1.1:80"},{"address":"10.0.1.2:80"}],)"
            R"("breaker":{}}})");
  EXPECT_THAT(answer_, HasSubstr("Weir-Config-Version: 1\r\n"));
  ask("GET", "/config/upstreams/none");
  EXPECT_EQ(status(), 404);
  EXPECT_EQ(json()["error"]["code"], "no_such_value");
  EXPECT_EQ(json()["error"]["request_id"].get<std::string>().size(), 32u);
}

TEST_F(ApiTest, changes_what_is_served) {
  ask("PUT", "/config/routes/hello/respond/body", "\"bye\"");
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(json()["version"], 2);
  EXPECT_EQ(json()["differences"].dump(),
            R"([{"path":"/routes/0/respond/body","old":"hello","new":"bye"}])");
  EXPECT_EQ(hello(), "bye");
  ask("PATCH", "/config", R"({"routes": [{"name": "hello", "respond": 404}], "workers": 1})");
  EXPECT_EQ(status(), 200) << answer_;
  EXPECT_THAT(client_.get("10.0.0.1:80", "/"), StartsWith("HTTP/1.1 404"));
  EXPECT_EQ(server_.worker_count(), 1u);
  ask("DELETE", "/config/workers");
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(get("/config/workers"), "auto");
}

TEST_F(ApiTest, takes_no_part_of_a_change_and_names_all_that_is_wrong_with_it) {
  ask("PATCH", "/config",
      R"({"routes": [{"name": "hello", "respond": "no"}, {"reverse_proxy": "ap"}],
      "upstreams": {"api": {"endpoints": [{"address": "10.0.1.1:80", "wieght": 5}],
                            "pool": {"max_idle": "many"}}}})");
  EXPECT_EQ(status(), 422);
  EXPECT_EQ(json()["error"]["code"], "config_refused");
  std::vector<std::string> problems;
  for (const Json& each : json()["problems"]) {
    problems.push_back(each["code"].get<std::string>() + " " + each["path"].get<std::string>());
  }
  EXPECT_THAT(problems, ::testing::UnorderedElementsAre("W1401 /routes/1/reverse_proxy",
                                                        "W1203 /upstreams/api/endpoints/0/wieght",
                                                        "W1301 /upstreams/api/pool/max_idle"));
  EXPECT_EQ(hello(), "hello");
  EXPECT_EQ(get("/versions")["versions"].size(), 1u);
  // What only binding finds out is refused as a whole as well.
  int taken = *world_.network().bind(*Address::parse("203.0.113.7:80"), {.reuse_port = false});
  ask("PATCH", "/config", R"({"routes": [{"name": "hello", "respond": "no"}],
      "listeners": [{"name": "main", "address": "10.0.0.1:80"}, {"address": "203.0.113.7:80"}]})");
  EXPECT_EQ(status(), 422) << answer_;
  EXPECT_EQ(json()["problems"][0]["path"], "/listeners/1/address");
  EXPECT_EQ(hello(), "hello");
  world_.network().close(taken);
}

TEST_F(ApiTest, understands_or_refuses) {
  const char* const cases[][4] = {
      {"PUT", "/config/zone", "{", "400"},
      {"PUT", "/config/zone", R"({"a": 1, "a": 2})", "400"},
      {"PUT", "/config/zone?dryrun", "\"a\"", "400"},
      {"PUT", "/config/zone?dry_run=perhaps", "\"a\"", "400"},
      {"PUT", "/config/a~2", "\"a\"", "400"},
      {"PUT", "/config/listeners/9", "{}", "404"},
      {"PUT", "/config", "null", "422"},
      {"PUT", "/config", "[]", "422"},
      {"DELETE", "/config", "", "400"},
      {"DELETE", "/config/zone", "", "404"},
      {"POST", "/config/zone", "\"a\"", "405"},
      {"PUT", "/versions", "{}", "405"},
      {"GET", "/versions/9", "", "404"},
      {"GET", "/versions/1/rollback", "", "405"},
      {"GET", "/versions/1/else", "", "404"},
      {"GET", "/versions/1/diff", "", "404"},
      {"PUT", "/endpoints/api/10.0.1.9:80", "{}", "404"},
      {"GET", "/caches/purge", "", "405"},
      {"POST", "/caches/purge", "{}", "422"},
      {"POST", "/caches/purge", R"({"url": "http://a/", "hard": true})", "422"},
      {"GET", "/elsewhere", "", "404"},
  };
  for (const auto& each : cases) {
    ask(each[0], each[1], each[2]);
    EXPECT_EQ(std::to_string(status()), each[3]) << each[0] << " " << each[1] << "\n" << answer_;
  }
  EXPECT_EQ(get("/versions")["versions"].size(), 1u);
}

TEST_F(ApiTest, judges_a_change_without_making_it) {
  ask("PUT", "/config/routes/0/respond/body?dry_run", "\"bye\"");
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(json()["dry_run"], true);
  EXPECT_EQ(json()["version"], 1);
  EXPECT_EQ(json()["differences"].size(), 1u);
  ask("PUT", "/config/routes/0/respond?dry_run", "[]");
  EXPECT_EQ(status(), 422);
  EXPECT_EQ(hello(), "hello");
}

TEST_F(ApiTest, makes_no_version_of_what_changes_nothing) {
  ask("PUT", "/config/upstreams/api/pool/max_idle", "1024");
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(json()["changed"], false);
  EXPECT_EQ(json()["version"], 1);
}

TEST_F(ApiTest, changes_only_what_its_client_has_seen) {
  get("/config/upstreams/api");
  std::string seen = etag();
  ask("PUT", "/config/routes/0/respond/body", "\"bye\"");
  std::string match = "If-Match: " + seen + "\r\n";
  ask("PUT", "/config/upstreams/api/connect_timeout", "\"3s\"", "If-Match: \"another\"\r\n");
  EXPECT_EQ(status(), 412);
  EXPECT_EQ(json()["error"]["code"], "changed_meanwhile");
  ask("PATCH", "/config/upstreams/api", R"({"connect_timeout": "3s"})", match);
  EXPECT_EQ(status(), 200) << "what changed meanwhile lies elsewhere";
  EXPECT_NE(etag(), seen);
  ask("PATCH", "/config/upstreams/api", R"({"connect_timeout": "4s"})", match);
  EXPECT_EQ(status(), 412);
  ask("PUT", "/config/upstreams/api", "{}", "If-None-Match: *\r\n");
  EXPECT_EQ(status(), 412);
  ask("PUT", "/config/upstreams/more", R"({"endpoints": ["10.0.1.1:80"]})", "If-None-Match: *\r\n");
  EXPECT_EQ(status(), 200);
}

TEST_F(ApiTest, keeps_secrets_that_clients_do_not_see) {
  std::string tag = (get("/config/stores/main"), etag());
  ask("PATCH", "/config/stores/main",
      R"({"redis": {"password": "<redacted>", "timeout": "70ms"}})");
  EXPECT_EQ(status(), 200) << answer_;
  EXPECT_EQ(server_.snapshot()->config.stores.find("main")->redis.password, "s3cret");
  EXPECT_NE(etag(), tag);
  tag = etag();
  ask("PUT", "/config/stores/main/redis/password", "\"n3w\"");
  EXPECT_EQ(server_.snapshot()->config.stores.find("main")->redis.password, "n3w");
  EXPECT_EQ(json()["differences"].dump(),
            R"([{"path":"/stores/main/redis/password","old":"<redacted>","new":"<redacted>"}])");
  get("/config/stores/main");
  EXPECT_NE(etag(), tag) << "another secret is another value";
  Json all = get("/config");
  ask("PUT", "/config", all.dump());
  EXPECT_EQ(json()["changed"], false) << "what is read can be written back";
  for (const char* path : {"/config", "/versions/1", "/versions/3", "/versions/3/diff"}) {
    EXPECT_THAT(ask("GET", path), Not(HasSubstr("s3cret"))) << path;
    EXPECT_THAT(answer_, Not(HasSubstr("n3w"))) << path;
  }
}

TEST_F(ApiTest, lists_compares_and_restores_versions) {
  ask("PUT", "/config/routes/0/respond/body", "\"two\"");
  ask("PUT", "/config/routes/0/respond/body", "\"three\"");
  EXPECT_EQ(get("/versions/3/diff")["differences"].dump(),
            R"([{"path":"/routes/0/respond/body","old":"two","new":"three"}])");
  EXPECT_EQ(get("/versions/latest/diff?from=1")["differences"][0]["old"], "hello");
  ask("POST", "/versions/1/rollback?dry_run", "{}");
  EXPECT_EQ(hello(), "three");
  ask("POST", "/versions/1/rollback", "{}");
  EXPECT_EQ(json()["version"], 4);
  EXPECT_EQ(hello(), "hello");
  Json versions = get("/versions")["versions"];
  ASSERT_EQ(versions.size(), 4u);
  EXPECT_EQ(versions[0]["origin"], "file");
  EXPECT_EQ(versions[2]["origin"], "api");
  EXPECT_EQ(versions[3]["origin"], "rollback");
  EXPECT_EQ(versions[3]["of"], 1);
  EXPECT_EQ(versions[3]["in_force"], true);
  EXPECT_EQ(get("/versions/2?defaults=no")["routes"][0]["respond"]["body"], "two");
}

TEST_F(ApiTest, lets_the_file_win_when_it_is_read_again) {
  ask("PUT", "/config/routes/0/respond/body", "\"live\"");
  EXPECT_TRUE(load(std::string(kConfig)));
  EXPECT_EQ(hello(), "hello");
  Json versions = get("/versions")["versions"];
  ASSERT_EQ(versions.size(), 3u);
  EXPECT_EQ(versions[2]["origin"], "file");
  ask("POST", "/versions/2/rollback", "{}");
  EXPECT_EQ(hello(), "live");
  load(std::string(kConfig));
  load(std::string(kConfig));
  EXPECT_EQ(get("/versions")["versions"].size(), 5u) << "the same again is no version";
}

TEST_F(ApiTest, keeps_what_a_change_does_not_concern) {
  std::shared_ptr<Cluster> cluster = server_.clusters().at(0);
  std::shared_ptr<Endpoint> endpoint = cluster->endpoints()->endpoints[1];
  endpoint->requests = 7;
  SimLoop& loop = world_.add_loop("192.0.2.7");
  std::unique_ptr<Stream> stream;
  world_.spawn(loop, [](SimLoop& on, std::unique_ptr<Stream>& kept) -> Task<void> {
    auto made = co_await on.connect(*Address::parse("10.0.0.1:80"));
    kept = std::move(*made);
    (void)co_await test::write_text(*kept, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  }(loop, stream));
  world_.run_for(std::chrono::seconds(1));
  ask("PUT", "/config/upstreams/api/endpoints/-", R"({"address": "10.0.1.3:80"})");
  ask("DELETE", "/config/upstreams/api/endpoints/10.0.1.1:80");
  ask("PATCH", "/config/upstreams/api/endpoints/10.0.1.2:80", R"({"weight": 5})");
  EXPECT_EQ(status(), 200) << answer_;
  auto set = cluster->endpoints();
  ASSERT_EQ(set->endpoints.size(), 2u);
  EXPECT_EQ(set->endpoints[0], endpoint);
  EXPECT_EQ(set->weights[0], 5u);
  EXPECT_EQ(endpoint->requests, 7u);
  bool answered = false;
  world_.spawn(loop, [](std::unique_ptr<Stream>& kept, bool& done) -> Task<void> {
    Status sent =
        co_await test::write_text(*kept, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    ErrorCode end;
    std::string text = co_await test::read_all(*kept, end);
    done = sent && text.ends_with("hello");
    kept.reset();
  }(stream, answered));
  world_.run_for(std::chrono::seconds(1));
  EXPECT_TRUE(answered) << "the connection outlived three changes";
}

TEST_F(ApiTest, holds_nothing_of_configurations_that_are_gone) {
  std::vector<std::weak_ptr<const Snapshot>> gone;
  for (int i = 0; i < 200; ++i) {
    gone.push_back(server_.snapshot());
    ask("PUT", "/config/upstreams/api/endpoints/0/weight", std::to_string(2 + i % 2));
    ASSERT_EQ(status(), 200) << answer_;
  }
  world_.run_for(std::chrono::seconds(1));
  EXPECT_TRUE(std::ranges::all_of(gone, [](const auto& each) { return each.expired(); }));
  EXPECT_LE(live_.history().all().size(), 100u);
  EXPECT_EQ(server_.clusters().size(), 1u);
}

TEST_F(ApiTest, takes_endpoints_out_and_puts_them_back) {
  Endpoint& endpoint = *server_.clusters().at(0)->endpoints()->endpoints[0];
  ask("PUT", "/endpoints/api/10.0.1.1:80", R"({"state": "disabled"})");
  EXPECT_EQ(status(), 200);
  EXPECT_EQ(json()["state"], "disabled");
  EXPECT_FALSE(endpoint.available());
  ask("PUT", "/config/upstreams/api/endpoints/0/weight", "2");
  EXPECT_EQ(get("/endpoints/api/10.0.1.1:80")["state"], "disabled") << "a change leaves it so";
  ask("PUT", "/endpoints/api/10.0.1.1:80", R"({"state": "draining"})");
  EXPECT_TRUE(endpoint.keeps_clients());
  EXPECT_EQ(json()["away"][0]["reason"], "draining");
  ask("PUT", "/endpoints/api/10.0.1.1:80", R"({"state": "gone"})");
  EXPECT_EQ(status(), 422);
  ask("PUT", "/endpoints/api/10.0.1.1:80", R"({"state": "enabled"})");
  EXPECT_TRUE(endpoint.available());
}

TEST_F(ApiTest, purges_caches) {
  ask("PUT", "/config/routes/hello", R"({"name": "hello", "use": [{"cache": {"name": "pages",
      "lifetimes": {"200": "1m"}}}], "respond": {"body": "x", "headers": {"Surrogate-Key": "one"}}})");
  ASSERT_EQ(status(), 200) << answer_;
  client_.get("10.0.0.1:80", "/a");
  client_.get("10.0.0.1:80", "/b");
  ask("POST", "/caches/purge", R"({"url": "http://a.test/a", "cache": "pages"})");
  EXPECT_EQ(json()["purged"], 1) << answer_;
  ask("POST", "/caches/purge", R"({"tag": "one", "soft": true})");
  EXPECT_EQ(json()["purged"], 1);
  ask("POST", "/caches/purge", R"({"tag": "one", "cache": "other"})");
  EXPECT_EQ(status(), 422);
}

TEST_F(ApiTest, lets_nobody_who_stalls_keep_others_from_anything) {
  SimLoop& loop = world_.add_loop("192.0.2.7");
  for (int i = 0; i < 20; ++i) {
    world_.spawn(loop, [](SimLoop& on) -> Task<void> {
      auto stream = co_await on.connect(*Address::parse(kAdmin));
      (void)co_await test::write_text(**stream,
                                      "PUT /config/zone HTTP/1.1\r\nHost: localhost\r\n"
                                      "Content-Type: application/json\r\n"
                                      "Content-Length: 9\r\n\r\n\"half");
      ErrorCode end;
      (void)co_await test::read_all(**stream, end);
    }(loop));
  }
  world_.run_for(std::chrono::seconds(1));
  ask("PUT", "/config/routes/0/respond/body", "\"bye\"");
  EXPECT_EQ(status(), 200);
  world_.run_for(std::chrono::minutes(2));
  EXPECT_EQ(get("/config/zone"), "");
}

TEST_F(ApiTest, makes_changes_one_after_the_other) {
  process_.paused = true;
  SimLoop& loop = world_.add_loop("192.0.2.7");
  std::vector<std::string> answers(80);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    world_.spawn(loop, [](SimLoop& on, std::size_t number, std::string& answer) -> Task<void> {
      auto stream = co_await on.connect(*Address::parse(kAdmin));
      std::string body = std::to_string(2 + number);
      (void)co_await test::write_text(
          **stream,
          "PUT /config/upstreams/api/endpoints/0/weight HTTP/1.1\r\nHost: localhost\r\n"
          "Connection: close\r\nContent-Type: application/json\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body);
      ErrorCode end;
      answer = co_await test::read_all(**stream, end);
    }(loop, i, answers[i]));
  }
  world_.run_for(std::chrono::seconds(1));
  EXPECT_EQ(get("/versions")["versions"].size(), 1u) << "who reads waits for nobody";
  process_.paused = false;
  world_.run_for(std::chrono::seconds(5));
  auto with = [&](const char* status) {
    return std::ranges::count_if(answers,
                                 [&](const auto& each) { return each.starts_with(status); });
  };
  EXPECT_EQ(with("HTTP/1.1 200"), 65) << "one at work and 64 that wait";
  EXPECT_EQ(with("HTTP/1.1 503"), 15);
  EXPECT_EQ(live_.history().head()->number, 66u);
}

TEST_F(ApiTest, bounds_what_it_reads) {
  std::string head =
      "PUT /config/zone HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "Content-Length: " +
      std::to_string(Admin::kMostBody + 1) + "\r\n\r\n";
  EXPECT_THAT(client_.ask(kAdmin, head), StartsWith("HTTP/1.1 413"));
  EXPECT_EQ(get("/config/zone"), "");
}

}  // namespace
}  // namespace weir

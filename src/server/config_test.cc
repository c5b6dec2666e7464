#include "server/config.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "config/dump.h"
#include "config/json_schema.h"
#include "config/reference.h"
#include "handler/redirect_config.h"
#include "handler/respond_config.h"
#include "handler/reverse_proxy_config.h"

namespace weir {
namespace {

using config::Diagnostics;
using ::testing::HasSubstr;

struct Reading {
  Diagnostics diagnostics;
  ServerConfig config;
};

Reading read(std::string text) {
  Reading reading;
  const auto document = config::read_text("weir.yaml", std::move(text), reading.diagnostics);
  reading.config = parse_server_config(document, reading.diagnostics);
  return reading;
}

ServerConfig accepted(std::string text) {
  Reading reading = read(std::move(text));
  EXPECT_TRUE(reading.diagnostics.ok()) << reading.diagnostics.render();
  return std::move(reading.config);
}

std::string rendered(std::string text) { return read(std::move(text)).diagnostics.render(); }

constexpr std::string_view kNewcomer = R"(listeners:
  - address: ":8443"
routes:
  - match: { host: shop.example, path: /api/* }
    reverse_proxy: api
  - match: { host: shop.example }
    respond: hello
  - redirect: https://shop.example{path}
upstreams:
  api:
    endpoints: [10.0.0.1:8080, 10.0.0.2:8080]
    balance: least_requests
)";

TEST(ServerConfig, reads_the_file_of_a_newcomer) {
  const ServerConfig config = accepted(std::string(kNewcomer));
  EXPECT_EQ(config.listeners.at(0).label(), ":8443");
  ASSERT_EQ(config.routes.size(), 3u);
  EXPECT_EQ(*config.routes[0].match.host.at(0), "shop.example");
  EXPECT_EQ(*config.routes[0].handler.as<ReverseProxyConfig>().upstream, "api");
  EXPECT_EQ(config.routes[1].handler.as<RespondConfig>().body, "hello");
  EXPECT_EQ(config.routes[2].handler.as<RedirectConfig>().status, 308);
  const UpstreamConfig* api = config.upstreams.find("api");
  ASSERT_NE(api, nullptr);
  EXPECT_EQ(api->endpoints.size(), 2u);
  EXPECT_EQ(api->balance.algorithm, Balance::least_requests);
  EXPECT_FALSE(config.admin);
  EXPECT_FALSE(config.access_log);
}

TEST(ServerConfig, dumps_what_reads_back_as_the_same) {
  const std::string dump = config::dump_yaml(accepted(std::string(kNewcomer)));
  EXPECT_EQ(config::dump_yaml(accepted(dump)), dump);
}

TEST(ServerConfig, keeps_its_defaults_within_their_own_bounds) {
  // Every object with a default is dumped with all its keys, and must be accepted as it stands.
  const std::string dump = config::dump_yaml(accepted(
      "listeners: [\":80\"]\nadmin: 127.0.0.1:0\naccess_log: {}\nupstreams: {a: {endpoints: "
      "unix:/a}}\nroutes: [reverse_proxy: a]\n"));
  EXPECT_EQ(config::dump_yaml(accepted(dump)), dump);
}

TEST(ServerConfig, points_at_an_unknown_upstream) {
  EXPECT_EQ(rendered("listeners: [\":80\"]\nroutes:\n  - reverse_proxy: apy\n"
                     "upstreams: { api: { endpoints: 10.0.0.1:80 } }\n"),
            "weir.yaml:3:20: error W1401: no upstream is named \"apy\"\n"
            "    3 |   - reverse_proxy: apy\n"
            "      |                    ^^^\n"
            "      help: did you mean \"api\"?\n"
            "1 error\n");
  EXPECT_NE(rendered("listeners:\n  - address: \":80\"\n    routes: [{ reverse_proxy: x }]\n")
                .find("W1401: no upstream is named \"x\""),
            std::string::npos);
}

std::string rendered_proxy(std::string proxy) {
  return rendered("listeners: [\":80\"]\nroutes:\n  - reverse_proxy: " + proxy +
                  "\nupstreams:\n  api: { endpoints: unix:/a }\n"
                  "  canary: { endpoints: unix:/b }\n");
}

TEST(ServerConfig, points_at_what_is_wrong_with_a_split) {
  EXPECT_EQ(rendered_proxy("{ split: [api, { upstream: canary, weight: 0 }] }"), "");
  EXPECT_EQ(rendered_proxy("{ split: [api, { upstream: canry, weight: 5 }] }"),
            "weir.yaml:3:47: error W1401: no upstream is named \"canry\"\n"
            "    3 |   - reverse_proxy: { split: [api, { upstream: canry, weight: 5 }] }\n"
            "      |                                               ^^^^^\n"
            "      help: did you mean \"canary\"?\n"
            "1 error\n");
  EXPECT_THAT(
      rendered_proxy("{ split: [{ upstream: api, weight: 0 }, { upstream: canary, weight: 0 }] }"),
      HasSubstr("weir.yaml:3:29: error W1406: every weight of the split is 0\n"));
  EXPECT_THAT(
      rendered_proxy("{ split: [api, { upstream: api, when: 'true' }] }"),
      HasSubstr("weir.yaml:3:47: error W1403: the split has an entry for \"api\" already, on "
                "line 3\n"));
  EXPECT_THAT(rendered_proxy("{ upstream: api, split: [canary] }"),
              HasSubstr("weir.yaml:3:44: error W1406: a request goes to the \"upstream\" or by the "
                        "\"split\", not both\n"));
  EXPECT_THAT(rendered_proxy("{ host: keep }"),
              HasSubstr("weir.yaml:3:20: error W1202: reverse_proxy needs an \"upstream\", or a "
                        "\"split\" over several\n"));
  EXPECT_THAT(rendered_proxy("{ upstream: api, sticky: client_ip }"),
              HasSubstr("weir.yaml:3:45: error W1406: \"sticky\" is for a \"split\"\n"));
}

TEST(ServerConfig, dumps_a_split_that_reads_back_as_the_same) {
  const std::string dump = config::dump_yaml(
      accepted("listeners: [\":80\"]\nroutes: [{ reverse_proxy: { split: [api, canary], sticky: "
               "client_ip } }]\nupstreams: { api: { endpoints: unix:/a }, canary: { endpoints: "
               "unix:/b } }\n"));
  EXPECT_EQ(config::dump_yaml(accepted(dump)), dump);
}

TEST(ServerConfig, does_not_judge_references_of_a_file_that_was_not_read_to_its_end) {
  const std::string text =
      rendered("listeners: [\":80\"]\nroutes:\n  - reverse_proxy: api\nups: [\n");
  EXPECT_EQ(text.find("W1401"), std::string::npos);
  EXPECT_NE(text.find("W1101"), std::string::npos);
}

TEST(ServerConfig, refuses_two_listeners_on_one_address) {
  const auto collides = [](std::string_view a, std::string_view b) {
    const std::string text =
        fmt::format("listeners: [\"{}\", \"{}\"]\nroutes: [respond: x]\n", a, b);
    return rendered(text).find("W1402") != std::string::npos;
  };
  EXPECT_TRUE(collides(":80", ":80"));
  EXPECT_TRUE(collides(":80", "127.0.0.1:80"));
  EXPECT_TRUE(collides("[::1]:80", ":80"));
  EXPECT_TRUE(collides("0.0.0.0:80", "127.0.0.1:80"));
  EXPECT_TRUE(collides("unix:/a", "unix:/a"));
  EXPECT_FALSE(collides("0.0.0.0:80", "[::]:80"));
  EXPECT_FALSE(collides(":80", ":81"));
  EXPECT_FALSE(collides("127.0.0.1:80", "127.0.0.2:80"));
  EXPECT_FALSE(collides(":0", ":0"));
  EXPECT_NE(
      rendered("listeners: [\":80\"]\nroutes: [respond: x]\nadmin: 127.0.0.1:80\n").find("W1402"),
      std::string::npos);
}

TEST(ServerConfig, refuses_names_given_twice) {
  EXPECT_NE(rendered("listeners: [{address: \":80\", name: a}, {address: \":81\", name: a}]\n")
                .find("weir.yaml:1:63: error W1403: the name \"a\" is already taken by a listener"),
            std::string::npos);
  EXPECT_NE(rendered("listeners: [\":80\"]\nroutes:\n  - {name: r, respond: x}\n"
                     "  - {name: r, respond: y}\n")
                .find("weir.yaml:4:12: error W1403"),
            std::string::npos);
}

TEST(ServerConfig, warns_of_what_does_nothing) {
  const Reading reading = read("listeners: [\":80\"]\nupstreams: { a: { endpoints: a:80 } }\n");
  EXPECT_TRUE(reading.diagnostics.ok());
  const std::string text = reading.diagnostics.render();
  EXPECT_NE(text.find("1:13: warning W1405: the listener :80 has no routes"), std::string::npos);
  EXPECT_NE(text.find("2:14: warning W1404: no route uses the upstream \"a\""), std::string::npos);
}

TEST(ServerConfig, explains_a_host_pattern_without_quotes) {
  EXPECT_NE(rendered("listeners: [\":80\"]\nroutes:\n  - match: { host: *.example }\n"
                     "    respond: x\n")
                .find("weir.yaml:3:20: error W1103: an unquoted \"*\" begins an alias in YAML\n"
                      "    3 |   - match: { host: *.example }\n"
                      "      |                    ^^^^^^^^^\n"
                      "      help: put quotes around the text: \"*.example\"\n"),
            std::string::npos);
}

TEST(ServerConfig, checks_patterns_methods_and_headers) {
  const std::string text = rendered(R"(listeners: [":80"]
routes:
  - match: { host: "a*b", method: get }
    respond: x
  - match: { path: api }
    respond: x
  - match: { path_regex: "(" }
    respond: x
  - match: { path: /a, path_regex: /a.* }
    respond: x
  - respond: { headers: { "a b": c } }
  - respond: x
    response_headers: { set: { Content-Length: 5 }, remove: X-A }
  - respond: x
    request_headers: { add: { X: "a\nb" } }
)");
  for (std::string_view part : {":3:20: error W1312", ":3:35: error W1312", ":5:20: error W1312",
                                ":7:26: error W1503", ":9:36: error W1406", ":11:27: error W1312",
                                ":13:32: error W1312", ":15:34: error W1312"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_NE(text.find("8 errors"), std::string::npos) << text;
}

TEST(ServerConfig, takes_words_for_nothing_and_addresses_for_objects) {
  const ServerConfig config = accepted(
      "workers: 2\nlisteners: [\"unix:/run/weir.sock\"]\nroutes: [respond: 204]\n"
      "admin: 127.0.0.1:9901\naccess_log: off\n");
  EXPECT_EQ(config.workers, 2u);
  EXPECT_EQ(config.admin->address->port, 9901);
  EXPECT_EQ(config.routes[0].handler.as<RespondConfig>().status, 204);
  EXPECT_FALSE(accepted("listeners: [\":80\"]\nadmin: off\nworkers: auto\n").admin);
}

TEST(ServerConfig, tells_no_routes_of_its_own_from_an_empty_list) {
  const ServerConfig config = accepted(
      "listeners: [{address: \":80\"}, {address: \":81\", routes: []}]\nroutes: [respond: x]\n");
  EXPECT_EQ(routes_of(config, config.listeners[0]).size(), 1u);
  EXPECT_EQ(routes_of(config, config.listeners[1]).size(), 0u);
}

std::string with_upstream(std::string_view options) {
  return fmt::format(R"(listeners: [":80"]
routes: [{{ reverse_proxy: api }}]
upstreams: {{ api: {{ endpoints: ["10.0.0.1:80"], {} }} }}
)",
                     options);
}

TEST(ServerConfig, reads_how_endpoints_are_picked) {
  auto policy = [](std::string_view options) {
    return accepted(with_upstream(options)).upstreams.find("api")->policy();
  };
  EXPECT_EQ(policy("balance: random"),
            (BalancePolicy{.algorithm = Balance::random, .panic_below = 0.1}));
  EXPECT_EQ(policy("balance: { algorithm: ring, key: header.x-user, max_load: 1.25 }"),
            (BalancePolicy{.algorithm = Balance::ring, .max_load = 1.25, .panic_below = 0.1}));
  EXPECT_EQ(policy("slow_start: 30s"),
            (BalancePolicy{.slow_start = std::chrono::seconds(30), .panic_below = 0.1}));
  const ServerConfig config =
      accepted(with_upstream("balance: { algorithm: maglev, key: [cookie.s, client_ip] }"));
  EXPECT_EQ(*config.upstreams.find("api")->balance.key.at(1), "client_ip");
  const std::string dump = config::dump_yaml(config);
  EXPECT_EQ(config::dump_yaml(accepted(dump)), dump);
}

TEST(ServerConfig, refuses_ways_of_picking_that_contradict_themselves) {
  auto says = [](std::string_view options, std::string_view problem) {
    const std::string all = rendered(with_upstream(options));
    return all.starts_with("weir.yaml:3:") && all.find(problem) != all.npos;
  };
  EXPECT_TRUE(
      says("balance: { algorithm: random, key: path }", "error W1406: \"random\" has no \"key\""));
  EXPECT_TRUE(says("balance: { algorithm: random, max_load: 2 }",
                   "error W1406: \"random\" has no \"max_load\""));
  EXPECT_TRUE(
      says("balance: { algorithm: maglev, max_load: 0.5 }", "error W1302: 0.5 is too small"));
  EXPECT_TRUE(says("balance: maglevv", "did you mean \"maglev\"?"));
  EXPECT_TRUE(says("balance: maglev, slow_start: 5s", "error W1406: \"maglev\" has no slow start"));
  EXPECT_TRUE(says("balance: { panic_below: 101 }", "error W1302: 101 is too large"));
}

TEST(ServerConfig, places_endpoints_by_level_zone_and_labels) {
  ServerConfig config = accepted(R"(listeners: [":80"]
zone: a
routes: [{ reverse_proxy: { upstream: api, subset: { version: "2" } } }]
upstreams:
  api:
    endpoints:
      - { address: "10.0.0.1:80", priority: 1, zone: b, labels: { version: "2", a: b } }
)");
  const UpstreamConfig& api = *config.upstreams.find("api");
  EXPECT_EQ(api.endpoints[0].placement(), (Placement{1, "b", {{"a", "b"}, {"version", "2"}}}));
  EXPECT_EQ(api.policy(config.zone).zone, "a");
  EXPECT_EQ(api.policy().panic_below, 0.1);
}

TEST(ServerConfig, has_a_schema_and_a_reference) {
  EXPECT_NE(config::json_schema<ServerConfig>().find("\"#/$defs/reverse_proxy\""),
            std::string::npos);
  EXPECT_NE(config::reference_markdown<ServerConfig>().find("\n## reverse_proxy\n"),
            std::string::npos);
}

constexpr std::string_view kTlsListener = R"(
listeners:
  - address: ":8443"
    tls: { certificates: [{ cert: a.pem, key: a.key }], hsts: HSTS }
    routes: [{ respond: a }]
)";

std::string with_hsts(std::string_view value) {
  std::string text(kTlsListener);
  return text.replace(text.find("HSTS"), 4, value);
}

TEST(Hsts, is_written_as_its_age_or_with_all_it_may_say) {
  auto value = [](std::string_view text) {
    return header_value(*accepted(with_hsts(text)).listeners[0].tls->hsts);
  };
  EXPECT_EQ(value("1h"), "max-age=3600");
  EXPECT_EQ(value("{ max_age: 365d, include_subdomains: true, preload: true }"),
            "max-age=31536000; includeSubDomains; preload");
  EXPECT_FALSE(accepted(with_hsts("off")).listeners[0].tls->hsts);
}

TEST(Hsts, is_not_preloaded_where_browsers_would_refuse_it) {
  for (const char* text :
       {"{ preload: true }", "{ max_age: 364d, include_subdomains: true, preload: true }"}) {
    EXPECT_NE(rendered(with_hsts(text)).find("W1406"), std::string::npos) << text;
  }
}

TEST(EarlyData, goes_with_nothing_that_it_would_weaken) {
  auto with = [](std::string_view more) {
    return "listeners: [{ address: \":443\", routes: [{ respond: a }], tls: { certificates: "
           "[{ cert: a, key: b }], early_data: true" +
           std::string(more) + " } }]";
  };
  EXPECT_TRUE(accepted(with("")).listeners[0].tls->early_data);
  for (const char* other : {", ticket_keys: t.keys", ", client_auth: { ca: ca.pem }"}) {
    EXPECT_NE(rendered(with(other)).find("W1406"), std::string::npos) << other;
  }
}

TEST(RedirectHttps, stands_alone) {
  auto config = accepted("listeners: [{ address: \":80\", redirect_https: 443 }]");
  EXPECT_EQ(config.listeners[0].redirect_https, 443);
  for (const char* other :
       {"routes: [{ respond: a }]", "tls: { certificates: [{ cert: a, key: b }] }"}) {
    std::string text = rendered("listeners: [{ address: \":80\", redirect_https: 443, " +
                                std::string(other) + " }]");
    EXPECT_NE(text.find("W1406"), std::string::npos) << text;
  }
}

TEST(FilePaths, are_relative_to_the_configuration_file) {
  Diagnostics diagnostics;
  auto document = config::read_text("weir.yaml", R"(
access_log: { file: logs/a.log }
listeners:
  - address: ":443"
    tls:
      certificates: [{ cert: a.pem, key: /keys/a.key }]
      client_auth: { ca: ../ca.pem }
      ticket_keys: ./t.keys
    routes: [{ reverse_proxy: api }]
upstreams: { api: { endpoints: ["10.0.0.1:443"], tls: { ca: up.pem, cert: c.pem, key: c.key } } }
)",
                                    diagnostics);
  document.directory = "/etc/weir";
  ServerConfig config = parse_server_config(document, diagnostics);
  ASSERT_TRUE(diagnostics.ok()) << diagnostics.render();
  const ListenerTlsConfig& tls = *config.listeners[0].tls;
  EXPECT_EQ(*tls.certificates[0].cert, "/etc/weir/a.pem");
  EXPECT_EQ(*tls.certificates[0].key, "/keys/a.key");
  EXPECT_EQ(*tls.client_auth->ca, "/etc/ca.pem");
  EXPECT_EQ(*tls.ticket_keys, "/etc/weir/t.keys");
  const UpstreamTlsConfig& upstream = *config.upstreams.begin()->value.tls;
  EXPECT_EQ(*upstream.ca, "/etc/weir/up.pem");
  EXPECT_EQ(*upstream.cert, "/etc/weir/c.pem");
  EXPECT_EQ(*upstream.key, "/etc/weir/c.key");
  EXPECT_EQ(*config.access_log->file, "/etc/weir/logs/a.log");
}

TEST(FilePaths, are_left_alone_where_there_is_no_file_and_where_a_word_is_meant) {
  Diagnostics diagnostics;
  std::string text =
      "access_log: { file: stderr }\nlisteners: [{ address: \":80\", routes: [] }]\n";
  auto document = config::read_text("weir.yaml", text, diagnostics);
  document.directory = "/etc/weir";
  EXPECT_EQ(*parse_server_config(document, diagnostics).access_log->file, "stderr");
  EXPECT_EQ(
      *accepted("access_log: { file: a.log }\nlisteners: [{ address: \":80\", routes: [] }]\n")
           .access_log->file,
      "a.log");
}

}  // namespace
}  // namespace weir

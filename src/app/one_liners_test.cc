#include "app/one_liners.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "app/loaded_config.h"
#include "handler/static_files_config.h"

namespace weir {
namespace {

std::vector<std::string> endpoints(const ProxyOptions& options) {
  config::Diagnostics diagnostics;
  auto config = load_config({"", proxy_config(options)}, diagnostics);
  EXPECT_TRUE(config) << diagnostics.render();
  std::vector<std::string> all = {};
  if (!config) return all;
  all.push_back(config->listeners.at(0).address->text());
  for (const auto& each : config->upstreams.find("origins")->endpoints) {
    all.push_back(each.address->text());
  }
  return all;
}

TEST(ProxyConfig, takes_addresses_as_a_file_would) {
  EXPECT_EQ(
      endpoints({"127.0.0.1:8080", {"10.0.0.1:80", "[::1]:81", "unix:/run/a.sock"}}),
      (std::vector<std::string>{"127.0.0.1:8080", "10.0.0.1:80", "[::1]:81", "unix:/run/a.sock"}));
}

TEST(ProxyConfig, takes_ports_and_urls) {
  EXPECT_EQ(endpoints({"8080", {"3000", "http://10.0.0.1/", "http://10.0.0.1:81"}}),
            (std::vector<std::string>{":8080", "localhost:3000", "10.0.0.1:80", "10.0.0.1:81"}));
}

TEST(ProxyConfig, lets_no_text_out_of_its_quotes) {
  config::Diagnostics diagnostics;
  std::string text = proxy_config({":80\"\nworkers: 5 #\\", {"a:1"}});
  EXPECT_FALSE(load_config({"", text}, diagnostics));
  EXPECT_EQ(diagnostics.error_count(), 1u) << diagnostics.render();
}

const StaticFilesConfig& served(const ServerConfig& config) {
  return config.routes.at(0).handler.as<StaticFilesConfig>();
}

TEST(ServeConfig, serves_a_directory_wherever_the_process_is_later) {
  config::Diagnostics diagnostics;
  auto config = load_config({"", serve_config({.root = "public/"})}, diagnostics);
  ASSERT_TRUE(config) << diagnostics.render();
  EXPECT_EQ(config->listeners.at(0).address->text(), ":8080");
  EXPECT_EQ(*served(*config).root, (std::filesystem::current_path() / "public/").string());
  EXPECT_FALSE(served(*config).listing);
  EXPECT_EQ(served(*config).fallback, "");
}

TEST(ServeConfig, takes_its_options) {
  config::Diagnostics diagnostics;
  ServeOptions options{.root = "/a \"b\"", .listen = "80", .listing = true, .single_page = true};
  auto config = load_config({"", serve_config(options)}, diagnostics);
  ASSERT_TRUE(config) << diagnostics.render();
  EXPECT_EQ(config->listeners.at(0).address->text(), ":80");
  EXPECT_EQ(*served(*config).root, "/a \"b\"");
  EXPECT_TRUE(served(*config).listing);
  EXPECT_EQ(served(*config).fallback, "/index.html");
}

}  // namespace
}  // namespace weir

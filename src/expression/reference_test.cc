#include "expression/reference.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "expression/catalog.h"

namespace weir::expression {
namespace {

TEST(Reference, stands_in_the_documentation_as_the_code_has_it) {
  std::ifstream file("docs/expressions.md");
  ASSERT_TRUE(file) << "tests run in the root of the tree";
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_NE(page.str().find(reference_markdown()), std::string::npos)
      << "docs/expressions.md is stale; at its end belongs:\n"
      << reference_markdown();
}

TEST(Catalog, finds_what_it_lists_and_nothing_else) {
  for (const FactEntry& fact : facts()) {
    EXPECT_EQ(find_fact(fact.name), &fact);
    EXPECT_EQ(&entry(fact.fact), &fact);
    EXPECT_FALSE(fact.meaning.empty());
  }
  for (const SourceEntry& source : sources()) EXPECT_EQ(find_source(source.name), &source);
  EXPECT_EQ(find_fact("no such fact"), nullptr);
  EXPECT_EQ(find_source("header."), nullptr);
}

TEST(Catalog, suggests_names_that_exist) {
  for (const char* wrong : {"uri", "url", "remote_addr", "client", "ip", "sni", "tls.sni", "alpn",
                            "args", "query_string", "status_code", "code", "time_local", "latency",
                            "ttfb", "version", "upstream_addr", "bytes_sent", "request_time"}) {
    EXPECT_NE(find_fact(nearest_name(wrong)), nullptr) << wrong << " " << nearest_name(wrong);
  }
  EXPECT_EQ(nearest_name("request_header.x-a"), "header.x-a");
  EXPECT_EQ(nearest_name("cookies.sid"), "cookie.sid");
  EXPECT_EQ(nearest_name("quite_unlike_anything"), "");
}

}  // namespace
}  // namespace weir::expression

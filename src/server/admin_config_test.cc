#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/parse.h"
#include "server/config.h"

namespace weir {
namespace {

config::Diagnostics diagnostics_of(std::string admin) {
  config::Diagnostics diagnostics;
  auto document = config::read_text("weir.yaml",
                                    "listeners:\n- address: \":80\"\n  routes: [respond: hello]\n"
                                    "admin: " +
                                        admin + "\n",
                                    diagnostics);
  parse_server_config(document, diagnostics);
  return diagnostics;
}

TEST(AdminConfig, takes_local_addresses_without_a_word) {
  for (const char* local : {"127.0.0.1:9901", "127.8.0.1:0", "\"[::1]:9901\"", "unix:/run/a.sock",
                            "{ address: 127.0.0.1:9901 }", "off"}) {
    EXPECT_TRUE(diagnostics_of(local).empty()) << local << diagnostics_of(local).render();
  }
}

TEST(AdminConfig, refuses_addresses_that_other_machines_reach_if_nothing_says_who_may) {
  for (const char* exposed :
       {"\":9901\"", "0.0.0.0:9901", "\"[::]:9901\"", "10.0.0.1:9901",
        "{ address: \"[2001:db8::1]:9901\" }", "{ address: \":9901\", read_only: true }",
        "{ address: \":9901\", tls: { certificates: [{ cert: a, key: b }] } }",
        "{ address: \":9901\", tls: { certificates: [{ cert: a, key: b }], "
        "client_auth: { mode: request, ca: c } } }"}) {
    config::Diagnostics diagnostics = diagnostics_of(exposed);
    ASSERT_EQ(diagnostics.error_count(), 1u) << exposed;
    EXPECT_EQ(diagnostics.sorted().front().code, config::Code::exposed_admin);
    EXPECT_EQ(diagnostics.sorted().front().position.line, 4u);
    EXPECT_THAT(diagnostics.render(), ::testing::HasSubstr("write 127.0.0.1:9901, or give"));
  }
}

TEST(AdminConfig, takes_any_address_with_a_token_over_tls_or_client_certificates) {
  for (const char* kept :
       {"{ address: \":9901\", token_file: t, tls: { certificates: [{ cert: a, key: b }] } }",
        "{ address: \":9901\", tls: { certificates: [{ cert: a, key: b }], "
        "client_auth: { ca: c } } }"}) {
    EXPECT_TRUE(diagnostics_of(kept).empty()) << kept << diagnostics_of(kept).render();
  }
}

TEST(AdminConfig, warns_of_a_token_that_travels_in_clear) {
  config::Diagnostics diagnostics = diagnostics_of("{ address: \":9901\", token_file: t }");
  EXPECT_TRUE(diagnostics.ok());
  ASSERT_EQ(diagnostics.warning_count(), 1u);
  EXPECT_EQ(diagnostics.sorted().front().code, config::Code::exposed_admin);
}

}  // namespace
}  // namespace weir

#include "config/brief.h"

#include <gtest/gtest.h>

#include "config/parse.h"
#include "config/sample_config.h"

namespace weir::config {
namespace {

using sample::Sample;

Sample read(const std::string& text) {
  Diagnostics diagnostics;
  auto result = parse<Sample>(read_text("test.yaml", text, diagnostics), diagnostics);
  EXPECT_TRUE(diagnostics.ok()) << diagnostics.render();
  return result;
}

std::string brief(const std::string& text) { return brief_json(read(text), Secrets::shown); }

TEST(Brief, leaves_out_what_is_the_default) {
  const std::string nothing = brief("flag: false\n");
  EXPECT_EQ(brief("workers: 3\n"), nothing == "{}"
                                       ? "{\"workers\":3}"
                                       : nothing.substr(0, nothing.size() - 1) + ",\"workers\":3}");
}

TEST(Brief, reads_back_as_the_same_value) {
  for (const char* text : {"flag: true\nratio: 0.25\n", "password: hunter2\n",
                           "steps: [ { paint: { colour: green } }, { group: { steps: [ { print: { "
                           "text: a } } ] } } ]\n",
                           "workers: 3\nheaders: { X-A: \"1\" }\n"}) {
    const Sample once = read(text);
    const std::string written = brief_json(once, Secrets::shown);
    EXPECT_TRUE(same(once, read(written))) << written;
    EXPECT_EQ(brief(written), written);
  }
}

TEST(Brief, redacts_secrets_that_are_set) {
  EXPECT_EQ(brief_json(read("password: hunter2\n"), Secrets::redacted).find("hunter2"),
            std::string::npos);
  EXPECT_NE(brief("password: hunter2\n").find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace weir::config

#include "expression/html_page.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "expression/fake_facts.h"

namespace weir {
namespace {

using expression::Fact;
using expression::FakeFacts;
using expression::Source;
using expression::Stage;
using expression::Value;
using ::testing::HasSubstr;

std::string render(std::string_view text, const FakeFacts& facts = FakeFacts::sample()) {
  auto page = HtmlPage::compile(text, Stage::response);
  return page ? page->render(facts) : "error: " + page.error().message;
}

TEST(HtmlPage, fills_its_holes) {
  EXPECT_EQ(render("plain $5 {a} $(x) $"), "plain $5 {a} $(x) $");
  EXPECT_EQ(render("<b>${host}</b>${request_id}"), "<b>shop.example</b>abc123");
  EXPECT_EQ(render("${client_ip}"), "10.1.2.3");
  EXPECT_EQ(render("`$${a}` ${host} $${"), "`${a}` shop.example ${");
  EXPECT_EQ(render(""), "");
  EXPECT_EQ(render("[${header.none}]"), "[]");
  EXPECT_EQ(render(std::string(100'000, 'x') + "${host}"),
            std::string(100'000, 'x') + "shop.example");
}

TEST(HtmlPage, never_lets_a_value_become_markup) {
  FakeFacts facts;
  facts.set(Fact::path, Value::of(std::string_view("/<script>&\"'")));
  facts.add(Source::header, "user-agent", "<img onerror='x'>");
  EXPECT_EQ(render("${path}", facts), "/&lt;script&gt;&amp;&quot;&#39;");
  EXPECT_EQ(render("<a title=\"${header.user-agent}\">", facts),
            "<a title=\"&lt;img onerror=&#39;x&#39;&gt;\">");
  EXPECT_EQ(render("${lower(path)}", facts), "/&lt;script&gt;&amp;&quot;&#39;");
}

TEST(HtmlPage, refuses_a_hole_that_is_none) {
  for (std::string_view bad : {"${nothing}", "${", "${host", "a ${} b", "${host} ${x y}"}) {
    EXPECT_THAT(render(bad), HasSubstr("error: ")) << bad;
  }
}

TEST(HtmlPage, comes_from_a_file_up_to_a_size) {
  std::string name = "/tmp/weir-page-XXXXXX";
  std::filesystem::path folder = ::mkdtemp(name.data());
  auto load = [&](std::size_t size) {
    config::Located<std::string> file;
    file.value = folder / "page.html";
    std::ofstream(*file) << std::string(size, 'x');
    config::Diagnostics diagnostics;
    auto page = HtmlPage::load(file, Stage::response, diagnostics);
    EXPECT_EQ(page.has_value(), diagnostics.ok());
    return page && page->render(FakeFacts::sample()).size() == size;
  };
  EXPECT_TRUE(load(0));
  EXPECT_TRUE(load(HtmlPage::kMost - 1));
  EXPECT_TRUE(load(HtmlPage::kMost));
  EXPECT_FALSE(load(HtmlPage::kMost + 1));
  config::Located<std::string> none;
  config::Diagnostics diagnostics;
  none.value = folder / "none.html";
  EXPECT_FALSE(HtmlPage::load(none, Stage::response, diagnostics));
  EXPECT_FALSE(diagnostics.ok());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace weir

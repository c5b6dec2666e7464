#include "expression/html_page.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <list>

#include <fmt/format.h>

namespace weir {
namespace {

using expression::Fact;
using expression::Facts;
using expression::Source;
using expression::Value;

std::string escape(std::string_view text) {
  std::string safe;
  for (char c : text) {
    switch (c) {
      case '&': safe += "&amp;"; break;
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '"': safe += "&quot;"; break;
      case '\'': safe += "&#39;"; break;
      default: safe += c;
    }
  }
  return safe;
}

/// The facts of an exchange, of which no text is markup.
class HtmlFacts final : public Facts {
 public:
  explicit HtmlFacts(const Facts& facts) : facts_(facts) {}

  Value get(Fact fact) const override {
    Value value = facts_.get(fact);
    return value.kind == Value::Kind::text ? Value::of(keep(value.text)) : value;
  }
  bool next(Source source, std::string_view name, std::size_t& position,
            std::string_view& value) const override {
    bool found = facts_.next(source, name, position, value);
    if (found) value = keep(value);
    return found;
  }

 private:
  std::string_view keep(std::string_view text) const { return kept_.emplace_back(escape(text)); }

  const Facts& facts_;
  mutable std::list<std::string> kept_;
};

}  // namespace

std::expected<HtmlPage, expression::CompileError> HtmlPage::compile(std::string_view text,
                                                                    expression::Stage stage) {
  HtmlPage page;
  Part part;
  while (true) {
    std::size_t at = text.find("${");
    if (at == std::string_view::npos) break;
    if (at > 0 && text[at - 1] == '$') {
      part.text.append(text.substr(0, at - 1)).append("${");
      text.remove_prefix(at + 2);
      continue;
    }
    std::size_t end = std::min(text.find('}', at), text.size() - 1) + 1;
    auto hole =
        expression::Template::compile(text.substr(at, end - at), stage, expression::Escape::none);
    if (!hole) return std::unexpected(hole.error());
    part.text += text.substr(0, at);
    part.hole = std::move(*hole);
    page.parts_.push_back(std::exchange(part, {}));
    text.remove_prefix(end);
  }
  part.text += text;
  page.parts_.push_back(std::move(part));
  return page;
}

std::optional<HtmlPage> HtmlPage::load(const config::Located<std::string>& file,
                                       expression::Stage stage, config::Diagnostics& diagnostics) {
  auto refuse = [&](std::string_view why, std::string help) {
    diagnostics.error(file.position, config::Code::unreadable_reference,
                      fmt::format("\"{}\": {}", *file, why), std::move(help));
    return std::nullopt;
  };
  std::ifstream stream(*file, std::ios::binary);
  std::string text(kMost + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!stream.is_open() || stream.bad()) {
    return refuse(std::strerror(errno), "the page must be a file that this user may read");
  }
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kMost) return refuse("larger than 256KiB", "link to what makes it so large");
  auto page = compile(text, stage);
  if (!page) return refuse(page.error().message, page.error().help);
  return std::move(*page);
}

std::string HtmlPage::render(const Facts& facts) const {
  HtmlFacts safe(facts);
  std::string page;
  for (const Part& part : parts_) {
    page += part.text;
    if (part.hole) part.hole->append_to(page, safe);
  }
  return page;
}

}  // namespace weir

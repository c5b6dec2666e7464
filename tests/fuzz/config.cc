// Configuration files: any bytes are read or refused with diagnostics that can be printed; what is
// accepted reads back from its own dump, and from its short form, as the same configuration.
#include <cstdint>
#include <string>

#include "config/brief.h"
#include "config/dump.h"
#include "config/json_document.h"
#include "config/parse.h"
#include "config/places.h"
#include "config/sample_config.h"
#include "require.h"
#include "server/config.h"

namespace {

using weir::config::Diagnostics;
using weir::config::Document;
using weir::config::Secrets;
using weir::config::YamlLimits;

// Small, so that a few bytes reach them.
constexpr YamlLimits kLimits{
    .bytes = 1 << 16, .depth = 64, .nodes = 20'000, .alias_nodes = 500, .alias_bytes = 10'000};

void check_diagnostics(const Diagnostics& diagnostics) {
  for (const auto& entry : diagnostics.sorted()) {
    require(!entry.message.empty(), "every problem has a message");
  }
  const std::string text = diagnostics.render(true);
  require(diagnostics.empty() == text.empty(), "problems are shown");
  require(diagnostics.render_json().starts_with("["), "problems come as JSON");
}

// Parse reads a document into a config struct.
template <class Parse>
void round_trip(const std::string& text, Parse parse) {
  Diagnostics diagnostics;
  const Document document = weir::config::read_text("fuzz.yaml", text, diagnostics, kLimits);
  const auto value = parse(document, diagnostics);
  check_diagnostics(diagnostics);
  if (!diagnostics.ok()) return;
  const std::string dump = weir::config::dump_yaml(value, Secrets::shown);
  Diagnostics second;
  const Document reread = weir::config::read_text("dump.yaml", dump, second);
  const auto again = parse(reread, second);
  require(second.ok(), "what was accepted is accepted again as its dump");
  require(weir::config::dump_yaml(again, Secrets::shown) == dump, "a dump reads back as itself");
  require(weir::config::same(value, again), "a dump loses nothing");
  const std::string brief = weir::config::brief_json(value, Secrets::shown);
  Diagnostics third;
  const auto json = weir::config::read_json(brief);
  require(json.has_value(), "the short form is strict JSON");
  const auto short_one = parse(weir::config::document_of(*json, "brief", third), third);
  require(third.ok(), "what was accepted is accepted again in short");
  require(weir::config::same(value, short_one), "the short form loses nothing");
}

// What a program sends: the same text as JSON, if it is some.
void json_change(const std::string& text) {
  const auto json = weir::config::read_json(text);
  if (!json) return require(!json.error().empty(), "what is no JSON is refused with a reason");
  Diagnostics diagnostics;
  const Document document = weir::config::document_of(*json, "change", diagnostics);
  (void)weir::parse_server_config(document, diagnostics);
  const weir::config::Places places(document.tree);
  for (const auto& entry : diagnostics.sorted()) (void)places.path(entry.position);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  round_trip(text, [](const Document& document, Diagnostics& diagnostics) {
    return weir::parse_server_config(document, diagnostics);
  });
  round_trip(text, [](const Document& document, Diagnostics& diagnostics) {
    return weir::config::parse<weir::config::sample::Sample>(document, diagnostics);
  });
  json_change(text);
  return 0;
}

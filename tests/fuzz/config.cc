// Configuration files: any bytes are read or refused with diagnostics that can be printed; what is
// accepted reads back from its own dump as the same configuration.
#include <cstdint>
#include <string>

#include "config/dump.h"
#include "config/parse.h"
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
  return 0;
}

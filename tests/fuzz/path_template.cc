// Rewrites and redirects: any rule with any path; what comes out is the same twice, values stay in
// their places, and a target made of it is normal or refused.
#include "expression/path_template.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "expression/fake_facts.h"
#include "http/target.h"
#include "require.h"

namespace {

using namespace weir::expression;

std::string line(std::string_view& rest) {
  std::size_t end = std::min(rest.find('\n'), rest.size());
  std::string taken(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return taken;
}

void check_values(const std::string& value) {
  auto made = PathTemplate::compile("/a/${query.v}/b?c=${query.v}&d", Stage::route, -1);
  FakeFacts facts;
  facts.add(Source::query, "v", value);
  std::string out;
  made->append_to(out, facts, {});
  require(out.find_first_of("#\\ \r\n") == std::string::npos, "only what an address may have");
  require(std::count(out.begin(), out.end(), '/') == 3, "a value makes no segment");
  require(std::count(out.begin(), out.end(), '&') == 1, "a value makes no parameter");
  require(std::count(out.begin(), out.end(), '?') == 1, "a value makes no query");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::string regex = line(rest), to = line(rest), path = line(rest);
  check_values(path);
  auto pattern = CapturingRegex::compile(regex);
  if (!pattern) return 0;
  auto made = PathTemplate::compile(to, Stage::route, pattern->groups());
  weir::Arena arena;
  auto target = weir::parse_target(path, weir::TargetRule::ordinary, arena);
  if (!made || !target) return 0;
  Captures captures;
  if (!pattern->match(target->path, captures)) return 0;
  FakeFacts facts = FakeFacts::sample();
  std::string once, twice;
  made->append_to(once, facts, captures);
  made->append_to(twice, facts, captures);
  require(once == twice, "the same twice");
  auto fresh = weir::parse_target(once, weir::TargetRule::ordinary, arena);
  if (!fresh) return 0;
  auto again = weir::parse_target(fresh->path_query, weir::TargetRule::ordinary, arena);
  require(again && again->path == fresh->path && again->query == fresh->query, "normal");
  return 0;
}

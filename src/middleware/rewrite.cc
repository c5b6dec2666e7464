#include "middleware/rewrite.h"

#include <fmt/format.h>

#include <algorithm>

#include "expression/exchange_facts.h"
#include "expression/header_edits.h"
#include "http/exchange.h"

namespace weir {
namespace {

Task<Result<Response>> refuse(Error error) { co_return fail(error); }

bool is_dots(std::string_view segment) {
  std::size_t dots = 0;
  while (!segment.empty()) {
    if (segment.front() == '.') {
      segment.remove_prefix(1);
    } else if (segment.starts_with("%2E") || segment.starts_with("%2e")) {
      segment.remove_prefix(3);
    } else {
      return false;
    }
    ++dots;
  }
  return dots == 1 || dots == 2;
}

// A client's path may have them. In a new path they come from a value that would lead out of the
// place that it fills.
bool has_dots(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);
    std::size_t end = std::min(path.find('/'), path.size());
    if (is_dots(path.substr(0, end))) return true;
    path.remove_prefix(end);
  }
  return false;
}

}  // namespace

std::optional<config::Problem> check_rewrite_prefix(std::string_view text) {
  Arena arena;
  Result<std::string_view> normal = normalise_path(text, arena);
  if (normal && *normal == text) return std::nullopt;
  return config::Problem{config::Code::bad_text,
                         fmt::format("\"{}\" is no path as requests have it", text),
                         normal ? fmt::format("write {}", *normal) : "write it like /old"};
}

std::optional<config::Problem> check_rewrite_to(std::string_view text) {
  if (text.starts_with('/') || text.starts_with('$')) return std::nullopt;
  return config::Problem{config::Code::bad_text, fmt::format("\"{}\" is no path", text),
                         "begin it with a slash; for another site there is `redirect`"};
}

void RewriteConfig::check(const config::Found& found) const {
  if (prefix.empty()) return;
  if (!regex->empty()) {
    found.error("regex", config::Code::contradiction,
                "what is replaced is found by \"prefix\" or by \"regex\", not by both",
                "keep one of them, or write two rewrites");
  }
  if (to->find('?') != std::string::npos) {
    found.error("to", config::Code::contradiction, "the path goes on behind a prefix",
                "a \"regex\" can put the rest of the path before a query");
  }
}

RewriteMiddleware::RewriteMiddleware(const RewriteConfig& config,
                                     config::Diagnostics& diagnostics) {
  if (!config.prefix.empty()) {
    prefix_ = config.prefix;
    while (prefix_->ends_with('/')) prefix_->pop_back();
  }
  if (!config.regex->empty()) {
    auto compiled = expression::CapturingRegex::compile(*config.regex);
    if (!compiled) {
      diagnostics.error(config.regex.position, config::Code::bad_regex,
                        fmt::format("\"{}\" cannot be used: {}", *config.regex, compiled.error()));
      return;  // what it captures is not known
    }
    regex_ = std::move(*compiled);
  }
  auto to = expression::PathTemplate::compile(*config.to, expression::Stage::route,
                                              regex_ ? regex_->groups() : -1);
  if (to) {
    to_ = std::move(*to);
  } else {
    report(to.error(), config.to.position, diagnostics);
  }
}

Task<Result<Response>> RewriteMiddleware::handle(Exchange& exchange, Next next) const {
  if (Status done = rewrite(exchange); !done) return refuse(done.error());
  return next(exchange);
}

bool RewriteMiddleware::matches(std::string_view path, std::string_view& rest,
                                expression::Captures& captures) const {
  captures[0] = path;
  if (regex_) return regex_->match(path, captures);
  if (!prefix_) return true;
  if (!path.starts_with(*prefix_)) return false;
  rest = path.substr(prefix_->size());
  return rest.empty() || rest.front() == '/';
}

Status RewriteMiddleware::rewrite(Exchange& exchange) const {
  Target& target = exchange.request().target;
  // CONNECT and OPTIONS * have no path.
  if (target.form == TargetForm::authority || target.form == TargetForm::asterisk) return {};
  std::string_view rest;
  expression::Captures captures;
  if (!matches(target.path, rest, captures)) return {};
  static thread_local std::string text;
  text.clear();
  to_->append_to(text, expression::ExchangeFacts(exchange), captures);
  if (prefix_) {
    if (text.ends_with('/') && !rest.empty()) text.pop_back();
    text += rest;
  }
  if (!to_->has_query() && target.has_query()) text.append("?").append(target.query);
  if (text.size() > kMostBytes) {
    return fail(ErrorCode::target_too_long, Origin::client, "the rewritten target");
  }
  if (!text.starts_with('/')) {
    return fail(ErrorCode::bad_target, Origin::client, "the rewritten target is no path");
  }
  Arena& arena = exchange.arena();
  Result<Target> fresh = parse_target(arena.copy(text), TargetRule::ordinary, arena);
  if (!fresh) return fail(fresh.error());
  if (has_dots(fresh->raw_path)) {
    return fail(ErrorCode::bad_target, Origin::client, "the rewritten path has dots for a segment");
  }
  target.path = fresh->path;
  target.query = fresh->query;
  target.path_query = fresh->path_query;
  return {};
}

}  // namespace weir

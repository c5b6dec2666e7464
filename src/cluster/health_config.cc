#include "cluster/health_config.h"

#include <charconv>
#include <initializer_list>

#include <fmt/format.h>

#include "cluster/health_command.h"

namespace weir {
namespace {

using config::Code;
using config::Problem;

std::optional<std::uint16_t> read_status(std::string_view text) {
  std::uint16_t status = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  bool whole = error == std::errc() && end == text.data() + text.size() && text.size() == 3;
  if (!whole || status < 100 || status > 599) return std::nullopt;
  return status;
}

// Of a request's head: a character that could end the line or the word is none of these.
bool all_visible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

/// Refuses options that another type of check has.
class Options {
 public:
  Options(const HealthConfig& config, const config::Found& found)
      : type_(config.type), found_(found) {}

  // A dump of all that is in force says the defaults too: what counts is whether one was changed.
  void only_for(std::initializer_list<HealthCheckType> types, std::string_view option,
                bool changed) const {
    if (!changed || std::ranges::find(types, type_) != types.end()) return;
    std::string owners;
    for (HealthCheckType each : types) {
      owners += fmt::format("{}{}", owners.empty() ? "" : " and ", config::enum_word(each));
    }
    found_.error(option, Code::contradiction,
                 fmt::format("a check of type {} has no \"{}\"", config::enum_word(type_), option),
                 fmt::format("it belongs to {}; remove it, or change \"type\"", owners));
  }

 private:
  HealthCheckType type_;
  const config::Found& found_;
};

void check_command(const HealthConfig& config, const config::Found& found) {
  if (config.type != HealthCheckType::exec) return;
  if (config.command.empty()) {
    found.error("command", Code::missing_key, "a check of type exec needs a \"command\"",
                "add it: the program and its arguments, as a list");
    return;
  }
  const std::string& program = *config.command.front();
  bool in_path = program.find('/') == std::string::npos;
  if (!program.empty() && (in_path || program.starts_with('/'))) return;
  found.error("command", Code::bad_text, fmt::format("\"{}\" is no program", program),
              "write an absolute path, or a name that is found in PATH");
}

}  // namespace

std::optional<StatusRange> StatusRange::parse(std::string_view text) {
  std::size_t dash = text.find('-');
  auto first = read_status(text.substr(0, dash));
  auto last = dash == text.npos ? first : read_status(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return StatusRange{*first, *last};
}

std::optional<Problem> check_status_range(std::string_view text) {
  if (StatusRange::parse(text)) return std::nullopt;
  return Problem{Code::bad_text,
                 fmt::format("\"{}\" is neither a status nor a range of them", text),
                 "write it like 200 or 300-399; statuses are 100 to 599"};
}

std::optional<Problem> check_health_path(std::string_view text) {
  bool plain = text.starts_with('/') && all_visible(text) && text.find('#') == text.npos;
  if (plain) return std::nullopt;
  return Problem{Code::bad_text, fmt::format("\"{}\" is no path", text),
                 "it begins with a slash and has no spaces; write others as %20 and so on"};
}

std::optional<Problem> check_health_host(std::string_view text) {
  bool plain = all_visible(text) && text.find_first_of("/?#@\\") == text.npos;
  if (plain) return std::nullopt;
  return Problem{Code::bad_text, fmt::format("\"{}\" is no host", text),
                 "write a name or an address, and a port if it is needed: shop.example:8080"};
}

std::optional<Problem> check_health_argument(std::string_view text) {
  if (text.find('\0') != text.npos) return Problem{Code::bad_text, "an argument with a NUL", {}};
  auto unknown = unknown_placeholder(text);
  if (!unknown) return std::nullopt;
  return Problem{Code::bad_text, fmt::format("\"{}\" stands for nothing", *unknown),
                 "there are {address}, {host} and {port}"};
}

void HealthConfig::check(const config::Found& found) const {
  using enum HealthCheckType;
  const HealthConfig defaults;
  Options options(*this, found);
  options.only_for({http}, "path", path != defaults.path);
  options.only_for({http, grpc}, "host", !host.empty());
  options.only_for({http}, "status", status != defaults.status);
  options.only_for({http}, "body", !body.empty());
  options.only_for({http}, "body_regex", !body_regex->empty());
  options.only_for({tcp}, "send", !send.empty());
  options.only_for({tcp}, "expect", !expect.empty());
  options.only_for({grpc}, "service", !service.empty());
  options.only_for({exec}, "command", !command.empty());
  options.only_for({http, tcp, grpc}, "tls", !tls);
  check_command(*this, found);
  if (!body.empty() && !body_regex->empty()) {
    found.error("body_regex", Code::contradiction,
                "a body is judged by \"body\" or by \"body_regex\", not by both", "keep one");
  }
  if (timeout && *timeout > every) {
    found.error("timeout", Code::contradiction,
                fmt::format("a check that may take {} cannot begin every {}",
                            config::write_duration(*timeout), config::write_duration(every)),
                "make \"timeout\" shorter, or \"every\" longer");
  }
}

}  // namespace weir

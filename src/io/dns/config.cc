#include "io/dns/config.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

#include "io/dns/message.h"

namespace weir::dns {
namespace {

constexpr std::size_t kMaxFileBytes = 1024 * 1024;
constexpr std::uint16_t kPort = 53;

/// Cuts the next word off `line`; empty at its end.
std::string_view next_word(std::string_view& line) {
  std::size_t begin = line.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return line = {};
  std::size_t end = line.find_first_of(" \t\r", begin);
  std::string_view word = line.substr(begin, end - begin);
  line = end == std::string_view::npos ? std::string_view() : line.substr(end);
  return word;
}

/// Calls `use(line)` for each line, without what follows one of `comments`.
template <class Use>
void for_each_line(std::string_view text, std::string_view comments, Use&& use) {
  while (!text.empty()) {
    std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    use(line.substr(0, line.find_first_of(comments)));
  }
}

void take_number(std::string_view text, unsigned least, unsigned most, unsigned& into) {
  unsigned number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range)
    number = most;
  else if (error != std::errc() || end != text.data() + text.size())
    return;
  into = std::clamp(number, least, most);
}

void take_option(std::string_view option, ServerConfig& into) {
  std::size_t colon = option.find(':');
  std::string_view name = option.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : option.substr(colon + 1);
  if (name == "ndots") take_number(value, 0, 15, into.ndots);
  if (name == "attempts") take_number(value, 1, 5, into.attempts);
  if (name == "timeout") {
    unsigned seconds = 0;
    take_number(value, 1, 30, seconds);
    if (seconds != 0) into.timeout = std::chrono::seconds(seconds);
  }
  if (option == "rotate") into.rotate = true;
  if (option == "use-vc") into.use_tcp = true;
}

void take_search(std::string_view words, std::size_t most, ServerConfig& into) {
  into.search.clear();
  while (into.search.size() < most) {
    std::string_view word = next_word(words);
    if (word.empty()) return;
    if (auto name = parse_host_name(word)) into.search.push_back(std::move(name->text));
  }
}

std::string read_file(const std::string& path) {
  std::string text;
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return text;
  text.resize(kMaxFileBytes);
  std::size_t used = 0;
  while (used < text.size()) {
    ssize_t got = ::read(file, text.data() + used, text.size() - used);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    used += static_cast<std::size_t>(got);
  }
  ::close(file);
  // A line that was cut off could mean something else.
  if (used == kMaxFileBytes) used = std::string_view(text).rfind('\n') + 1;
  text.resize(used);
  text.shrink_to_fit();
  return text;
}

}  // namespace

ServerConfig parse_resolv_conf(std::string_view text) {
  ServerConfig config;
  for_each_line(text, "#;", [&](std::string_view line) {
    std::string_view keyword = next_word(line);
    if (keyword == "nameserver") {
      auto ip = IpAddress::parse(next_word(line));
      if (ip && config.servers.size() < ServerConfig::kMaxServers) {
        config.servers.emplace_back(*ip, kPort);
      }
    } else if (keyword == "search") {
      take_search(line, ServerConfig::kMaxSearch, config);
    } else if (keyword == "domain") {
      take_search(line, 1, config);
    } else if (keyword == "options") {
      for (auto option = next_word(line); !option.empty(); option = next_word(line)) {
        take_option(option, config);
      }
    }
  });
  if (config.servers.empty()) config.servers.emplace_back(*IpAddress::parse("127.0.0.1"), kPort);
  return config;
}

Hosts Hosts::parse(std::string_view text) {
  Hosts hosts;
  for_each_line(text, "#", [&](std::string_view line) {
    auto ip = IpAddress::parse(next_word(line));
    if (!ip) return;
    for (auto word = next_word(line); !word.empty(); word = next_word(line)) {
      auto name = parse_host_name(word);
      if (!name) continue;
      std::vector<IpAddress>& known = hosts.names_[std::move(name->text)];
      bool there = std::ranges::find(known, *ip) != known.end();
      if (!there && known.size() < kMaxAddresses) known.push_back(*ip);
    }
  });
  return hosts;
}

const std::vector<IpAddress>* Hosts::find(std::string_view name) const {
  auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second;
}

Settings load_settings(const std::string& resolv_conf, const std::string& hosts) {
  return {parse_resolv_conf(read_file(resolv_conf)), Hosts::parse(read_file(hosts))};
}

}  // namespace weir::dns

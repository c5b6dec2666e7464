#include "upstream/sticky.h"

#include <array>
#include <string_view>

#include "expression/exchange_facts.h"

namespace weir {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";
constexpr std::size_t kLength = 32;

using Text = std::array<char, kLength>;

void put(std::uint64_t word, char* to) {
  for (int i = 15; i >= 0; --i, word >>= 4) to[i] = kDigits[word & 15];
}

std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t word = 0;
  for (char c : digits) {
    std::size_t digit = kDigits.find(c);
    if (digit == kDigits.npos) return std::nullopt;
    word = word << 4 | digit;
  }
  return word;
}

std::string_view attribute(SameSite same_site) {
  switch (same_site) {
    case SameSite::lax: return "; SameSite=Lax";
    case SameSite::strict: return "; SameSite=Strict";
    case SameSite::none: return "; SameSite=None";
  }
  return {};
}

}  // namespace

std::optional<Alias> StickyCookie::read(Exchange& exchange) const {
  std::size_t position = 0;
  std::string_view value;
  expression::ExchangeFacts facts(exchange);
  if (!facts.next(expression::Source::cookie, name, position, value)) return std::nullopt;
  if (value.size() != kLength) return std::nullopt;
  auto high = number(value.substr(0, 16)), low = number(value.substr(16));
  if (!high || !low) return std::nullopt;
  return Alias{*high, *low};
}

// Browsers refuse SameSite=None without Secure.
void StickyCookie::write(Exchange& exchange, Response& response, const Alias& alias) const {
  Text text;
  put(alias.high, text.data());
  put(alias.low, text.data() + 16);
  std::string age;
  if (max_age) {
    age = "; Max-Age=" + std::to_string(*max_age / std::chrono::seconds(1));
  }
  bool secure = exchange.request().scheme == "https" || same_site == SameSite::none;
  response.headers.add(HeaderId::set_cookie, exchange.arena().concat({name,
                                                                      "=",
                                                                      {text.data(), text.size()},
                                                                      "; Path=",
                                                                      path,
                                                                      age,
                                                                      "; HttpOnly",
                                                                      secure ? "; Secure" : "",
                                                                      attribute(same_site)}));
}

}  // namespace weir

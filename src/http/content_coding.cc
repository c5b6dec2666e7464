#include "http/content_coding.h"

#include "http/vary.h"

namespace weir {
namespace {

constexpr std::uint16_t kWhole = 1000;

// weight = OWS ";" OWS "q=" qvalue (RFC 9110, 12.4.2); nothing for what is none.
std::optional<std::uint16_t> parse_weight(std::string_view text) {
  text = trim_ows(text);
  if (text.size() < 3 || ascii_lower(text[0]) != 'q' || text[1] != '=') return std::nullopt;
  text.remove_prefix(2);
  if (text[0] != '0' && text[0] != '1') return std::nullopt;
  std::uint16_t weight = text[0] == '1' ? kWhole : 0;
  if (text.size() == 1) return weight;
  if (text[1] != '.' || text.size() > 5) return std::nullopt;
  std::uint16_t digit_worth = 100;
  for (char c : text.substr(2)) {
    if (!is_digit(c)) return std::nullopt;
    weight = static_cast<std::uint16_t>(weight + (c - '0') * digit_worth);
    digit_worth /= 10;
  }
  if (weight > kWhole) return std::nullopt;
  return weight;
}

}  // namespace

std::string_view name(Coding coding) {
  switch (coding) {
    case Coding::identity: return "identity";
    case Coding::gzip: return "gzip";
    case Coding::zstd: return "zstd";
    case Coding::brotli: return "br";
  }
  return {};
}

std::optional<Coding> parse_coding(std::string_view text) {
  if (iequals(text, "gzip") || iequals(text, "x-gzip")) return Coding::gzip;
  if (iequals(text, "br")) return Coding::brotli;
  if (iequals(text, "zstd")) return Coding::zstd;
  if (iequals(text, "identity")) return Coding::identity;
  return std::nullopt;
}

AcceptedCodings::AcceptedCodings(const Headers& request) {
  weights_.fill(kUnset);
  request.for_each(HeaderId::accept_encoding, [this](std::string_view list) { read(list); });
}

void AcceptedCodings::read(std::string_view list) {
  for_each_token(list, [this](std::string_view element) {
    std::size_t semicolon = element.find(';');
    std::optional<std::uint16_t> weight = kWhole;
    if (semicolon != std::string_view::npos) weight = parse_weight(element.substr(semicolon + 1));
    if (!weight) return;
    std::string_view coding = trim_ows(element.substr(0, semicolon));
    if (coding == "*") {
      any_ = *weight;
    } else if (std::optional<Coding> known = parse_coding(coding)) {
      weights_[static_cast<std::size_t>(*known)] = *weight;
    }
  });
}

std::uint16_t AcceptedCodings::weight(Coding coding) const {
  std::uint16_t named = weights_[static_cast<std::size_t>(coding)];
  if (named != kUnset) return named;
  if (any_ != kUnset) return any_;
  return coding == Coding::identity ? 1 : 0;
}

Coding AcceptedCodings::choose(std::span<const Coding> offered) const {
  Coding best = Coding::identity;
  std::uint16_t most = 0;
  for (Coding each : offered) {
    if (weight(each) <= most) continue;
    most = weight(each);
    best = each;
  }
  // By `*` everything is liked alike, and then fewer bytes are better.
  std::uint16_t plain = weights_[static_cast<std::size_t>(Coding::identity)];
  return plain != kUnset && plain > most ? Coding::identity : best;
}

void AcceptedCodings::NormalForm::add(std::string_view text) {
  std::copy(text.begin(), text.end(), text_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += text.size();
}

// Weights become ranks. What is not encoded stands in it only where it is named: it is taken
// anyway.
AcceptedCodings::NormalForm AcceptedCodings::normal_form() const {
  constexpr std::array<std::string_view, kCodings> kRanks = {"", ";q=0.9", ";q=0.8", ";q=0.7"};
  NormalForm form;
  std::size_t rank = 0;
  bool plain = weights_[static_cast<std::size_t>(Coding::identity)] != kUnset;
  for (std::uint16_t below = kWhole + 1; below > 0;) {
    std::uint16_t most = 0;
    for (std::size_t i = 0; i < kCodings; ++i) {
      auto coding = static_cast<Coding>(i);
      if (coding == Coding::identity && !plain) continue;
      if (weight(coding) < below) most = std::max(most, weight(coding));
    }
    below = most;
    if (most == 0) break;
    for (std::size_t i = 0; i < kCodings; ++i) {
      auto coding = static_cast<Coding>(i);
      if (weight(coding) != most || (coding == Coding::identity && !plain)) continue;
      if (form.size_ > 0) form.add(", ");
      form.add(name(coding));
      form.add(kRanks[rank]);
    }
    ++rank;
  }
  if (form.size_ == 0) form.add("identity");
  return form;
}

void vary_by_encoding(Headers& response) { vary_by(response, "Accept-Encoding"); }

}  // namespace weir

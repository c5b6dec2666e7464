#include "expression/budget_key.h"

#include <algorithm>
#include <cstring>

#include <openssl/evp.h>

#include "core/hash.h"
#include "expression/parser.h"

namespace weir::expression {
namespace {

/// The facts of an exchange whose client is known by its network only.
class NetworkFacts final : public Facts {
 public:
  explicit NetworkFacts(const Facts& facts) : facts_(facts) {}

  Value get(Fact fact) const override {
    Value value = facts_.get(fact);
    if (value.kind == Value::Kind::address) value.address = network_of(value.address);
    return value;
  }
  bool next(Source source, std::string_view name, std::size_t& position,
            std::string_view& value) const override {
    return facts_.next(source, name, position, value);
  }

 private:
  // An IPv4 address that is written as IPv6 (::ffff:a.b.c.d) is one client as well.
  static IpAddress network_of(IpAddress address) {
    constexpr std::uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (address.v4) return address;
    if (std::memcmp(address.bytes.data(), kMapped, sizeof kMapped) == 0) {
      std::fill_n(address.bytes.begin(), sizeof kMapped, std::uint8_t{0});
      address.v4 = true;
      return address;
    }
    std::fill(address.bytes.begin() + 8, address.bytes.end(), std::uint8_t{0});
    return address;
  }

  const Facts& facts_;
};

constexpr std::uint32_t kAbsent = ~0u;

}  // namespace

std::expected<void, CompileError> BudgetKey::add(std::string_view source, Stage stage) {
  std::expected<Operand, CompileError> value = parse_value(source, stage);
  if (!value) return std::unexpected(value.error());
  values_.push_back(program_.add(*value));
  return {};
}

// The length behind each value keeps `a` and `bc` from being `ab` and `c`, whatever they contain.
template <class Size>
void BudgetKey::put(const Facts& facts, Sink& sink, Size size) const {
  NetworkFacts networks(facts);
  for (AtomRange value : values_) {
    std::size_t before = size();
    bool there = program_.put(value, networks, sink, Escape::none);
    std::uint32_t length = there ? static_cast<std::uint32_t>(size() - before) : kAbsent;
    char bytes[sizeof length];
    std::memcpy(bytes, &length, sizeof length);
    sink.put({bytes, sizeof bytes});
  }
}

template <class Use>
auto BudgetKey::with_text(const Facts& facts, Use use) const {
  char buffer[512];
  Sink sink(buffer, sizeof buffer);
  auto written = [&] { return static_cast<std::size_t>(sink.position() - buffer); };
  put(facts, sink, written);
  if (!sink.failed()) return use(std::string_view(buffer, written()));
  std::string text;
  Sink growing(text);
  put(facts, growing, [&] { return text.size(); });
  return use(std::string_view(text));
}

std::uint64_t BudgetKey::hash(const Facts& facts, std::uint64_t seed) const {
  return with_text(facts, [&](std::string_view text) { return stable_hash(text, seed); });
}

std::array<char, 32> BudgetKey::digest(const Facts& facts, std::string_view scope) const {
  return with_text(facts, [&](std::string_view text) {
    std::string whole(scope);
    whole += '\0';
    whole += text;
    unsigned char sum[EVP_MAX_MD_SIZE] = {};
    EVP_Digest(whole.data(), whole.size(), sum, nullptr, EVP_sha256(), nullptr);
    std::array<char, 32> digits;
    for (std::size_t i = 0; i < digits.size(); ++i) {
      digits[i] = "0123456789abcdef"[i % 2 == 0 ? sum[i / 2] >> 4 : sum[i / 2] & 15];
    }
    return digits;
  });
}

}  // namespace weir::expression

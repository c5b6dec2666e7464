// Content codings, and which of them a client takes (RFC 9110, 8.4.1 and 12.5.3).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "http/headers.h"

namespace weir {

enum class Coding : std::uint8_t { identity, gzip, zstd, brotli };

inline constexpr std::size_t kCodings = 4;

/// As it stands in Content-Encoding: "gzip", "zstd", "br", "identity".
std::string_view name(Coding coding);

/// One of the names above, or `x-gzip`, in any case of letters.
std::optional<Coding> parse_coding(std::string_view text);

/// What Accept-Encoding says. A client that sends none takes what is not encoded; an element whose
/// weight cannot be read counts for nothing.
class AcceptedCodings {
 public:
  explicit AcceptedCodings(const Headers& request);

  /// In thousandths; 0 is a refusal. What is not encoded and not spoken of is taken, but liked less
  /// than anything that is named.
  std::uint16_t weight(Coding coding) const;

  /// Of those `offered`, best first, the one that the client likes most; what is not encoded where
  /// it takes none of them, or likes that better. A client that refuses even that gets it all the
  /// same: an answer that it may not be able to read helps more than none.
  Coding choose(std::span<const Coding> offered) const;

  /// The same wishes in one spelling, whatever the order, the weights and what nobody here knows:
  /// what is liked most first. Of few texts, for a cache to tell variants apart.
  class NormalForm {
   public:
    std::string_view view() const { return {text_.data(), size_}; }

   private:
    friend class AcceptedCodings;
    void add(std::string_view text);
    std::array<char, 96> text_;
    std::size_t size_ = 0;
  };
  NormalForm normal_form() const;

 private:
  void read(std::string_view list);

  static constexpr std::uint16_t kUnset = 0xffff;
  std::array<std::uint16_t, kCodings> weights_;
  std::uint16_t any_ = kUnset;  // of `*`
};

/// Adds Accept-Encoding to the Vary of a response, unless it is there or `*` is.
void vary_by_encoding(Headers& response);

}  // namespace weir

// Cuts the text of an expression into words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::expression {

struct Token {
  enum class Kind : std::uint8_t {
    end,
    word,      ///< a name or a keyword; `text` is the word
    field,     ///< header."odd name"; `text` is the word with its dot, `value` the name
    text,      ///< `value` is the text without quotes and escapes
    number,    ///< `number`
    duration,  ///< `number` in nanoseconds
    symbol,    ///< == != < <= > >= ( ) [ ] , }
    invalid,   ///< `value` says what is wrong, `help` what to write
  };
  Kind kind = Kind::end;
  std::size_t offset = 0;
  std::string_view text;  ///< as written
  std::string value;
  std::string help;
  std::int64_t number = 0;

  bool is(std::string_view symbol_or_word) const {
    return (kind == Kind::symbol || kind == Kind::word) && text == symbol_or_word;
  }
};

class Lexer {
 public:
  explicit Lexer(std::string_view source, std::size_t offset = 0) : source_(source), at_(offset) {}

  Token next();
  /// The word at `offset` read as an address or network: up to a space or one of `,])}`.
  Token address(std::size_t offset);

 private:
  Token quoted(Token token);
  Token number(Token token);
  Token word(Token token);
  Token symbol(Token token);
  Token finish(Token token, Token::Kind kind);
  Token invalid(Token token, std::string message, std::string help = {});
  std::string_view rest() const { return source_.substr(at_); }
  bool read_quoted(std::string& value);

  std::string_view source_;
  std::size_t at_;
};

}  // namespace weir::expression

// A configuration that uses all that a schema can say; for the tests of this room.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "config/address.h"
#include "config/parse.h"
#include "config/schema.h"
#include "config/values.h"

namespace weir::config::sample {

enum class Colour : std::uint8_t { red, green };

constexpr auto enum_names(Colour) {
  return std::array{Name{"red", Colour::red, "Like a rose."},
                    Name{"green", Colour::green, "Like grass."}};
}

struct Paint {
  Colour colour = Colour::red;
  std::uint16_t coats = 1;

  static constexpr auto schema =
      object("paint", "Paints.", field<&Paint::colour>("colour", "Which colour.", shorthand),
             field<&Paint::coats>("coats", "How often.", shorthand, range(1, 9)));
};

struct Print {
  std::string text;

  static constexpr auto schema =
      object("print", "Prints.", field<&Print::text>("text", "What.", required));
};

struct Group;
std::span<const ModuleType* const> modules_of_sample();

// Contains modules itself: types may be recursive.
struct Group {
  std::vector<Module> steps;

  static constexpr auto schema =
      object("group", "Does several things.",
             field<&Group::steps>("steps", "In this order.", required, at_least_one,
                                  modules(&modules_of_sample)));
};

inline std::span<const ModuleType* const> modules_of_sample() {
  static constexpr ModuleType paint = module_type<Paint>();
  static constexpr ModuleType print = module_type<Print>();
  static constexpr ModuleType group = module_type<Group>();
  static constexpr const ModuleType* all[] = {&paint, &print, &group};
  return all;
}

inline std::optional<Problem> no_spaces(std::string_view text) {
  if (text.find(' ') == std::string_view::npos) return std::nullopt;
  return Problem{Code::bad_text, "no spaces here", "remove them"};
}

struct Span {
  std::uint32_t low = 0;
  std::uint32_t high = 10;

  void check(const Found& found) const {
    if (low > high) found.error("low", Code::contradiction, "low is above high");
  }

  static constexpr auto schema =
      object("span", "From low to high.", field<&Span::low>("low", "The lower end."),
             field<&Span::high>("high", "The upper end."));
};

struct Step {
  Module action;
  Located<std::string> name;
  Position position;

  static constexpr auto schema = object(
      "step", "One thing to do.",
      field<&Step::action>("action", "What is done.", required, chosen_by_key(&modules_of_sample)),
      field<&Step::name>("name", "How it is called.", check(&no_spaces)));
};

struct Sample {
  bool flag = false;
  int number = 5;
  double ratio = 0.5;
  std::string text = "hello";
  std::string password;
  Duration wait = std::chrono::seconds(30);
  ByteSize size = kibibytes(64);
  std::optional<std::uint32_t> workers;
  std::optional<Span> window;
  std::optional<std::string> label;
  std::vector<std::string> tags;
  std::vector<Network> networks;
  Map<std::string> headers;
  Map<Span> spans;
  Span range_of_all;
  std::vector<Module> use;
  std::vector<Step> steps;

  static constexpr auto schema =
      object("sample", "Everything.", field<&Sample::flag>("flag", "A flag."),
             field<&Sample::number>("number", "A number.", one_of<3, 5, 7>()),
             field<&Sample::ratio>("ratio", "A ratio.", range(0, 1)),
             field<&Sample::text>("text", "A text.", not_empty, example("good morning")),
             field<&Sample::password>("password", "A secret.", secret, check(&no_spaces)),
             field<&Sample::wait>("wait", "A duration.",
                                  range(std::chrono::milliseconds(1), std::chrono::hours(1))),
             field<&Sample::size>("size", "A size."),
             field<&Sample::workers>("workers", "How many.", none("auto"), at_least(1)),
             field<&Sample::window>("window", "A window.", none("off")),
             field<&Sample::label>("label", "A label."),
             field<&Sample::tags>("tags", "Tags.", one_or_many),
             field<&Sample::networks>("networks", "Networks."),
             field<&Sample::headers>("headers", "Headers.", check_key(&no_spaces)),
             field<&Sample::spans>("spans", "Spans by name."),
             field<&Sample::range_of_all>("range", "A range."),
             field<&Sample::use>("use", "Modules.", modules(&modules_of_sample)),
             field<&Sample::steps>("steps", "Steps."));
};

}  // namespace weir::config::sample

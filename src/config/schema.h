// The table that a config struct carries: from it come parsing, diagnostics, the effective dump,
// the JSON Schema and the reference.
//
//   struct RespondConfig {
//     std::uint16_t status = 200;
//     std::string body;
//     static constexpr auto schema = config::object(
//         "respond", "Answers by itself, without an origin.",
//         config::field<&RespondConfig::status>("status", "Status code.", config::range(200, 599)),
//         config::field<&RespondConfig::body>("body", "Body of the answer.", config::shorthand));
//   };
//
// Defaults are the member initialisers. A member `config::Position position` is filled with the
// place of the object. A member function `void check(const config::Found& found) const` may judge
// the whole object after its fields. Everything below the templates works on type-erased tables, so
// a struct's header costs little to include.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/position.h"
#include "config/rules.h"

namespace weir::config {

struct Type;
class Diagnostics;
class Found;

// ---- types ------------------------------------------------------------------------------------

enum class Kind : std::uint8_t { scalar, optional, located, list, map, object, module };

struct ScalarText {
  std::string_view text;
  bool plain;  // without quotes
};

// A type that is written as one text.
struct ScalarType {
  std::string_view noun;       // "a duration"
  std::string_view json_type;  // of JSON: string, integer, number, boolean
  std::string_view pattern;    // of texts that can be valid, for editors; ECMA regular expression
  std::optional<Problem> (*read)(ScalarText text, const Rules& rules, void* into);
  std::string (*write)(const void* value);
  double (*measure)(const void* value) = nullptr;  // for ranges
  std::string (*write_measure)(double value) = nullptr;
  double lowest = -std::numeric_limits<double>::infinity();  // of the type, for editors
  double highest = std::numeric_limits<double>::infinity();
  std::span<const std::string_view> words = {};       // of enumerations
  std::span<const std::string_view> word_texts = {};  // parallel to words
};

// How optionals, located values, lists and maps are reached: an optional has 0 or 1 entries, a
// located value always 1.
struct Access {
  std::size_t (*size)(const void* whole);
  const void* (*at)(const void* whole, std::size_t index);
  void* (*append)(void* whole, std::string_view name, Position position);
  void (*clear)(void* whole);
  std::string_view (*name)(const void* whole, std::size_t index);
};

struct Field {
  std::string_view name;
  std::string_view text;  // one or two sentences for the reference
  void* (*address)(void* object);
  const Type& (*type)();
  Rules rules;

  const void* address_in(const void* object) const { return address(const_cast<void*>(object)); }
};

struct ObjectType {
  std::string_view name;
  std::string_view text;
  std::span<const Field> fields;
  std::shared_ptr<void> (*make)();                        // with all defaults
  Position* (*position)(void* object);                    // null: the struct keeps none
  void (*check)(const void* object, const Found& found);  // null: nothing to check
};

struct Type {
  Kind kind;
  const ScalarType* scalar = nullptr;  // scalar
  const Access* access = nullptr;      // optional, located, list, map
  const Type& (*inner)() = nullptr;    // of these
  const ObjectType* object = nullptr;  // object
};

// One thing that a collection offers. Collections derive from it to add what builds the thing.
struct ModuleType {
  std::string_view name;
  const Type& (*type)();  // of its options, an object

  std::string_view text() const { return type().object->text; }
};

// A chosen module with its options.
struct Module {
  const ModuleType* type = nullptr;
  std::shared_ptr<const void> value;
  Position position;

  explicit operator bool() const { return type != nullptr; }
  template <class T>
  const T& as() const {
    return *static_cast<const T*>(value.get());
  }
};

template <class T>
struct Named {
  std::string name;
  Position position;  // of the key
  T value{};
};

// A map from names to values in the order of the file.
template <class T>
struct Map {
  std::vector<Named<T>> entries;

  const T* find(std::string_view name) const {
    for (const Named<T>& entry : entries) {
      if (entry.name == name) return &entry.value;
    }
    return nullptr;
  }
  auto begin() const { return entries.begin(); }
  auto end() const { return entries.end(); }
  std::size_t size() const { return entries.size(); }
  bool empty() const { return entries.empty(); }
};

// ---- from C++ types to Type -------------------------------------------------------------------

template <class T>
struct TypeOf;  // specialise with a `static const Type value`

// Lazy, so that a table may speak of structs that are complete only later, itself included.
template <class T>
const Type& type_of() {
  return TypeOf<T>::value;
}

template <class T>
concept HasSchema = requires { T::schema.fields; };

template <class T>
concept Enumeration = std::is_enum_v<T> && requires(T value) { enum_names(value); };

template <>
struct TypeOf<bool> {
  static const Type value;
};
template <>
struct TypeOf<double> {
  static const Type value;
};
template <>
struct TypeOf<std::string> {
  static const Type value;
};
template <>
struct TypeOf<Module> {
  static const Type value;
};

// int, and the unsigned integers of 16, 32 and 64 bits; defined in values.cc for these.
template <class T>
  requires std::is_integral_v<T>
struct TypeOf<T> {
  static const Type value;
};
extern template struct TypeOf<int>;
extern template struct TypeOf<std::uint16_t>;
extern template struct TypeOf<std::uint32_t>;
extern template struct TypeOf<std::uint64_t>;

template <class T>
struct TypeOf<std::optional<T>> {
  using Whole = std::optional<T>;
  static constexpr Access access{
      [](const void* whole) -> std::size_t { return *static_cast<const Whole*>(whole) ? 1 : 0; },
      [](const void* whole, std::size_t) -> const void* {
        return &**static_cast<const Whole*>(whole);
      },
      [](void* whole, std::string_view, Position) -> void* {
        return &static_cast<Whole*>(whole)->emplace();
      },
      [](void* whole) { static_cast<Whole*>(whole)->reset(); }, nullptr};
  static constexpr Type value{.kind = Kind::optional, .access = &access, .inner = &type_of<T>};
};

template <class T>
struct TypeOf<Located<T>> {
  using Whole = Located<T>;
  static constexpr Access access{[](const void*) -> std::size_t { return 1; },
                                 [](const void* whole, std::size_t) -> const void* {
                                   return &static_cast<const Whole*>(whole)->value;
                                 },
                                 [](void* whole, std::string_view, Position position) -> void* {
                                   static_cast<Whole*>(whole)->position = position;
                                   return &static_cast<Whole*>(whole)->value;
                                 },
                                 [](void*) {}, nullptr};
  static constexpr Type value{.kind = Kind::located, .access = &access, .inner = &type_of<T>};
};

template <class T>
struct TypeOf<std::vector<T>> {
  using Whole = std::vector<T>;
  static constexpr Access access{
      [](const void* whole) { return static_cast<const Whole*>(whole)->size(); },
      [](const void* whole, std::size_t index) -> const void* {
        return &(*static_cast<const Whole*>(whole))[index];
      },
      [](void* whole, std::string_view, Position) -> void* {
        return &static_cast<Whole*>(whole)->emplace_back();
      },
      [](void* whole) { static_cast<Whole*>(whole)->clear(); }, nullptr};
  static constexpr Type value{.kind = Kind::list, .access = &access, .inner = &type_of<T>};
};

template <class T>
struct TypeOf<Map<T>> {
  using Whole = Map<T>;
  static constexpr Access access{
      [](const void* whole) { return static_cast<const Whole*>(whole)->entries.size(); },
      [](const void* whole, std::size_t index) -> const void* {
        return &static_cast<const Whole*>(whole)->entries[index].value;
      },
      [](void* whole, std::string_view name, Position position) -> void* {
        auto& entries = static_cast<Whole*>(whole)->entries;
        entries.push_back({std::string(name), position, T{}});
        return &entries.back().value;
      },
      [](void* whole) { static_cast<Whole*>(whole)->entries.clear(); },
      [](const void* whole, std::size_t index) -> std::string_view {
        return static_cast<const Whole*>(whole)->entries[index].name;
      }};
  static constexpr Type value{.kind = Kind::map, .access = &access, .inner = &type_of<T>};
};

template <class T>
  requires HasSchema<T>
struct TypeOf<T> {
  static std::shared_ptr<void> make() { return std::make_shared<T>(); }
  static Position* position(void* object) {
    if constexpr (requires(T& t) { requires std::is_same_v<decltype(t.position), Position>; }) {
      return &static_cast<T*>(object)->position;
    } else {
      return nullptr;
    }
  }
  static void check(const void* object, const Found& found) {
    if constexpr (requires(const T& t) { t.check(found); }) {
      static_cast<const T*>(object)->check(found);
    }
  }
  static constexpr ObjectType object{T::schema.name, T::schema.text, T::schema.fields,
                                     &make,          &position,      &check};
  static constexpr Type value{.kind = Kind::object, .object = &object};
};

// ---- enumerations -----------------------------------------------------------------------------

template <class E>
struct Name {
  std::string_view word;
  E value;
  std::string_view text;
};

// An enumeration says its words through a function beside it, found by its argument:
//   constexpr auto enum_names(Balance) {
//     return std::array{config::Name{"round_robin", Balance::round_robin, "One after the other."},
//                       ...};
//   }
template <class E>
struct EnumWords {
  static constexpr auto names = enum_names(E{});
  static constexpr std::size_t size = names.size();
  static constexpr auto words = [] {
    std::array<std::string_view, size> result;
    for (std::size_t i = 0; i < size; ++i) result[i] = names[i].word;
    return result;
  }();
  static constexpr auto texts = [] {
    std::array<std::string_view, size> result;
    for (std::size_t i = 0; i < size; ++i) result[i] = names[i].text;
    return result;
  }();
};

template <Enumeration E>
constexpr std::string_view enum_word(E value) {
  for (const auto& name : EnumWords<E>::names) {
    if (name.value == value) return name.word;
  }
  return {};
}

// The index of the word, or why there is none.
std::optional<Problem> read_word(ScalarText text, std::span<const std::string_view> words,
                                 std::size_t& index);

template <Enumeration E>
struct TypeOf<E> {
  static std::optional<Problem> read(ScalarText text, const Rules&, void* into) {
    std::size_t index = 0;
    auto problem = read_word(text, EnumWords<E>::words, index);
    if (!problem) *static_cast<E*>(into) = EnumWords<E>::names[index].value;
    return problem;
  }
  static std::string write(const void* value) {
    return std::string(enum_word(*static_cast<const E*>(value)));
  }
  static constexpr ScalarType scalar{.noun = "a word",
                                     .json_type = "string",
                                     .pattern = {},
                                     .read = &read,
                                     .write = &write,
                                     .words = EnumWords<E>::words,
                                     .word_texts = EnumWords<E>::texts};
  static constexpr Type value{.kind = Kind::scalar, .scalar = &scalar};
};

// ---- tables -----------------------------------------------------------------------------------

template <std::size_t kSize>
struct Table {
  std::string_view name;
  std::string_view text;
  std::array<Field, kSize> fields;
};

template <auto kMember>
struct Member;
template <class C, class V, V C::* kMember>
struct Member<kMember> {
  using Value = V;
  static void* address(void* object) { return &(static_cast<C*>(object)->*kMember); }
};

// One key of an object.
template <auto kMember, class... Attributes>
constexpr Field field(std::string_view name, std::string_view text, Attributes... attributes) {
  using Value = typename Member<kMember>::Value;
  Field result{name, text, &Member<kMember>::address, &type_of<Value>, {}};
  (attributes(result.rules), ...);
  return result;
}

template <class... Fields>
constexpr Table<sizeof...(Fields)> object(std::string_view name, std::string_view text,
                                          Fields... fields) {
  return {name, text, {fields...}};
}

// The entry of a collection, named as the schema of T.
template <class T>
constexpr ModuleType module_type() {
  return {T::schema.name, &type_of<T>};
}

}  // namespace weir::config

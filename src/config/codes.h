// The stable codes of configuration diagnostics: one table for the enum, the lookup and the docs.
//
// A code never changes its meaning and is never given to another problem. Families: 10xx reading
// the file, 11xx YAML, 12xx keys and shapes, 13xx values, 14xx references, 15xx the machine around
// it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weir::config {

// X(name, number, title, cause, remedy)
#define WEIR_CONFIG_CODES(X)                                                                       \
  X(unreadable_file, 1001, "the configuration file cannot be read",                                \
    "The file does not exist, is a directory, or may not be read by this user.",                   \
    "Check the path and its permissions.")                                                         \
  X(file_too_large, 1002, "the configuration file is too large", "The file has more than 16 MiB.", \
    "Split the configuration, or move bulk data out of it.")                                       \
  X(bad_encoding, 1003, "the file is not clean UTF-8",                                             \
    "The file contains a byte sequence that is not UTF-8, or a control character.",                \
    "Save the file as UTF-8 and write control characters as escapes in double quotes.")            \
  X(empty_file, 1004, "the configuration is empty",                                                \
    "The file holds no keys, perhaps only comments.",                                              \
    "Begin with `listeners:`; examples/quickstart.yaml is a complete file.")                       \
  X(syntax, 1101, "the file is not valid YAML",                                                    \
    "Most often the indentation of a line does not match its neighbours, a quote or bracket is "   \
    "not closed, or a text with `: ` or `#` lacks quotes.",                                        \
    "Look at the marked line and the one above it.")                                               \
  X(tab, 1102, "a tab where YAML allows only spaces", "YAML forbids tabs in indentation.",         \
    "Replace the tab with spaces.")                                                                \
  X(unquoted_character, 1103, "a text begins with a character that means something in YAML",       \
    "An unquoted `*` begins an alias; `@`, a backtick and `%` cannot begin a text at all.",        \
    "Put the text in double quotes: `host: \"*.example\"`.")                                       \
  X(unknown_anchor, 1104, "an alias without its anchor",                                           \
    "`*name` refers to `&name`, and no such anchor stands above it.",                              \
    "Define the anchor first, or quote the text if no alias was meant.")                           \
  X(alias_budget, 1105, "aliases expand to too much",                                              \
    "Aliases that contain aliases can stand for far more data than the file holds.",               \
    "Write the values out, or use fewer aliases.")                                                 \
  X(too_deep, 1106, "the document is nested too deeply",                                           \
    "Lists and maps may be nested 64 levels deep.", "Flatten the structure.")                      \
  X(too_many_nodes, 1107, "the document has too many values",                                      \
    "A document may hold two million keys and values.", "Split the configuration.")                \
  X(duplicate_key, 1108, "a key appears twice in one map",                                         \
    "The same key was written twice; YAML does not say which one counts, so neither does.",        \
    "Remove one of the two, or merge their values.")                                               \
  X(merge_key, 1109, "merge keys are not supported",                                               \
    "`<<:` is an extension that YAML 1.2 removed.", "Write the keys out, or alias whole values.")  \
  X(tag, 1110, "tags are not supported", "A value carries a tag such as `!!str` or `!name`.",      \
    "Remove the tag; the schema knows the type of every value.")                                   \
  X(several_documents, 1111, "the file holds more than one document",                              \
    "A line `---` begins a second document.", "Keep one document per file.")                       \
  X(bad_key, 1112, "a key is not plain text", "A key is empty, a list, a map or an alias.",        \
    "Use a text as the key.")                                                                      \
  X(nul_character, 1113, "a text contains a NUL character",                                        \
    "`\"\\0\"` can be part of no name, path or header.", "Remove the character.")                  \
  X(wrong_shape, 1201, "a value of another shape is needed",                                       \
    "A list, a map or a single value stands where another of these is needed.",                    \
    "The help line shows the shape; the reference lists the type of every key.")                   \
  X(missing_key, 1202, "a required key is missing", "The object cannot work without this key.",    \
    "Add the key.")                                                                                \
  X(unknown_key, 1203, "an unknown key", "The object has no such key; often it is misspelt.",      \
    "See the suggestion, or the reference for the keys of this object.")                           \
  X(unknown_module, 1204, "an unknown name in a list of modules",                                  \
    "No module of that name is part of this program.",                                             \
    "See the suggestion, or the reference for the modules that exist.")                            \
  X(no_choice, 1205, "one key of a group is needed and none is given",                             \
    "For example a route without a handler.", "Add exactly one of the keys that are listed.")      \
  X(two_choices, 1206, "two keys that exclude each other",                                         \
    "For example a route with two handlers.",                                                      \
    "Keep one of them; use two routes for two handlers.")                                          \
  X(empty_list, 1207, "a list needs at least one entry", "The list is empty.", "Add an entry.")    \
  X(module_shape, 1208, "a module is written as a map with one key",                               \
    "Each entry is a name, or a map with the name as its only key.",                               \
    "Write `- name` or `- name: { ... }`; check the indentation of the options.")                  \
  X(missing_value, 1209, "a key without a value", "Nothing follows the colon.",                    \
    "Give a value, or remove the key to use its default.")                                         \
  X(bad_integer, 1301, "not a whole number",                                                       \
    "Whole numbers are decimal digits, without quotes, signs of grouping or other bases.",         \
    "Write it like `8080`.")                                                                       \
  X(out_of_range, 1302, "a value out of its range",                                                \
    "The value is smaller or larger than allowed.",                                                \
    "Choose a value within the bounds that the message gives.")                                    \
  X(bad_boolean, 1303, "not true or false", "Only `true` and `false` are booleans here.",          \
    "Write `true` or `false`.")                                                                    \
  X(bad_word, 1304, "not one of the known words", "The key takes one of a few words.",             \
    "Use one of the words that the message lists.")                                                \
  X(bad_duration, 1305, "not a duration", "A duration is a whole number with a unit.",             \
    "Write it like `500ms`, `30s`, `5m`, `1h30m` or `7d`.")                                        \
  X(bad_size, 1306, "not a size", "A size is a whole number with a unit.",                         \
    "Write it like `512B`, `64KiB` or `10MB` (KB is 1000 bytes, KiB is 1024).")                    \
  X(bad_rate, 1307, "not a rate", "A rate is a whole number per unit of time.",                    \
    "Write it like `100/s` or `5/m`.")                                                             \
  X(bad_address, 1308, "not an address", "The text does not name a host and port, or a socket.",   \
    "Write it like `:8080`, `127.0.0.1:80`, `[::1]:80` or `unix:/run/app.sock`.")                  \
  X(bad_network, 1309, "not a network", "The text is not an address with a prefix length.",        \
    "Write it like `10.0.0.0/8` or `2001:db8::/32`.")                                              \
  X(empty_text, 1310, "a text that must not be empty", "The value is an empty text.",              \
    "Give a value, or remove the key.")                                                            \
  X(bad_number, 1311, "not a number", "The value is not a decimal number.",                        \
    "Write it like `0.5`.")                                                                        \
  X(bad_text, 1312, "a text that this key cannot take",                                            \
    "The text breaks the rules of its key, such as the form of a path, host or header name.",      \
    "The message says which rule; the reference describes the key.")                               \
  X(unknown_upstream, 1401, "an upstream that is not defined",                                     \
    "A route names an upstream that does not stand under `upstreams`.",                            \
    "Define it, or correct the name.")                                                             \
  X(duplicate_listener, 1402, "two listeners on one address",                                      \
    "Each listener needs an address of its own; `:80` takes port 80 of every address.",            \
    "Remove one of them, or give it another port.")                                                \
  X(duplicate_name, 1403, "a name given twice",                                                    \
    "Names of listeners and routes appear in metrics and logs and must be unique.",                \
    "Rename one of them.")                                                                         \
  X(unused, 1404, "something is configured but never used",                                        \
    "For example an upstream that no route names.", "Remove it, or add the route.")                \
  X(no_routes, 1405, "a listener that answers nothing",                                            \
    "It has no routes, so every request is answered with 404 and the reason no_route.",            \
    "Add `routes:`.")                                                                              \
  X(contradiction, 1406, "two values that contradict each other",                                  \
    "Each value is fine alone, but not both together.", "Change one of them.")                     \
  X(exposed_admin, 1407, "an admin listener that other machines can reach",                        \
    "Whoever reaches it can read and change the configuration. As an error: nothing says who "     \
    "may; "                                                                                        \
    "as a warning: a token travels in clear.",                                                     \
    "Use 127.0.0.1, [::1] or a Unix socket; elsewhere a token_file and tls, or tls with a "        \
    "client_auth that requires certificates.")                                                     \
  X(wasteful_order, 1408, "middlewares in an order that repeats work",                             \
    "What stands first in `use` is outermost. A `compress` around a `cache` compresses each hit.", \
    "Write them the other way round: the cache then keeps what was compressed.")                   \
  X(address_in_use, 1501, "a listener address cannot be taken",                                    \
    "Another process listens there, or this user may not bind it.",                                \
    "Stop the other process, choose another port, or start as root with `user:`.")                 \
  X(unreadable_reference, 1502, "a file that the configuration names cannot be used",              \
    "The file does not exist or may not be read or written by this user.",                         \
    "Check the path and its permissions.")                                                         \
  X(bad_regex, 1503, "not a regular expression", "RE2 cannot compile the pattern.",                \
    "The message gives RE2's reason; back references and look-around are not part of RE2.")        \
  X(bad_expression, 1504, "not an expression", "The expression or template cannot be compiled.",   \
    "The message gives the place; docs describe the language on one page.")                        \
  X(unknown_user, 1505, "an unknown user", "The system knows no user of that name.",               \
    "Create the user, or name another one.")                                                       \
  X(descriptor_limit, 1506, "more connections than descriptors",                                   \
    "The configured connections need more file descriptors than the system allows.",               \
    "Raise the hard limit (LimitNOFILE, ulimit -Hn), or lower max_connections.")                   \
  X(bad_certificate, 1507, "a certificate or key that cannot be used",                             \
    "The file cannot be read, is no PEM, or the key is not the certificate's.",                    \
    "The message says what is wrong with which file; paths are relative to the "                   \
    "configuration file.")                                                                         \
  X(unkept_version, 1508, "a version of the configuration cannot be kept",                         \
    "The directory of `admin: versions` cannot be written, for example because the disk is full.", \
    "Make room, or give the user of the process the directory. A change that cannot be kept is "   \
    "not made.")

enum class Code : std::uint16_t {
#define WEIR_CONFIG_CODE(name, number, title, cause, remedy) name = number,
  WEIR_CONFIG_CODES(WEIR_CONFIG_CODE)
#undef WEIR_CONFIG_CODE
};

struct CodeInfo {
  Code code;
  std::string_view title;
  std::string_view cause;
  std::string_view remedy;
};

// All codes in ascending order.
std::span<const CodeInfo> code_table();

const CodeInfo& code_info(Code code);

// "W1203".
std::string to_string(Code code);

}  // namespace weir::config

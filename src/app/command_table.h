// The command line as data: what help, the manual page and completions are written from.
#pragma once

#include <string>
#include <vector>

namespace weir {

/// An option or an argument.
struct WordText {
  std::string flag;   // "--engine"; of an argument its name, such as FILE
  std::string brief;  // "-H"; may be empty
  /// What follows: FILE, DIR, a name for people, or the words it may be, as `a|b|c`. Empty:
  /// nothing.
  std::string value;
  std::string about;
  std::string otherwise;  // the default, where help shows one
  bool required = false;

  bool is_option() const { return flag.starts_with('-'); }
  /// Empty unless `value` is a choice.
  std::vector<std::string> choices() const;
};

struct CommandText {
  std::string name;  // "config dump"; empty: the program
  std::string about;
  std::vector<WordText> words;
  std::vector<CommandText> commands;

  /// The last word of its name.
  std::string last_name() const;
  /// `weir explain [OPTIONS] REQUEST`
  std::string synopsis() const;
};

}  // namespace weir

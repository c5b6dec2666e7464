// Collects what is wrong with a configuration and prints it all at once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/codes.h"
#include "config/position.h"

namespace weir::config {

enum class Severity : std::uint8_t { error, warning };

struct Diagnostic {
  Severity severity;
  Code code;
  Position position;
  std::string message;  // one sentence in lower case, without the position
  std::string help;     // what to write instead; may be empty
};

// The text of one configuration file, kept for the lines that diagnostics show.
struct Source {
  std::string name;  // as the user gave it
  std::string text;
};

class Diagnostics {
 public:
  // Makes a file known; the result is Position::file of everything in it.
  std::uint32_t add_source(std::string name, std::string text);
  const Source* source(std::uint32_t file) const;

  void error(Position position, Code code, std::string message, std::string help = {});
  void warning(Position position, Code code, std::string message, std::string help = {});

  // The text at this position is a secret: lines that are shown have it blotted out.
  void hide(Position position) { secrets_.push_back(position); }

  // True while nothing but warnings came up.
  bool ok() const { return errors_ == 0; }
  bool empty() const { return entries_.empty(); }
  // All that came up, also those beyond the thousand that are kept.
  std::size_t error_count() const { return errors_; }
  std::size_t warning_count() const { return warnings_; }

  // In the order of the files' lines, the first thousand that came up.
  std::vector<Diagnostic> sorted() const;

  // The text for people. Each entry is `file:line:column: error W1203: message`, the line with the
  // place underlined, and `help: ...`. Shows at most 100 entries and says how many it left out.
  std::string render(bool colour = false) const;

  // A JSON array of objects for programs.
  std::string render_json() const;

 private:
  void add(Diagnostic entry);
  std::string source_line(Position position) const;

  std::vector<Diagnostic> entries_;
  std::vector<std::shared_ptr<const Source>> sources_;
  std::vector<Position> secrets_;
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
};

}  // namespace weir::config

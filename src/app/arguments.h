// The command line, parsed: what the user wants, before anything is done.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "app/command_table.h"
#include "app/completion.h"
#include "app/config_verbs.h"
#include "app/explain.h"
#include "app/one_liners.h"
#include "app/process.h"
#include "app/purge.h"

namespace weir {

/// Of every command.
enum ExitStatus : int {
  kExitOk = 0,
  kExitRefused = 1,  // a wrong configuration, an address in use, a process that says no
  kExitUsage = 2,    // the command line itself
};

struct Arguments {
  std::string verb;  // "run", "config dump", ...
  std::string file;
  RunOptions run;  // all but the configuration
  ProxyOptions proxy;
  ServeOptions serve;
  ExplainQuestion question;
  PurgeOrder purge;
  ConfigVerb config;
  Shell shell = Shell::bash;
  bool json = false;
  bool show_secrets = false;
  bool print = false;
};

/// What is printed instead of doing anything: help (status 0), or what is wrong (status 2).
struct Usage {
  int status = kExitUsage;
  std::string text;
};

/// All commands, in the order of the help.
CommandText command_table();

/// `words` are those after the program's name.
std::expected<Arguments, Usage> parse_arguments(std::vector<std::string> words);

}  // namespace weir

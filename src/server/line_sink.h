// LineSink: where finished log lines go, so that neither the simulation nor tests need a thread or
// a file.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "server/log_file.h"

namespace weir {

/// Takes the lines of one worker, each with its line break. Never waits.
class LineSink {
 public:
  virtual ~LineSink() = default;
  virtual void put(std::string_view line) = 0;
};

struct LogFigures {
  std::uint64_t lines = 0;
  std::uint64_t dropped = 0;
  std::uint64_t write_errors = 0;
};

/// What all workers of a process write to.
class LogOutput {
 public:
  virtual ~LogOutput() = default;
  /// The error is a reason for people. Changes nothing yet.
  virtual std::expected<LogFile, std::string> open(const std::string& name) = 0;
  /// Lines that are put from now on go to `file`, those that wait to the one before.
  virtual void use(LogFile file) = 0;
  /// One for each worker; the output outlives it.
  virtual std::unique_ptr<LineSink> join() = 0;
  /// Any thread.
  virtual LogFigures figures() const = 0;
};

}  // namespace weir

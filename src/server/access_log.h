// AccessLog: one line for every exchange that has ended, in the format of the configuration.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "config/diagnostics.h"
#include "expression/template.h"
#include "http/exchange.h"
#include "server/config.h"
#include "server/line_sink.h"
#include "tunnel/record.h"

namespace weir {

/// The format alone; nothing, and a diagnostic, if it cannot be compiled. Opens no file.
std::optional<expression::Template> compile_log_format(const AccessLogConfig& config,
                                                       config::Diagnostics& diagnostics);

/// One per process. `prepare` and `use` belong to the thread that reads configurations.
class AccessLog {
 public:
  using Format = std::shared_ptr<const expression::Template>;  // null: off

  /// A log that can be put in force: compiled, and its file open.
  struct Prepared {
    Format format;
    LogFile file;
  };

  /// `output` outlives the log.
  explicit AccessLog(LogOutput& output) : output_(output) {}

  /// Nothing, and diagnostics, if the format is wrong or the file cannot be opened.
  std::optional<Prepared> prepare(const std::optional<AccessLogConfig>& config,
                                  config::Diagnostics& diagnostics);
  /// From now on. Also what reopens the file after it was rotated.
  void use(Prepared prepared);

  LogOutput& output() { return output_; }

 private:
  friend class WorkerLog;

  LogOutput& output_;
  std::atomic<std::uint64_t> version_{0};  // of format_; workers ask before they take the lock
  std::mutex mutex_;
  Format format_;
};

/// One worker's part.
class WorkerLog {
 public:
  /// `log` outlives it.
  explicit WorkerLog(AccessLog& log) : log_(log), sink_(log.output().join()) {}

  void write(Exchange& exchange);
  /// Whatever the format of requests is: one object of JSON. `wall_now`: as in Loop.
  void write(const TunnelRecord& record, std::int64_t wall_now);

 private:
  bool on();
  void put();

  AccessLog& log_;
  std::unique_ptr<LineSink> sink_;
  std::uint64_t version_ = 0;
  AccessLog::Format format_;
  std::string line_;
};

}  // namespace weir

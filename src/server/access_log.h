// AccessLog: a line for each exchange that has ended, as the configuration wants it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "config/diagnostics.h"
#include "expression/redaction.h"
#include "expression/template.h"
#include "http/exchange.h"
#include "server/config.h"
#include "server/line_sink.h"
#include "tunnel/record.h"

namespace weir {

/// The format alone; nothing, and a diagnostic, if it cannot be compiled. Opens no file.
std::optional<expression::Template> compile_log_format(const AccessLogConfig& config,
                                                       config::Diagnostics& diagnostics);

/// What is written, compiled.
struct AccessLogPlan {
  expression::Template format;
  expression::Redaction redaction;
  bool redacts = false;
  double share = 1;  // of the lines
  bool keep_errors = true;
};

/// One per process. `prepare` and `use` belong to the thread that reads configurations.
class AccessLog {
 public:
  using Plan = std::shared_ptr<const AccessLogPlan>;  // null: off

  /// A log that can be put in force: compiled, and its file open.
  struct Prepared {
    Plan plan;
    LogFile file;
  };

  /// `output` outlives the log.
  explicit AccessLog(LogOutput& output) : output_(output) {}

  /// Nothing, and diagnostics, if the format is wrong or the file cannot be opened.
  std::optional<Prepared> prepare(const std::optional<AccessLogConfig>& config,
                                  const RedactConfig& redact, config::Diagnostics& diagnostics);
  /// From now on. Also what reopens the file after it was rotated.
  void use(Prepared prepared);

  LogOutput& output() { return output_; }

 private:
  friend class WorkerLog;

  LogOutput& output_;
  std::atomic<std::uint64_t> version_{0};  // of plan_; workers ask before they take the lock
  std::mutex mutex_;
  Plan plan_;
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
  bool drawn(Exchange& exchange) const;
  void put();

  AccessLog& log_;
  std::unique_ptr<LineSink> sink_;
  std::uint64_t version_ = 0;
  AccessLog::Plan plan_;
  std::string line_;
};

}  // namespace weir

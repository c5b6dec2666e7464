#include "server/access_log.h"

#include <fmt/format.h>

#include "expression/exchange_facts.h"
#include "expression/header_edits.h"
#include "expression/log_formats.h"
#include "server/tunnel_line.h"

namespace weir {
namespace {

constexpr std::size_t kUsualLine = 16 * 1024;

}  // namespace

std::optional<expression::Template> compile_log_format(const AccessLogConfig& config,
                                                       config::Diagnostics& diagnostics) {
  expression::LogFormat format = expression::log_format(*config.format);
  auto compiled =
      expression::Template::compile(format.source, expression::Stage::response, format.escape);
  if (compiled) return std::move(*compiled);
  report(compiled.error(), config.format.position, diagnostics);
  return std::nullopt;
}

std::optional<AccessLog::Prepared> AccessLog::prepare(const std::optional<AccessLogConfig>& config,
                                                      config::Diagnostics& diagnostics) {
  Prepared prepared;
  if (!config) return prepared;
  auto format = compile_log_format(*config, diagnostics);
  auto file = output_.open(*config->file);
  if (!file) {
    diagnostics.error(
        config->file.position, config::Code::unreadable_reference,
        fmt::format("the access log {} cannot be opened: {}", *config->file, file.error()),
        "the directory must exist, and this user must be allowed to write there");
  }
  if (!format || !file) return std::nullopt;
  prepared.format = std::make_shared<const expression::Template>(std::move(*format));
  prepared.file = std::move(*file);
  return prepared;
}

void AccessLog::use(Prepared prepared) {
  output_.use(std::move(prepared.file));
  std::lock_guard lock(mutex_);
  format_ = std::move(prepared.format);
  version_.fetch_add(1, std::memory_order_release);
}

void WorkerLog::write(Exchange& exchange) {
  if (!on()) return;
  format_->append_to(line_, expression::ExchangeFacts(exchange));
  put();
}

void WorkerLog::write(const TunnelRecord& record, std::int64_t wall_now) {
  if (!on()) return;
  append_tunnel(line_, record, wall_now);
  put();
}

// The line is empty then.
bool WorkerLog::on() {
  std::uint64_t version = log_.version_.load(std::memory_order_acquire);
  if (version != version_) {
    std::lock_guard lock(log_.mutex_);
    format_ = log_.format_;
    version_ = version;
  }
  line_.clear();
  return format_ != nullptr;
}

void WorkerLog::put() {
  line_ += '\n';
  sink_->put(line_);
  if (line_.capacity() > kUsualLine) line_ = std::string();
}

}  // namespace weir

#include "server/access_log.h"

#include <fmt/format.h>

#include "expression/exchange_facts.h"
#include "expression/header_edits.h"
#include "expression/log_formats.h"
#include "http/trace.h"
#include "server/build.h"
#include "server/tunnel_line.h"

namespace weir {
namespace {

constexpr std::size_t kUsualLine = 16 * 1024;

SyslogSettings settings_of(const SyslogConfig& config) {
  return {to_address(*config.address), static_cast<unsigned>(config.facility), config.tag};
}

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
                                                      const RedactConfig& redact,
                                                      config::Diagnostics& diagnostics) {
  Prepared prepared;
  if (!config) return prepared;
  auto format = compile_log_format(*config, diagnostics);
  std::string name = config->syslog ? config->syslog->address->text() : *config->file;
  auto file = config->syslog ? LogFile::open_syslog(settings_of(*config->syslog))
                             : output_.open(*config->file);
  if (!file) {
    diagnostics.error(
        config->syslog ? config->syslog->address.position : config->file.position,
        config::Code::unreadable_reference,
        fmt::format("the access log {} cannot be opened: {}", name, file.error()),
        config->syslog ? "a syslog server must listen there"
                       : "the directory must exist, and this user must be allowed to write there");
  }
  if (!format || !file) return std::nullopt;
  expression::Redaction redaction = redact.rules();
  bool redacts = redaction.any();
  prepared.plan = std::make_shared<const AccessLogPlan>(std::move(*format), std::move(redaction),
                                                        redacts, config->sample.percent / 100,
                                                        config->sample.keep_errors);
  prepared.file = std::move(*file);
  return prepared;
}

void AccessLog::use(Prepared prepared) {
  output_.use(std::move(prepared.file));
  std::lock_guard lock(mutex_);
  plan_ = std::move(prepared.plan);
  version_.fetch_add(1, std::memory_order_release);
}

void WorkerLog::write(Exchange& exchange) {
  if (!on() || !drawn(exchange)) return;
  expression::ExchangeFacts facts(exchange);
  if (plan_->redacts) {
    plan_->format.append_to(line_,
                            expression::RedactedFacts(facts, plan_->redaction, exchange.arena()));
  } else {
    plan_->format.append_to(line_, facts);
  }
  put();
}

void WorkerLog::write(const TunnelRecord& record, std::int64_t wall_now) {
  if (!on()) return;
  append_tunnel(line_, record, plan_->redaction, wall_now);
  put();
}

bool WorkerLog::drawn(Exchange& exchange) const {
  if (plan_->share >= 1 || exchange.loop().random().unit() < plan_->share) return true;
  return plan_->keep_errors && is_server_error(exchange.outcome());
}

// The line is empty then.
bool WorkerLog::on() {
  std::uint64_t version = log_.version_.load(std::memory_order_acquire);
  if (version != version_) {
    std::lock_guard lock(log_.mutex_);
    plan_ = log_.plan_;
    version_ = version;
  }
  line_.clear();
  return plan_ != nullptr;
}

void WorkerLog::put() {
  line_ += '\n';
  sink_->put(line_);
  if (line_.capacity() > kUsualLine) line_ = std::string();
}

}  // namespace weir

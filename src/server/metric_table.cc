#include "server/metric_table.h"

#include <array>

#include <fmt/format.h>

namespace weir {
namespace {

constexpr std::array kAll = {
    &metrics::requests,
    &metrics::request_duration,
    &metrics::upstream_response,
    &metrics::received_bytes,
    &metrics::sent_bytes,
    &metrics::cache_requests,
    &metrics::cache_sent,
    &metrics::errors,
    &metrics::retries,
    &metrics::connections,
    &metrics::connections_open,
    &metrics::connections_idle,
    &metrics::connections_refused,
    &metrics::accept_errors,
    &metrics::listener_requests,
    &metrics::tunnels_open,
    &metrics::tunnels_ended,
    &metrics::tunnel_received,
    &metrics::tunnel_sent,
    &metrics::udp_datagrams,
    &metrics::udp_bytes,
    &metrics::udp_dropped,
    &metrics::udp_ended,
    &metrics::proxy_headers_refused,
    &metrics::tls_handshakes,
    &metrics::misdeeds,
    &metrics::abusive_connections,
    &metrics::pool_leases,
    &metrics::pool_stale,
    &metrics::pool_reuse_ratio,
    &metrics::repeats,
    &metrics::hedges,
    &metrics::mirrors,
    &metrics::endpoints,
    &metrics::upstream_panic,
    &metrics::queue_waiting,
    &metrics::queue_requests,
    &metrics::endpoint_requests,
    &metrics::endpoint_in_flight,
    &metrics::endpoint_failures,
    &metrics::endpoint_connect_failures,
    &metrics::endpoint_connections,
    &metrics::endpoint_connections_waiting,
    &metrics::upstream_connections,
    &metrics::upstream_connections_waiting,
    &metrics::endpoint_ejections,
    &metrics::endpoint_ejected,
    &metrics::endpoint_ejected_until,
    &metrics::ejections_withheld,
    &metrics::upstream_refused,
    &metrics::breaker_state,
    &metrics::breaker_opened,
    &metrics::adaptive_limit,
    &metrics::endpoint_available,
    &metrics::health_checks,
    &metrics::health_check_duration,
    &metrics::health_checks_late,
    &metrics::rate_limit_requests,
    &metrics::rate_limit_keys,
    &metrics::rate_limit_evictions,
    &metrics::concurrency_under_way,
    &metrics::concurrency_refused,
    &metrics::bandwidth_waits,
    &metrics::store_calls,
    &metrics::store_connections,
    &metrics::dns_lookups,
    &metrics::cache_objects,
    &metrics::cache_bytes,
    &metrics::cache_limit,
    &metrics::cache_stored,
    &metrics::cache_evicted,
    &metrics::cache_disk_objects,
    &metrics::cache_disk_bytes,
    &metrics::cache_disk_limit,
    &metrics::cache_disk_reads,
    &metrics::cache_disk_writes,
    &metrics::cache_disk_evicted,
    &metrics::cache_disk_skipped,
    &metrics::cache_disk_broken,
    &metrics::cache_disk_errors,
    &metrics::buffer_memory,
    &metrics::buffer_disk,
    &metrics::buffer_spilled,
    &metrics::buffer_refused,
    &metrics::overloaded,
    &metrics::overload_refused,
    &metrics::workers,
    &metrics::loop_lag,
    &metrics::ready,
    &metrics::generation,
    &metrics::reloads,
    &metrics::reload_ok,
    &metrics::log_lines,
    &metrics::log_dropped,
    &metrics::log_write_errors,
    &metrics::trace_spans,
    &metrics::trace_failures,
    &metrics::build_info,
    &metrics::start_time,
    &metrics::cpu,
    &metrics::resident,
    &metrics::open_files,
};

}  // namespace

std::string_view name(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter: return "counter";
    case MetricKind::gauge: return "gauge";
    case MetricKind::histogram: return "histogram";
  }
  return "untyped";
}

std::span<const Metric* const> all_metrics() { return kAll; }

std::string metrics_markdown() {
  std::string out =
      "| metric | kind | labels | unit | meaning |\n| --- | --- | --- | --- | --- |\n";
  for (const Metric* metric : kAll) {
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", metric->name, name(metric->kind),
                       metric->labels, metric->unit, metric->meaning);
  }
  return out;
}

}  // namespace weir

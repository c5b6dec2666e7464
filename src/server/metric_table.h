// Every metric that the process tells of: the one table behind /metrics and its reference page.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weir {

enum class MetricKind : std::uint8_t { counter, gauge, histogram };

std::string_view name(MetricKind kind);

struct Metric {
  std::string_view name;  // ends in its unit, and in _total if it only grows
  MetricKind kind;
  std::string_view labels;  // names, as the reference shows them
  std::string_view unit;
  std::string_view meaning;  // one sentence
};

namespace metrics {

using enum MetricKind;

inline constexpr Metric requests{"weir_requests_total", counter, "route, upstream, status",
                                 "requests",
                                 "Requests that have ended, by the class of the status that was "
                                 "sent; none if nothing was sent."};
inline constexpr Metric request_duration{
    "weir_request_duration_seconds", histogram, "route", "seconds",
    "From the complete head of a request to the end of its response."};
inline constexpr Metric upstream_response{
    "weir_upstream_response_seconds", histogram, "upstream", "seconds",
    "From sending a request upstream to the head of its response, of the attempt that was used."};
inline constexpr Metric received_bytes{"weir_received_bytes_total", counter, "route", "bytes",
                                       "Content of requests; in tunnels, what clients sent."};
inline constexpr Metric sent_bytes{"weir_sent_bytes_total", counter, "route", "bytes",
                                   "Content of responses; in tunnels, what clients were sent."};
inline constexpr Metric cache_requests{"weir_cache_requests_total", counter, "route, result",
                                       "requests",
                                       "Requests on routes with a cache: hit, stale, renewed "
                                       "(after a 304), collapsed (another had asked "
                                       "already), miss or pass."};
inline constexpr Metric cache_sent{
    "weir_cache_sent_bytes_total", counter, "route", "bytes",
    "Content of responses for which the origin sent none: all but miss and pass."};
inline constexpr Metric cache_objects{"weir_cache_objects", gauge, "cache", "objects",
                                      "Responses that are stored."};
inline constexpr Metric cache_bytes{
    "weir_cache_bytes", gauge, "cache", "bytes",
    "What the cache takes, with what is coming in and what clients still read."};
inline constexpr Metric cache_limit{"weir_cache_limit_bytes", gauge, "cache", "bytes",
                                    "What it may take."};
inline constexpr Metric cache_stored{"weir_cache_stored_total", counter, "cache", "objects",
                                     "Responses that were stored."};
inline constexpr Metric cache_evicted{"weir_cache_evicted_total", counter, "cache", "objects",
                                      "Responses that went because room was needed."};
inline constexpr Metric cache_disk_objects{"weir_cache_disk_objects", gauge, "cache", "objects",
                                           "Responses that are on the disk."};
inline constexpr Metric cache_disk_bytes{"weir_cache_disk_bytes", gauge, "cache", "bytes",
                                         "What they take, with what is just being written."};
inline constexpr Metric cache_disk_limit{"weir_cache_disk_limit_bytes", gauge, "cache", "bytes",
                                         "What they may take."};
inline constexpr Metric cache_disk_reads{
    "weir_cache_disk_reads_total", counter, "cache", "objects",
    "Responses that were read from the disk, into memory or for one client."};
inline constexpr Metric cache_disk_writes{"weir_cache_disk_writes_total", counter, "cache",
                                          "objects", "Responses that were written to the disk."};
inline constexpr Metric cache_disk_evicted{
    "weir_cache_disk_evicted_total", counter, "cache", "objects",
    "Responses that went from the disk because room was needed."};
inline constexpr Metric cache_disk_skipped{
    "weir_cache_disk_skipped_total", counter, "cache", "objects",
    "Responses that were not written: no room, too much at once, or a disk that has just failed."};
inline constexpr Metric cache_disk_broken{
    "weir_cache_disk_broken_total", counter, "cache", "objects",
    "Files that were not what had been written, and were removed."};
inline constexpr Metric cache_disk_errors{"weir_cache_disk_errors_total", counter, "cache",
                                          "errors", "Failures of the disk."};
inline constexpr Metric buffer_memory{
    "weir_buffer_memory_bytes", gauge, "", "bytes",
    "What bodies under `buffer` take of the memory, to 32 KiB for each of them."};
inline constexpr Metric buffer_disk{"weir_buffer_disk_bytes", gauge, "", "bytes",
                                    "What is in their temporary files."};
inline constexpr Metric buffer_spilled{"weir_buffer_spilled_total", counter, "", "bodies",
                                       "Bodies of which a part went to a temporary file."};
inline constexpr Metric buffer_refused{
    "weir_buffer_refused_total", counter, "", "requests",
    "Requests that were refused: larger than what is buffered, or for want of a disk."};
inline constexpr Metric errors{
    "weir_errors_total", counter, "reason, origin", "requests",
    "Requests that ended with an error, by its reason and by who caused it."};
inline constexpr Metric retries{"weir_upstream_retries_total", counter, "upstream", "attempts",
                                "Attempts beyond the first of their request."};

inline constexpr Metric connections{
    "weir_connections_total", counter, "listener", "connections",
    "Connections of clients since the start; of `udp` listeners, sessions."};
inline constexpr Metric connections_open{"weir_connections_open", gauge, "listener", "connections",
                                         "Connections of clients that are open."};
inline constexpr Metric connections_idle{"weir_connections_idle", gauge, "listener", "connections",
                                         "Open connections of clients that wait for a request."};
inline constexpr Metric connections_refused{
    "weir_connections_refused_total", counter, "listener", "connections",
    "Connections that were reset because a limit on connections was reached."};
inline constexpr Metric accept_errors{
    "weir_accept_errors_total", counter, "listener", "errors",
    "Failures to accept a connection, for example for want of descriptors."};
inline constexpr Metric listener_requests{"weir_listener_requests_total", counter, "listener",
                                          "requests", "Requests that have begun."};
inline constexpr Metric tunnels_open{
    "weir_tunnels_open", gauge, "listener", "tunnels",
    "Open tunnels: connections of `tcp` listeners, WebSockets, other upgrades and CONNECT."};
inline constexpr Metric tunnels_ended{
    "weir_tunnels_ended_total", counter, "listener, reason", "connections",
    "Connections of `tcp` listeners that have ended, by why; none if both sides ended in order."};
inline constexpr Metric tunnel_received{"weir_tunnel_received_bytes_total", counter, "listener",
                                        "bytes", "What clients of `tcp` listeners have sent."};
inline constexpr Metric tunnel_sent{"weir_tunnel_sent_bytes_total", counter, "listener", "bytes",
                                    "What clients of `tcp` listeners were sent."};
inline constexpr Metric udp_datagrams{
    "weir_udp_datagrams_total", counter, "listener, direction", "datagrams",
    "Datagrams of `udp` listeners: received from clients (dropped ones included), sent to them."};
inline constexpr Metric udp_bytes{"weir_udp_bytes_total", counter, "listener, direction", "bytes",
                                  "What those datagrams held."};
inline constexpr Metric udp_dropped{
    "weir_udp_dropped_datagrams_total", counter, "listener, reason", "datagrams",
    "Datagrams of `udp` listeners that were not passed on, in either direction, by why."};
inline constexpr Metric udp_ended{
    "weir_udp_sessions_ended_total", counter, "listener, reason", "sessions",
    "Sessions of `udp` listeners that have ended, by why; none if they were over, or silent."};
inline constexpr Metric proxy_headers_refused{
    "weir_proxy_headers_refused_total", counter, "listener", "connections",
    "Connections that were closed because their PROXY header was wrong or did not come."};

inline constexpr Metric tls_handshakes{
    "weir_tls_handshakes_total", counter, "listener, result", "handshakes",
    "TLS handshakes with clients: full, resumed (by a ticket) or failed."};

inline constexpr Metric misdeeds{
    "weir_misdeeds_total", counter, "listener, kind", "misdeeds",
    "What clients did that costs us and serves nobody; each connection has a budget of it."};
inline constexpr Metric abusive_connections{
    "weir_abusive_connections_total", counter, "listener", "connections",
    "Connections that were closed because they had used up their budget of misdeeds."};

inline constexpr Metric pool_leases{
    "weir_pool_leases_total", counter, "upstream, source", "connections",
    "Connections used for an attempt: reused (idle on the worker), taken (idle on another worker) "
    "or opened."};
inline constexpr Metric pool_stale{"weir_pool_stale_total", counter, "upstream", "connections",
                                   "Idle connections found closed when they were to be used."};
inline constexpr Metric pool_reuse_ratio{
    "weir_pool_reuse_ratio", gauge, "upstream", "share, 0 to 1",
    "Attempts since the start that went over a connection that was already open."};
inline constexpr Metric repeats{
    "weir_retries_total", counter, "upstream, result", "attempts",
    "Attempts that were a request's next: made, or not made because the retry budget was used up "
    "(over_budget), it had had all its attempts (exhausted) or its deadline was over (late)."};
inline constexpr Metric hedges{
    "weir_hedges_total", counter, "upstream, result", "attempts",
    "Attempts beside another one that was late: made, and won (of these, those that answered "
    "first)."};
inline constexpr Metric mirrors{"weir_mirrors_total", counter, "upstream, result", "requests",
                                "Copies that were made for the upstream: answered, failed, dropped "
                                "(too many were under way) or "
                                "too_large (the body)."};
inline constexpr Metric endpoints{"weir_upstream_endpoints", gauge, "upstream", "endpoints",
                                  "Endpoints that are known."};
inline constexpr Metric upstream_panic{
    "weir_upstream_panic", gauge, "upstream", "0 or 1",
    "1 while so few endpoints of some level are available that all of it are taken to be."};
inline constexpr Metric queue_waiting{
    "weir_upstream_queue_waiting", gauge, "upstream", "requests",
    "Requests that wait because every endpoint has as many as it may."};
inline constexpr Metric queue_requests{
    "weir_upstream_queue_requests_total", counter, "upstream, result", "requests",
    "Requests that met only endpoints with as many as they may have: they waited and had their "
    "turn "
    "(served) or left (timeout), or found the queue full (full)."};
inline constexpr Metric endpoint_requests{"weir_endpoint_requests_total", counter,
                                          "upstream, endpoint", "attempts",
                                          "Attempts that were made on the endpoint."};
inline constexpr Metric endpoint_in_flight{"weir_endpoint_in_flight", gauge, "upstream, endpoint",
                                           "attempts", "Attempts that are under way."};
inline constexpr Metric endpoint_connections{
    "weir_endpoint_connections", gauge, "upstream, endpoint", "connections",
    "Connections that are open or being opened, where `max_connections` limits them."};
inline constexpr Metric endpoint_connections_waiting{
    "weir_endpoint_connections_waiting", gauge, "upstream, endpoint", "attempts",
    "Attempts that wait until the endpoint may have one connection more."};
inline constexpr Metric upstream_connections{
    "weir_upstream_connections", gauge, "upstream", "connections",
    "Connections to all endpoints that are open or being opened, where the breaker limits them."};
inline constexpr Metric upstream_connections_waiting{
    "weir_upstream_connections_waiting", gauge, "upstream", "attempts",
    "Attempts that wait until the upstream may have one connection more."};
inline constexpr Metric endpoint_failures{
    "weir_endpoint_failures_total", counter, "upstream, endpoint", "attempts",
    "Attempts that reached the endpoint and ended without a response."};
inline constexpr Metric endpoint_connect_failures{
    "weir_endpoint_connect_failures_total", counter, "upstream, endpoint", "attempts",
    "Attempts that could not connect to the endpoint."};
inline constexpr Metric endpoint_available{
    "weir_endpoint_available", gauge, "upstream, endpoint", "0 or 1",
    "0 for an endpoint that gets no requests while others can. Told of endpoints that are checked, "
    "were used, or are not available."};
inline constexpr Metric health_checks{
    "weir_endpoint_health_checks_total", counter, "upstream, endpoint, result", "checks",
    "Health checks of the endpoint, by what they found: pass or fail."};
inline constexpr Metric health_check_duration{"weir_health_check_duration_seconds", histogram,
                                              "upstream", "seconds",
                                              "How long health checks took, connecting included."};
inline constexpr Metric health_checks_late{
    "weir_health_checks_late_total", counter, "", "checks",
    "Health checks that began more than a second late, because too many were under way."};
inline constexpr Metric endpoint_ejections{
    "weir_endpoint_ejections_total", counter, "upstream, endpoint, reason", "ejections",
    "Times that the endpoint was ejected because it failed requests more than others do."};
inline constexpr Metric endpoint_ejected{
    "weir_endpoint_ejected", gauge, "upstream, endpoint, reason", "0 or 1",
    "Whether it is ejected now, and why it last was; only for endpoints that ever were."};
inline constexpr Metric endpoint_ejected_until{
    "weir_endpoint_ejected_until_seconds", gauge, "upstream, endpoint", "seconds since 1970",
    "When it gets requests again; only while it is ejected."};
inline constexpr Metric ejections_withheld{
    "weir_upstream_ejections_withheld_total", counter, "upstream", "ejections",
    "Endpoints that would have been ejected, had not too many of them been already."};
inline constexpr Metric upstream_refused{
    "weir_upstream_refused_total", counter, "upstream, reason", "attempts",
    "Attempts that were refused: breaker_open, max_requests, max_pending, max_retries or "
    "concurrency_limit."};
inline constexpr Metric breaker_state{
    "weir_breaker_state", gauge, "upstream", "0, 1 or 2",
    "The breaker of the upstream: 0 closed, 1 half open, 2 open."};
inline constexpr Metric breaker_opened{"weir_breaker_opened_total", counter, "upstream", "times",
                                       "How often the breaker has opened."};
inline constexpr Metric adaptive_limit{
    "weir_adaptive_limit", gauge, "upstream", "attempts",
    "Attempts that may be under way, as found by latency; only where there is such a limit."};
inline constexpr Metric dns_lookups{
    "weir_dns_lookups_total", counter, "upstream, source, result", "lookups",
    "Lookups of names among the endpoints: answer, or failure, which changes no endpoint."};

inline constexpr Metric rate_limit_requests{
    "weir_rate_limit_requests_total", counter, "limit, result", "requests",
    "Requests that a `rate_limit` judged: allowed, limited (429), shadowed (it would have been "
    "limited, and the limit only looks on), or denied (503: its store was away)."};
inline constexpr Metric rate_limit_keys{"weir_rate_limit_keys", gauge, "limit", "keys",
                                        "Keys whose budget is not whole."};
inline constexpr Metric rate_limit_evictions{
    "weir_rate_limit_evictions_total", counter, "limit", "keys",
    "Keys that were forgotten because there were more than `max_keys`."};

inline constexpr Metric concurrency_under_way{
    "weir_concurrency_limit_keys", gauge, "limit", "keys",
    "Keys that have requests under way, of a `concurrency_limit`."};
inline constexpr Metric concurrency_refused{"weir_concurrency_limit_refused_total", counter,
                                            "limit", "requests",
                                            "Requests that a `concurrency_limit` refused (429)."};
inline constexpr Metric bandwidth_waits{
    "weir_bandwidth_waits_total", counter, "limit", "times",
    "How often a piece of a body waited for its time, of a `bandwidth` with a key."};

inline constexpr Metric store_calls{
    "weir_store_calls_total", counter, "store, result", "calls",
    "Calls of a store: answered, or failed (it was away, or took too long)."};
inline constexpr Metric store_connections{"weir_store_connections", gauge, "store", "connections",
                                          "Connections to a store that are of use."};

inline constexpr Metric workers{"weir_workers", gauge, "", "workers", "Workers that serve."};
inline constexpr Metric loop_lag{
    "weir_worker_loop_lag_seconds", gauge, "worker", "seconds",
    "How long the longest recent turn of the worker's loop took; decays."};
inline constexpr Metric overloaded{
    "weir_overloaded", gauge, "cause", "0 or 1",
    "Whether the process is above its ceiling of memory or lag now (`overload`)."};
inline constexpr Metric overload_refused{
    "weir_overload_refused_total", counter, "what", "requests or connections",
    "What was refused because of an overload: requests (503) or connections (closed)."};
inline constexpr Metric ready{"weir_ready", gauge, "", "0 or 1", "What /readyz answers: 1 if 200."};
inline constexpr Metric generation{"weir_config_generation", gauge, "", "number",
                                   "Counts the configurations that were put in force."};
inline constexpr Metric reloads{
    "weir_config_reloads_total", counter, "result", "reloads",
    "Reloads of the configuration that were put in force (ok) or refused (failed)."};
inline constexpr Metric reload_ok{"weir_config_last_reload_ok", gauge, "", "0 or 1",
                                  "0 after a refused reload, until one is put in force."};
inline constexpr Metric log_lines{"weir_access_log_lines_total", counter, "", "lines",
                                  "Lines of the access log that were handed to its writer."};
inline constexpr Metric log_dropped{
    "weir_access_log_dropped_lines_total", counter, "", "lines",
    "Lines of the access log that were lost: the writer was behind, or writing failed."};
inline constexpr Metric log_write_errors{"weir_access_log_write_errors_total", counter, "",
                                         "errors", "Failed writes of the access log."};

inline constexpr Metric trace_spans{
    "weir_trace_spans_total", counter, "result", "spans",
    "Spans of traces that were kept: sent (the collector took them), refused (it did not want "
    "them), or dropped (it was too slow or away, and there was no room)."};
inline constexpr Metric trace_failures{"weir_trace_export_failures_total", counter, "", "requests",
                                       "Requests to the collector of traces that failed."};

inline constexpr Metric build_info{"weir_build_info", gauge, "version", "1",
                                   "The version that runs, as a label."};
inline constexpr Metric start_time{"process_start_time_seconds", gauge, "", "seconds since 1970",
                                   "When the process began."};
inline constexpr Metric cpu{"process_cpu_seconds_total", counter, "", "seconds",
                            "Processor time of the process, user and system."};
inline constexpr Metric resident{"process_resident_memory_bytes", gauge, "", "bytes",
                                 "Resident memory of the process."};
inline constexpr Metric open_files{"process_open_fds", gauge, "", "descriptors",
                                   "Open file descriptors."};

}  // namespace metrics

/// All of them, in the order in which /metrics tells them.
std::span<const Metric* const> all_metrics();

/// A Markdown table: docs/reference/metrics.md carries it.
std::string metrics_markdown();

}  // namespace weir

-- One line of JSON at the end of a run of wrk; read by bench/load.py.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests": %d, "seconds": %.6f, "p50_us": %.0f, "p99_us": %.0f, "max_us": %.0f, ' ..
    '"status_errors": %d, "socket_errors": %d, "bytes": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99), latency.max,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout, summary.bytes))
end

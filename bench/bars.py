"""The bars that Weir must meet, and whether a run of the bench shows that it does.

A bar on time is met when the median over the rounds of Weir's figure divided by the peer's in the
same round meets it, or when Weir is within 5 % of the cheapest floor program of the scenario.
"""

import dataclasses
import statistics

import scenarios

FLOOR_MARGIN = 1.05
PEERS = ("nginx", "haproxy")
HTTP2_PEERS = ("nghttpx", "haproxy", "h2o")
ALL_PEERS = ("nginx", "haproxy", "h2o", "nghttpx")
FLOORS = ("forwarder", "relay-64k", "relay-256k", "relay-splice")


@dataclasses.dataclass(frozen=True)
class Bar:
    """`limit` of the ratio, or of bytes. `figure` is None if the run did not measure it."""

    text: str
    limit: float
    figure: float | None = None
    against: str = ""
    floor_ratio: float | None = None
    floor: str = ""

    @property
    def met(self):
        if self.figure is None:
            return None
        near = self.floor_ratio is not None and self.floor_ratio <= FLOOR_MARGIN
        return self.figure <= self.limit or near


def ratio(results, one, other, key="total_us"):
    """The median of one's figure over the other's, round by round."""
    pairs = zip(results[one]["rounds"], results[other]["rounds"])
    return statistics.median(a[key] / b[key] if b[key] else float("inf") for a, b in pairs)


def cheapest(results, names):
    """Of these contenders the one with the least processor time per request, or None."""
    here = [name for name in names if name in results]
    return min(here, key=lambda name: results[name]["median"]["total_us"], default=None)


def _time_bar(all_results, scenario, text, limit, peers=PEERS):
    results = all_results.get(scenario, {})
    peer, floor = cheapest(results, peers), cheapest(results, FLOORS)
    if "weir" not in results or peer is None:
        return Bar(text, limit)
    return Bar(text, limit, ratio(results, "weir", peer), peer,
               ratio(results, "weir", floor) if floor else None, floor or "")


def _user_bar(all_results):
    text, results = "keep-alive 1 KB: user time, against nginx", all_results.get("keep-alive", {})
    if "weir" not in results or "nginx" not in results:
        return Bar(text, 0.5)
    return Bar(text, 0.5, ratio(results, "weir", "nginx", "user_us"), "nginx")


def _idle_bar(all_results, name="idle", what="idle connection", limit=640):
    text, results = f"{what}: bytes of user memory", all_results.get(name, {})
    if "weir" not in results:
        return Bar(text, limit)
    return Bar(text, limit, results["weir"]["median"]["bytes_per_connection"])


def _idle_tls_bar(all_results):
    text = "idle TLS connection: bytes, against the best peer"
    results = all_results.get("idle-tls", {})
    sizes = {name: results[name]["median"]["bytes_per_connection"] for name in results}
    best = min((name for name in ALL_PEERS if name in sizes), key=sizes.get, default=None)
    if "weir" not in sizes or best is None:
        return Bar(text, 1.0)
    return Bar(text, 1.0, sizes["weir"] / sizes[best], best)


def _gzip_bytes_bar(all_results):
    text, results = "gzip of 32 KB JSON: bytes sent, against the same peer", all_results.get("gzip", {})
    peer = cheapest(results, PEERS)
    if "weir" not in results or peer is None:
        return Bar(text, 1.0)
    return Bar(text, 1.0, ratio(results, "weir", peer, "bytes"), peer)


def _routes_bar(all_results):
    text = "10 000 routes: total time, against Weir with one route"
    results = all_results.get("routes", {})
    one, many = "weir, one route", f"weir, {scenarios.MANY_ROUTES} routes"
    if one not in results or many not in results:
        return Bar(text, 1.1)
    return Bar(text, 1.1, ratio(results, many, one), "Weir with one route")


def _everyday_bar(all_results):
    text, results = "everyday middlewares: µs a request more", all_results.get("everyday", {})
    if "weir" not in results or "weir, middlewares" not in results:
        return Bar(text, 2.0)
    pairs = zip(results["weir, middlewares"]["rounds"], results["weir"]["rounds"])
    return Bar(text, 2.0, statistics.median(a["total_us"] - b["total_us"] for a, b in pairs),
               "Weir without")


def _resilience_bar(all_results):
    text, results = ("health checks, outliers, breaker and retries on: total time, against off",
                     all_results.get("resilience", {}))
    if "weir, all on" not in results or "weir, all off" not in results:
        return Bar(text, 1.05)
    return Bar(text, 1.05, ratio(results, "weir, all on", "weir, all off"), "Weir with all off")


def all_bars(results):
    return [
        _time_bar(results, "keep-alive", "keep-alive 1 KB: total time, against the better peer",
                  0.85),
        _user_bar(results),
        _time_bar(results, "new-connection",
                  "new connection per request: total time, against the better peer", 0.95),
        _time_bar(results, "download", "1 MiB down: total time, against the better peer", 0.9),
        _time_bar(results, "upload", "1 MiB up: total time, against the better peer", 0.9),
        _time_bar(results, "gzip", "gzip of 32 KB JSON: total time, against the better peer", 0.6),
        _gzip_bytes_bar(results),
        _idle_bar(results),
        _routes_bar(results),
        _everyday_bar(results),
        _resilience_bar(results),
        _time_bar(results, "tls-keep-alive",
                  "TLS keep-alive 1 KB: total time, against the better peer", 0.9),
        _time_bar(results, "tls-full",
                  "full TLS handshake per request: total time, against the better peer", 0.8),
        _time_bar(results, "h2", "HTTP/2 1 KB: total time, against the best peer", 1.0,
                  HTTP2_PEERS),
        _idle_tls_bar(results),
        _time_bar(results, "udp", "UDP datagram there and back: total time, against nginx", 0.7),
        _time_bar(results, "tcp-exchange",
                  "1 KB exchange over a tunnel: total time, against the better peer", 0.95),
        _time_bar(results, "tcp-bulk", "1 MiB through a tunnel: total time, against the better peer",
                  0.7),
        _idle_bar(results, "idle-tunnels", "idle tunnel", 512),
    ]

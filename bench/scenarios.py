"""The scenarios measured by time: who takes part, what is asked for, and one round of each."""

import dataclasses
import math
import resource
import statistics
import time

import contenders as contenders_module
import load
import processes

IDLE_CONNECTIONS = 10_000
MANY_ROUTES = 10_000
DATAGRAM_BYTES = 100


@dataclasses.dataclass(frozen=True)
class Scenario:
    """Rounds of load against each contender in turn."""

    name: str
    title: str
    contenders: tuple
    connections: int
    path: str = "/1k"
    script: str = "report.lua"
    headers: tuple = ()
    origin: str = "plain"
    generator: str = "wrk"  # or h2load, udp, or the mode of bench/load/tls.cc
    streams: int = 1        # at a time on each connection
    setting: contenders_module.Setting = contenders_module.Setting()
    bytes_per_request: int = 0  # of bulk bodies: adds the figure per GB
    tells_bytes: bool = False   # what a response takes on the wire, head included
    longer: int = 1             # times as long: user time alone is counted in the kernel's ticks


_PROXIES = ("weir", "nginx", "haproxy", "forwarder")
_BULK = (*_PROXIES, "relay-64k", "relay-256k", "relay-splice")
_TLS = ("weir", "nginx", "haproxy")
_HTTP2 = (*_TLS, "h2o", "nghttpx")
_BULK_SETTING = contenders_module.Setting(bulk=True)
_TLS_SETTING = contenders_module.Setting(tls=True)
_TCP = ("weir", "nginx", "haproxy", "relay-64k", "relay-splice")
_TCP_SETTING = contenders_module.Setting(tcp=True)

TIMED = [
    Scenario("keep-alive", "Keep-alive, 1 KB, 64 connections", _PROXIES, 64, longer=3),
    Scenario("keep-alive-512", "Keep-alive, 1 KB, 512 connections", _PROXIES, 512),
    Scenario("new-connection", "New connection per request, 1 KB, 64 at a time", _PROXIES, 64,
             headers=("Connection: close",)),
    Scenario("download", "1 MiB down, 16 connections", _BULK, 16, path="/1m",
             setting=_BULK_SETTING, bytes_per_request=1 << 20),
    Scenario("upload", "1 MiB up, 16 connections", _BULK, 16, path="/up", script="upload.lua",
             origin="upload", setting=_BULK_SETTING, bytes_per_request=1 << 20),
    Scenario("gzip", "gzip of 32 KB JSON, 64 connections", ("weir", "nginx", "haproxy"), 64,
             path="/json", headers=("Accept-Encoding: gzip",), tells_bytes=True,
             setting=contenders_module.Setting(gzip=True)),
    Scenario("routes", "Keep-alive, 1 KB, 64 connections, routes by host and path",
             ("weir", "nginx"), 64, path="/", script="routes.lua"),
    Scenario("everyday", "Keep-alive, 1 KB, 64 connections, everyday middlewares on", ("weir",), 64,
             headers=("Origin: https://a.team.example",)),
    Scenario("resilience", "Keep-alive, 1 KB, 64 connections, health checks, outliers, breaker and "
             "retries on", ("weir",), 64),
    Scenario("tls-keep-alive", "TLS 1.3, keep-alive, 1 KB, 64 connections", _TLS, 64,
             setting=_TLS_SETTING),
    Scenario("tls-full", "TLS 1.3, full handshake per request, ECDSA P-256, 32 at a time", _TLS, 32,
             generator="full", setting=_TLS_SETTING),
    Scenario("tls-resumed", "TLS 1.3, resumed handshake per request, 32 at a time", _TLS, 32,
             generator="resumed", setting=_TLS_SETTING),
    Scenario("h2", "HTTP/2 over TLS, 1 KB, 16 connections with 32 streams", _HTTP2, 16,
             generator="h2load", streams=32, setting=_TLS_SETTING),
    Scenario("h2-download", "HTTP/2 over TLS, 1 MiB down, 4 connections with 4 streams", _HTTP2, 4,
             path="/1m", generator="h2load", streams=4, bytes_per_request=1 << 20,
             setting=contenders_module.Setting(tls=True, bulk=True)),
    Scenario("h2-h2", "HTTP/2 over TLS, 1 KB, 16 connections with 32 streams, to an HTTP/2 origin",
             ("weir", "haproxy", "nghttpx"), 16, origin="http2", generator="h2load", streams=32,
             setting=contenders_module.Setting(tls=True, http2_origin=True)),
    Scenario("udp", "Datagrams of 100 bytes there and back, 64 clients", ("weir", "nginx"), 64,
             origin="udp", generator="udp", setting=contenders_module.Setting(udp=True)),
    # Requests and answers are only bytes here: what is measured is the tunnel.
    Scenario("tcp-exchange", "TCP: 1 KB exchanges over 64 tunnels", _TCP, 64,
             setting=_TCP_SETTING),
    Scenario("tcp-connection", "TCP: a tunnel per 1 KB exchange, 64 at a time", _TCP, 64,
             headers=("Connection: close",), setting=_TCP_SETTING),
    Scenario("tcp-bulk", "TCP: 1 MiB down, 16 tunnels", _TCP, 16, path="/1m",
             setting=contenders_module.Setting(tcp=True, bulk=True), bytes_per_request=1 << 20),
]


def lineup(scenario, chosen):
    """Those of the chosen that take part; each twice where numbers of routes are compared,
    middlewares with none, or what looks after an upstream with nothing that does."""
    present = [chosen[name] for name in scenario.contenders if name in chosen]
    if scenario.name == "everyday":
        return [*present, *(dataclasses.replace(contender, use=contenders_module.everyday(),
                                                told="middlewares") for contender in present)]
    if scenario.name == "resilience":
        return [dataclasses.replace(contender, upstream=options, told=told)
                for contender in present
                for told, options in (("all off", contenders_module.CARELESS),
                                      ("all on", contenders_module.RESILIENT))]
    if scenario.name != "routes":
        return present
    return [dataclasses.replace(contender, routes=count)
            for contender in present for count in (1, MANY_ROUTES)]


def _load(workshop, scenario, contender, port, seconds):
    if scenario.generator == "h2load":
        return load.run_h2load(workshop, port, path=scenario.path, seconds=seconds,
                               connections=scenario.connections, streams=scenario.streams)
    if scenario.generator == "udp":
        return load.run_datagrams(workshop, port, scenario.connections, DATAGRAM_BYTES, seconds)
    if scenario.generator != "wrk":
        return load.run_handshakes(workshop, port, scenario.generator, scenario.connections, seconds)
    arguments = (contender.routes, contenders_module.PATHS_PER_HOST) if contender.routes else ()
    return load.run_wrk(workshop, port, path=scenario.path, connections=scenario.connections,
                        seconds=seconds, script=scenario.script, headers=scenario.headers,
                        arguments=arguments, tls=scenario.setting.tls)


def one_round(workshop, scenario, contender, process, port, seconds):
    """Loads one contender for `seconds`; returns the round's figures, times in microseconds."""
    before = process.cpu()
    figures = _load(workshop, scenario, contender, port, seconds)
    spent, user, system = (after - start for after, start in zip(process.cpu(), before))
    total = spent / 1000 / figures["requests"]
    user_share = user / (user + system) if user + system else 0.0
    return {
        "total_us": total,
        "user_us": total * user_share,
        "system_us": total * (1 - user_share),
        "requests_per_second": figures["requests"] / figures["seconds"],
        "p99_us": figures["p99_us"],  # h2load does not tell: nan
        "bytes": figures.get("bytes", math.nan) / figures["requests"],  # wrk alone tells
        "requests": figures["requests"],
        "socket_errors": figures["socket_errors"],
    }


def medians(rounds):
    """The median of every figure over the rounds of one contender."""
    return {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}


def run_timed(workshop, scenario, chosen, origins, rounds, seconds, say):
    """All rounds of a scenario, interleaved; {label: {"median": {}, "rounds": []}}."""
    running = []
    for contender in lineup(scenario, chosen):
        if lacking := contenders_module.lacks(contender, workshop.directory, scenario.setting):
            print(f"skipped: {contender.label} in {scenario.name} ({lacking})")
            continue
        process, port = contenders_module.start(workshop, contender, origins[scenario.origin],
                                                scenario.setting)
        running.append((contender, process, port))
    results = {contender.label: [] for contender, _, _ in running}
    for number in range(rounds):
        for contender, process, port in running:
            say(f"{scenario.name}: round {number + 1} of {rounds}, {contender.label}")
            try:
                figures = one_round(workshop, scenario, contender, process, port,
                                    seconds * scenario.longer)
            except processes.BenchError as error:
                raise processes.BenchError(f"{contender.label} in {scenario.name}: {error}\n"
                                           f"{process.log_tail()}") from error
            results[contender.label].append(figures)
    for _, process, _ in running:
        workshop.stop(process)
    return {label: {"median": medians(each), "rounds": each} for label, each in results.items()}


def _idle_bytes(workshop, contender, origin, count, setting, open_idle):
    """Bytes of user memory that each of `count` idle connections adds to a warm process.

    `open_idle(port, count)` opens them; leaving what it gives closes them, and fails if the
    contender had done so before.
    """
    process, port = contenders_module.start(workshop, contender, origin, setting)
    try:
        # The first hundred bring what exists once: upstream connections, buffers, free lists.
        with open_idle(port, 100):
            pass
        time.sleep(0.3)
        before = process.user_memory()
        with open_idle(port, count):
            time.sleep(0.5)  # timers that give memory back have run
            after = process.user_memory()
        return {"bytes_per_connection": (after - before) / count, "connections": count}
    except processes.BenchError as error:
        raise processes.BenchError(f"{contender.name}, idle: {error}") from error
    finally:
        workshop.stop(process)


def _run_idle(workshop, contenders, origins, rounds, count, say, setting, open_idle):
    results = {}
    for number in range(rounds):
        for contender in contenders:
            say(f"idle: round {number + 1} of {rounds}, {contender.name}")
            figures = _idle_bytes(workshop, contender, origins["plain"], count, setting, open_idle)
            results.setdefault(contender.name, []).append(figures)
    return {label: {"median": medians(each), "rounds": each} for label, each in results.items()}


def run_idle(workshop, chosen, origins, rounds, count, say):
    """Memory per idle connection, each round with a fresh process."""
    here = [chosen[name] for name in ("weir", "nginx", "haproxy") if name in chosen]
    return _run_idle(workshop, here, origins, rounds, count, say, contenders_module.Setting(),
                     load.idle_connections)


def run_idle_tunnels(workshop, chosen, origins, rounds, count, say):
    """The same of tunnels, each of which takes two descriptors of the contender's."""
    count = min(count, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 500) // 2)
    here = [chosen[name] for name in ("weir", "nginx", "haproxy") if name in chosen
            and not contenders_module.lacks(chosen[name], workshop.directory, _TCP_SETTING)]
    return _run_idle(workshop, here, origins, rounds, count, say, _TCP_SETTING,
                     load.idle_connections)


def run_idle_tls(workshop, chosen, origins, rounds, count, say):
    """The same with TLS."""
    here = [chosen[name] for name in _HTTP2 if name in chosen]
    return _run_idle(workshop, here, origins, rounds, count, say, _TLS_SETTING,
                     lambda port, many: load.idle_tls_connections(workshop, port, many))

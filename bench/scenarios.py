"""The scenarios measured by time: who takes part, what is asked for, and one round of each."""

import dataclasses
import statistics
import time

import contenders as contenders_module
import load
import processes

IDLE_CONNECTIONS = 10_000
MANY_ROUTES = 10_000


@dataclasses.dataclass(frozen=True)
class Scenario:
    """Rounds of wrk against each contender in turn."""

    name: str
    title: str
    contenders: tuple
    connections: int
    path: str = "/1k"
    script: str = "report.lua"
    headers: tuple = ()
    upload: bool = False
    bytes_per_request: int = 0  # of bulk bodies: adds the figure per GB


_PROXIES = ("weir", "nginx", "haproxy", "forwarder")
_BULK = (*_PROXIES, "relay-64k", "relay-256k", "relay-splice")

TIMED = [
    Scenario("keep-alive", "Keep-alive, 1 KB, 64 connections", _PROXIES, 64),
    Scenario("keep-alive-512", "Keep-alive, 1 KB, 512 connections", _PROXIES, 512),
    Scenario("new-connection", "New connection per request, 1 KB, 64 at a time", _PROXIES, 64,
             headers=("Connection: close",)),
    Scenario("download", "1 MiB down, 16 connections", _BULK, 16, path="/1m",
             bytes_per_request=1 << 20),
    Scenario("upload", "1 MiB up, 16 connections", _BULK, 16, path="/up", script="upload.lua",
             upload=True, bytes_per_request=1 << 20),
    Scenario("routes", "Keep-alive, 1 KB, 64 connections, routes by host and path",
             ("weir", "nginx"), 64, path="/", script="routes.lua"),
]


def lineup(scenario, chosen):
    """Those of the chosen that take part; each twice where numbers of routes are compared."""
    present = [chosen[name] for name in scenario.contenders if name in chosen]
    if scenario.name != "routes":
        return present
    return [dataclasses.replace(contender, routes=count)
            for contender in present for count in (1, MANY_ROUTES)]


def one_round(workshop, scenario, contender, process, port, seconds):
    """Loads one contender for `seconds`; returns the round's figures, times in microseconds."""
    arguments = (contender.routes, contenders_module.PATHS_PER_HOST) if contender.routes else ()
    before = process.cpu()
    figures = load.run_wrk(workshop, port, path=scenario.path, connections=scenario.connections,
                           seconds=seconds, script=scenario.script, headers=scenario.headers,
                           arguments=arguments)
    spent, user, system = (after - start for after, start in zip(process.cpu(), before))
    total = spent / 1000 / figures["requests"]
    user_share = user / (user + system) if user + system else 0.0
    return {
        "total_us": total,
        "user_us": total * user_share,
        "system_us": total * (1 - user_share),
        "requests_per_second": figures["requests"] / figures["seconds"],
        "p99_us": figures["p99_us"],
        "requests": figures["requests"],
        "socket_errors": figures["socket_errors"],
    }


def medians(rounds):
    """The median of every figure over the rounds of one contender."""
    return {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}


def run_timed(workshop, scenario, chosen, origins, rounds, seconds, say):
    """All rounds of a scenario, interleaved; {label: {"median": {}, "rounds": []}}."""
    origin = origins["upload" if scenario.upload else "plain"]
    running = []
    for contender in lineup(scenario, chosen):
        process, port = contenders_module.start(workshop, contender, origin,
                                                bulk=bool(scenario.bytes_per_request))
        running.append((contender, process, port))
    results = {contender.label: [] for contender, _, _ in running}
    for number in range(rounds):
        for contender, process, port in running:
            say(f"{scenario.name}: round {number + 1} of {rounds}, {contender.label}")
            try:
                figures = one_round(workshop, scenario, contender, process, port, seconds)
            except processes.BenchError as error:
                raise processes.BenchError(f"{contender.label} in {scenario.name}: {error}\n"
                                           f"{process.log_tail()}") from error
            results[contender.label].append(figures)
    for _, process, _ in running:
        workshop.stop(process)
    return {label: {"median": medians(each), "rounds": each} for label, each in results.items()}


def _idle_bytes(workshop, contender, origin, count):
    """Bytes of user memory that each of `count` idle connections adds to a warm process."""
    process, port = contenders_module.start(workshop, contender, origin)
    try:
        # The first hundred bring what exists once: upstream connections, buffers, free lists.
        for client in load.open_idle(port, 100):
            client.close()
        time.sleep(0.3)
        before = process.user_memory()
        clients = load.open_idle(port, count)
        time.sleep(0.5)  # timers that give memory back have run
        after = process.user_memory()
        gone = load.ended(clients)
        for client in clients:
            client.close()
        if gone:
            raise processes.BenchError(f"{contender.name} closed {gone} of {count} connections")
        return {"bytes_per_connection": (after - before) / count, "connections": count}
    finally:
        workshop.stop(process)


def run_idle(workshop, chosen, origins, rounds, count, say):
    """Memory per idle connection, each round with a fresh process."""
    results = {}
    for number in range(rounds):
        for name in ("weir", "nginx", "haproxy"):
            if name not in chosen:
                continue
            say(f"idle: round {number + 1} of {rounds}, {name}")
            figures = _idle_bytes(workshop, chosen[name], origins["plain"], count)
            results.setdefault(name, []).append(figures)
    return {label: {"median": medians(each), "rounds": each} for label, each in results.items()}

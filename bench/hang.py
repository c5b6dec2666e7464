"""What clients notice while one of three origins hangs: it takes connections and says nothing."""

import dataclasses
import os
import signal

import contenders as contenders_module
import load
import scenarios

ORIGINS = 3
CONNECTIONS = 64
EVENT = 4  # times as long as a round: some ejections, timeouts and checks fit in


def _lineup(chosen):
    """All with the same time limits; Weir once more, where it does not wait for these."""
    for name in ("weir", "nginx", "haproxy"):
        if name in chosen:
            yield chosen[name]
    if "weir" in chosen:
        yield dataclasses.replace(chosen["weir"], upstream=contenders_module.HEDGED, told="hedging")


def _one_event(workshop, contender, ports, victim, seconds):
    """A fresh process, so that none knows of an earlier event; returns what the load saw."""
    setting = contenders_module.Setting(several=True)
    process, port = contenders_module.start(workshop, contender, ports, setting)
    try:
        load.run_wrk(workshop, port, path="/1k", connections=CONNECTIONS, seconds=1)
        for pid in victim.pids():
            os.kill(pid, signal.SIGSTOP)
        try:
            figures = load.run_wrk(workshop, port, path="/1k", connections=CONNECTIONS,
                                   seconds=EVENT * seconds, failures=True)
        finally:
            for pid in victim.pids():
                os.kill(pid, signal.SIGCONT)
        failed = figures["status_errors"] + figures["socket_errors"]
        return {key: figures[key] for key in ("requests", "seconds", "p50_us", "p99_us",
                                              "max_us")} | {"failed": failed}
    finally:
        workshop.stop(process)


def run_hang(workshop, chosen, rounds, seconds, say):
    """{label: {"median": {}, "rounds": []}}."""
    origins = [contenders_module.start_one_nginx_origin(workshop, f"origin-{number}")
               for number in range(ORIGINS)]
    for process, port, _ in origins:
        process.wait_until_it_listens(port, 10)
    ports = tuple(port for _, port, _ in origins)
    results = {}
    for number in range(rounds):
        for contender in _lineup(chosen):
            say(f"hang: round {number + 1} of {rounds}, {contender.label}")
            figures = _one_event(workshop, contender, ports, origins[0][0], seconds)
            results.setdefault(contender.label, []).append(figures)
    for process, _, _ in origins:
        workshop.stop(process)
    return {label: {"median": scenarios.medians(each), "rounds": each}
            for label, each in results.items()}

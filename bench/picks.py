"""What a balancer's pick of an endpoint costs, among 10, 1 000 and 10 000 of them."""

import json
import statistics
import subprocess

import processes

SIZES = (10, 1000, 10_000)
REPETITIONS = 7
LEAST_SECONDS = 0.1


def run_picks(program, say):
    """{algorithm: {"median": {"ns_10": ..., "ns_1000": ..., "ns_10000": ...}, "rounds": [...]}}
    from src/cluster/balancer_bench.cc, whose repetitions are interleaved."""
    say("picks")
    answer = subprocess.run(
        [program, "--benchmark_filter=^pick_from/", "--benchmark_format=json",
         f"--benchmark_repetitions={REPETITIONS}", f"--benchmark_min_time={LEAST_SECONDS}",
         "--benchmark_enable_random_interleaving=true"],
        capture_output=True, text=True, timeout=300, check=False)
    if answer.returncode != 0:
        raise processes.BenchError(f"{program} failed:\n{answer.stderr[-500:]}")
    times = {}
    for each in json.loads(answer.stdout)["benchmarks"]:
        if each["run_type"] == "iteration":
            _, algorithm, size = each["name"].split("/")[:3]
            times.setdefault(algorithm, {}).setdefault(f"ns_{size}", []).append(each["cpu_time"])
    return {algorithm: {"median": {size: statistics.median(all) for size, all in sizes.items()},
                        "rounds": [dict(zip(sizes, round)) for round in zip(*sizes.values())]}
            for algorithm, sizes in times.items()}

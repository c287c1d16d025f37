"""The scheduler beside mpi4py.futures, on the same ranks, in one run: tasks per second and efficiency.

    schedule_against_mpi4py.py BENCH_SCHEDULE [--ranks N]

mpi4py.futures runs with one manager and N - 1 workers, chunk size 1, with its defaults and with
backoff=0, its fair tuning where a core is free for the manager.
"""

import argparse
import json
import os
import subprocess
import sys
import time

NOOP_TASKS = 4000
BUSY_TASKS_PER_RANK = 200
BUSY_SECONDS = 5e-3


def nothing(_):
    return None


def busy(seconds):
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        pass
    return time.perf_counter() - start


def measure_futures(ranks):
    """Runs on the manager's rank, under `mpirun -m mpi4py.futures`."""
    from mpi4py.futures import MPIPoolExecutor

    results = {}
    for name, options in {"default": {}, "backoff=0": {"backoff": 0}}.items():
        with MPIPoolExecutor(**options) as executor:
            executor.bootup()
            list(executor.map(nothing, range(100), chunksize=1))
            start = time.perf_counter()
            list(executor.map(nothing, range(NOOP_TASKS), chunksize=1))
            noop = NOOP_TASKS / (time.perf_counter() - start)
            start = time.perf_counter()
            work = sum(executor.map(busy, [BUSY_SECONDS] * (BUSY_TASKS_PER_RANK * ranks), chunksize=1))
            wall = time.perf_counter() - start
        results[name] = {"noop_per_second": noop, "efficiency_5ms": work / (ranks * wall)}
    print(json.dumps(results))


def mpirun(ranks, *command):
    environment = dict(
        os.environ,
        OMPI_ALLOW_RUN_AS_ROOT="1",
        OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
        OMPI_MCA_mpi_yield_when_idle="1",
        OMP_NUM_THREADS="1",
        OPENBLAS_NUM_THREADS="1",
    )
    launch = ["mpirun", "--bind-to", "none", "--oversubscribe", "-n", str(ranks), *command]
    output = subprocess.run(launch, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench_schedule", help="the program bench_schedule")
    parser.add_argument("--ranks", type=int, default=4)
    parser.add_argument("--benchmark_out", help="also write the ratios as Google Benchmark would")
    parser.add_argument("--futures", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.futures:
        measure_futures(arguments.ranks)
        return

    ours = mpirun(arguments.ranks, arguments.bench_schedule, "--json")
    script = [sys.executable, "-m", "mpi4py.futures", os.path.abspath(__file__)]
    futures = mpirun(
        arguments.ranks, *script, arguments.bench_schedule, "--futures", "--ranks", str(arguments.ranks)
    )

    print(f"{arguments.ranks} ranks                    no-op tasks/s   ratio   efficiency at 5 ms   ratio")
    print(f"{'meander':<26}{ours['noop_per_second']:13.4g}{'':8}{ours['efficiency_5ms']:21.3f}")
    for name, theirs in futures.items():
        print(
            f"{'mpi4py.futures ' + name:<26}{theirs['noop_per_second']:13.4g}"
            f"{ours['noop_per_second'] / theirs['noop_per_second']:8.0f}"
            f"{theirs['efficiency_5ms']:21.3f}{ours['efficiency_5ms'] / theirs['efficiency_5ms']:8.2f}"
        )
    if arguments.benchmark_out:
        ratios = [
            {
                "name": f"schedule_against_mpi4py/ranks:{arguments.ranks}/{name}",
                "tasks_per_second_over_theirs": ours["noop_per_second"] / theirs["noop_per_second"],
                "efficiency_over_theirs": ours["efficiency_5ms"] / theirs["efficiency_5ms"],
            }
            for name, theirs in futures.items()
        ]
        with open(arguments.benchmark_out, "w") as file:
            json.dump({"context": {"load_avg": os.getloadavg()}, "benchmarks": ratios}, file)
    print(f"meander, costs spanning 1000x: efficiency {ours['efficiency_1000x']:.3f}")
    print(f"meander, 1 us tasks: {ours['microsecond_per_second']:.4g} per second")


if __name__ == "__main__":
    main()

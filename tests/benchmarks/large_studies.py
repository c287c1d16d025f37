"""Studies of very many cells: what their plan, their run, their writing and a resume with nothing to do take, each in processor
seconds beside its goal, and in memory.

    large_studies.py MEANDER [--ranks 2] [--small] [--benchmark_out FILE]

Seconds depend on the processor, so each row also says what packing 64 MiB of random doubles with zlib took in the same run.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import zlib

import numpy as np

CELLS = """measure = "signal_propagation"
realizations = {realizations}
[sweep]
width = {width}
depth = {depth}
sigma_w = {{ linspace = [0.5, 3.0, {points}] }}
activation = "relu"
[input]
dimension = 2
q0 = 1.0
c0 = 0.5
"""
POINTS = """measure = "phase_diagram"
[sweep]
sigma_w = { linspace = [0.5, 3.0, 10000] }
sigma_b = { linspace = [0.0, 1.0, 10000] }
activation = "tanh"
"""
ENVIRONMENT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_mpi_yield_when_idle": "1",
               "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
LIMIT = 200.0  # megabytes of a rank


def cells(realizations, points=1, width=2, depth=1):
    return CELLS.format(realizations=realizations, points=points, width=width, depth=depth)


def taken(command):
    """Processor seconds, seconds by the clock, and megabytes of the largest process, of a command."""
    meter = "import resource, subprocess, sys, time; start = time.time(); " \
            "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode; used = resource.getrusage(resource.RUSAGE_CHILDREN); " \
            "print(used.ru_utime + used.ru_stime, time.time() - start, used.ru_maxrss / 1024); sys.exit(code)"
    done = subprocess.run([sys.executable, "-c", meter, *map(str, command)], env={**os.environ, **ENVIRONMENT}, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    return [float(number) for number in done.stdout.split()]


def yardstick():
    values = np.random.default_rng(1).standard_normal(1 << 23).tobytes()
    start = time.process_time()
    zlib.compress(values, 4)
    return time.process_time() - start


class Table:
    def __init__(self):
        self.zlib = yardstick()
        self.rows = []
        print(f"zlib, 64 MiB of random doubles: {self.zlib:.2f} s")

    def add(self, name, counter, value, goal, said):
        self.rows.append({"name": name, "label": said, counter: value, f"{counter}_at_most": goal})
        print(f"{name}: {said}; {counter} {value:.3g} (goal: at most {goal:g})")

    def seconds(self, name, processor, goal):
        self.add(name, "seconds_over_goal", processor / goal, 1.0, f"{processor:.2f} s for {goal:g} s; zlib took {self.zlib:.2f} s")

    def megabytes(self, name, value):
        self.add(name, "megabytes_over_limit", value / LIMIT, 1.0, f"{value:.0f} MB of {LIMIT:g} MB")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program", type=pathlib.Path)
    options.add_argument("--ranks", type=int, default=2)
    options.add_argument("--small", action="store_true", help="a tenth of the cells")
    options.add_argument("--benchmark_out")
    options = options.parse_args()
    program = options.program.resolve()
    million = 100000 if options.small else 1000000
    mpirun = ["mpirun", "-q", "--bind-to", "none", "--oversubscribe", "-n"]
    table = Table()
    with tempfile.TemporaryDirectory() as folder:
        def study(name, text):
            path = pathlib.Path(folder, name + ".toml")
            path.write_text(text)
            return path

        for name, text in {"plan/cells:1e8": cells(10000, 1000, "[10, 20, 30, 40, 50, 60, 70, 80, 90, 100]", 4), "plan/points:1e8": POINTS,
                           "plan/cells:2e9": cells(2000000000)}.items():
            processor, _, megabytes = taken([program, "plan", study("plan", text)])
            table.seconds(name, processor, 2.0)
            table.megabytes(name, megabytes)

        for name, realizations in {"1e6": million, "1e7": 10 * million}.items():
            many = study(name, cells(realizations))
            timing = pathlib.Path(folder, "timing.json")
            archive = pathlib.Path(folder, name + ".h5")
            _, _, megabytes = taken([*mpirun, options.ranks, program, "run", many, "-o", archive, "--quiet", "--timing", timing])
            split = json.loads(timing.read_text())
            table.megabytes(f"run/cells:{name}/ranks:{options.ranks}", megabytes)
            table.add(f"run/cells:{name}/ranks:{options.ranks}", "writing_over_computing", split["write_seconds"] / split["work_seconds"], 1.0,
                      f"{split['work_seconds']:.1f} s of computing, {split['write_seconds']:.1f} s of writing")
            processor, _, _ = taken([program, "run", many, "-o", archive, "--quiet"])
            table.seconds(f"resume_with_nothing_to_do/cells:{name}", processor, 2.0)
            archive.unlink()

        small = study("small", cells(8, 22, 20, 4))
        _, clock, _ = taken([*mpirun, 64, program, "run", small, "-o", pathlib.Path(folder, "small.h5"), "--quiet"])
        table.add("run/cells:177/ranks:64", "seconds_over_goal", clock / 8.0, 1.0, f"{clock:.1f} s by the clock on {os.cpu_count()} cores")
    if options.benchmark_out:
        pathlib.Path(options.benchmark_out).write_text(json.dumps({"context": {"load_avg": os.getloadavg()}, "benchmarks": table.rows}))


if __name__ == "__main__":
    main()

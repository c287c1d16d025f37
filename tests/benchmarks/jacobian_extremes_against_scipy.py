"""The five largest singular values of a tanh network's Jacobian (width 4096, depth 10) beside scipy's svds, on one core
each, in one run: seconds of processor time for the same accuracy of the values.

    jacobian_extremes_against_scipy.py BENCH_JACOBIAN_EXTREMES [--width N] [--depth L] [--repeats R]

scipy's version is what one writes for a notebook: the layers D and W in memory, in single or double precision, products
as a LinearOperator, svds as it comes (ARPACK to the precision of its numbers). Ours keeps its weights in the same
precision. The reference is our own search to 1e-12 with weights in double precision, or rounded to single; the largest
tolerance of ours is taken with which no value is further from it than any of scipy's. `at_equal_residuals` compares with
a tolerance of ours that is the residual |J'u - s v| / s which scipy's values turn out to have. Both alternate, and the
smallest time of each counts, since the machine may be shared.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(threads, "1")

import numpy as np  # noqa: E402
from scipy.sparse.linalg import LinearOperator, svds  # noqa: E402

SIGMA_W = 1.2
COUNT = 5
PRECISIONS = {"single": np.float32, "double": np.float64}
GOALS = {"single": 4, "double": 2}
TOLERANCES = (1e-2, 5e-3, 2e-3, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
BLOCK = 8


class StoredJacobian:
    """Products with J = D^L W^L ... D^1 W^1 of the layers in a file: slopes, then standard normals."""

    def __init__(self, path, width, depth, precision):
        self.layers, self.width, self.precision = [], width, precision
        scale = np.array(SIGMA_W / np.sqrt(width))
        with open(path, "rb") as file:
            for _ in range(depth):
                slope = np.fromfile(file, np.float64, width)
                weight = np.fromfile(file, np.float32, width * width).reshape(width, width)
                for row in range(0, width, 256):  # in double precision, and no second matrix
                    weight_rows = weight[row : row + 256].astype(np.float64) * scale
                    if precision == np.float32:
                        weight[row : row + 256] = weight_rows
                    elif row == 0:
                        wide = np.empty((width, width))
                    if precision == np.float64:
                        wide[row : row + 256] = weight_rows
                self.layers.append((slope.astype(precision), weight if precision == np.float32 else wide))

    def forward(self, x):
        for slope, weight in self.layers:
            x = slope * (weight @ x)
        return x

    def back(self, y):
        for slope, weight in reversed(self.layers):
            y = (slope * y) @ weight
        return y

    def largest(self, seed):
        """Processor seconds, values and residuals."""
        j = LinearOperator((self.width, self.width), matvec=lambda x: self.forward(x.ravel()),
                           rmatvec=lambda y: self.back(y.ravel()), dtype=self.precision)
        start = time.process_time()
        u, s, vt = svds(j, k=COUNT, random_state=np.random.default_rng(seed))
        seconds = time.process_time() - start
        order = np.argsort(-s)
        residuals = [np.linalg.norm(self.back(u[:, i]) - s[i] * vt[i]) / s[i] for i in order]
        return seconds, s[order].astype(np.float64), max(residuals)


def own(program, options, storage, tolerances, block, *more):
    command = [program, "--width", options.width, "--depth", options.depth, "--sigma_w", SIGMA_W, "--count", COUNT,
               "--storage", storage, "--block", block, "--tolerance", ",".join(map(str, tolerances)), *more]
    text = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in text.splitlines()]


def compare(name, options, layers):
    program = options.program
    exact = np.array(own(program, options, name, [1e-12], 16)[0]["values"])
    error = lambda values: np.max(np.abs(np.asarray(values) / exact - 1))  # noqa: E731
    theirs = StoredJacobian(layers, options.width, options.depth, PRECISIONS[name])
    first = own(program, options, name, TOLERANCES, BLOCK)
    runs = [theirs.largest(seed) for seed in range(options.repeats)]
    their_error, residual = max(error(run[1]) for run in runs), max(run[2] for run in runs)
    # Rounding of the reference itself counts for nobody.
    equal = next(run["tolerance"] for run in first if error(run["values"]) <= max(their_error, 1e-14))
    at_residual = max(residual, 1e-13)
    again = [own(program, options, name, [equal, at_residual], BLOCK) for _ in range(options.repeats)]
    seconds = [min(run[place]["seconds"] for run in again) for place in (0, 1)]
    scipy_seconds = min(run[0] for run in runs)
    passes = [run["iterations"] for run in again[0]]
    own_error = error(again[0][0]["values"])
    print(f"{name}: svds {scipy_seconds:.2f} s, values to {their_error:.0e}, residuals {residual:.0e}; "
          f"ours {seconds[0]:.2f} s ({passes[0]} passes of {BLOCK} vectors), values to {own_error:.0e}, "
          f"{scipy_seconds / seconds[0]:.2f} times faster; to the same residuals {seconds[1]:.2f} s ({passes[1]} "
          f"passes), {scipy_seconds / seconds[1]:.2f} times")
    return {"name": f"jacobian_extremes_against_scipy/{name}", "times_faster": scipy_seconds / seconds[0],
            "times_faster_at_least": GOALS[name], "svds_over_ours_at_equal_residuals": scipy_seconds / seconds[1],
            "label": f"svds, values to {their_error:.0e} (ours {own_error:.0e}), residuals {residual:.0e}"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="the program bench_jacobian_extremes")
    parser.add_argument("--width", type=int, default=4096)
    parser.add_argument("--depth", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--benchmark_out", help="also write the ratios as Google Benchmark would")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        layers = os.path.join(folder, "layers")
        # Only for the file that it writes.
        own(options.program, options, "regenerated", [0.9], 1, "--layers", layers)
        ratios = [compare(name, options, layers) for name in PRECISIONS]
    if options.benchmark_out:
        with open(options.benchmark_out, "w") as file:
            json.dump({"context": {"load_avg": os.getloadavg()}, "benchmarks": ratios}, file)


if __name__ == "__main__":
    main()

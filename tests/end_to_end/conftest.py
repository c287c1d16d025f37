"""The program as a user runs it: fixtures and comparisons for the end-to-end tests."""

import gzip
import hashlib
import os
import pathlib
import shutil
import struct
import subprocess
import sys

import h5py
import numpy as np
import pytest

PROGRAM = str(pathlib.Path(os.environ["MEANDER_PROGRAM"]).resolve())
SOURCE = pathlib.Path(os.environ["MEANDER_SOURCE"]).resolve()
# The same program with a measure whose tasks stop and go on.
LONG_SUM = str(pathlib.Path(os.environ.get("MEANDER_LONG_SUM", pathlib.Path(PROGRAM).parent / "tests" / "meander_long_sum")).resolve())
MPIRUN = ["mpirun", "-q", "--bind-to", "none", "--oversubscribe"]


def library(name):
    """The test library of that name: the one that MEANDER_<NAME> names, else where the program's build leaves it."""
    given = os.environ.get(f"MEANDER_{name.upper()}")
    return given or str(pathlib.Path(PROGRAM).parent / "tests" / "end_to_end" / f"lib{name}.so")


def environment():
    """Open MPI as root in containers, ranks that share cores, one thread a rank."""
    settings = {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_mpi_yield_when_idle": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return {**os.environ, **settings}


def command(*arguments, ranks=None, program=PROGRAM):
    start = [] if ranks is None else [*MPIRUN, "-n", str(ranks)]
    return [*start, program, *map(str, arguments)]


def meander(*arguments, ranks=None, cwd=None, code=0, timeout=300, program=PROGRAM):
    """Runs meander, checks its exit code and gives what it printed (both streams)."""
    done = subprocess.run(
        command(*arguments, ranks=ranks, program=program),
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == code, f"exit code {done.returncode}, expected {code}:\n{done.stdout}"
    return done.stdout


def peak(*arguments, code):
    """What the program and its children held at most, in MB, and what was printed."""
    program = "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode; " \
        "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024); sys.exit(code)"
    done = subprocess.run([sys.executable, "-c", program, *command(*arguments)], env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    return int(done.stdout.rsplit("peak", 1)[1]), done.stderr


def arrays(path):
    """Every array that two runs of one study must share, and the root attributes likewise."""
    with h5py.File(path, "r") as file:
        found = {}

        def visit(name, item):
            if isinstance(item, h5py.Dataset) and not item.attrs.get("run_dependent", 0):
                found[name] = item[()]

        file.visititems(visit)
        for name in ("title", "measure", "study", "identity"):
            found["@" + name] = file.attrs[name]
    return found


def assert_identical(path_a, path_b):
    a, b = arrays(path_a), arrays(path_b)
    assert a.keys() == b.keys()
    for name in a:
        left, right = np.asarray(a[name]), np.asarray(b[name])
        assert left.dtype == right.dtype and left.shape == right.shape, name
        if left.dtype.kind == "f":
            same = np.array_equal(left.view(f"u{left.itemsize}"), right.view(f"u{right.itemsize}"))
        else:
            same = np.array_equal(left, right)
        assert same, f"{name} differs"


@pytest.fixture
def study(tmp_path):
    """Writes a study file and gives its path."""

    def write(text, name="study.toml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


SMALL = """
title = "small"
measure = "transitions"
seed = 7
realizations = 3
[sweep]
width = [20, 31]
depth = [2, 5]
sigma_w = [1.5, 3.0]
activation = ["hard_tanh", "relu"]
[input]
dimension = 12
[curve]
samples = 200
"""


# Counts between samples, for runs that must last: exact counts of small networks are over at once.
SAMPLED = SMALL + '[transitions]\nmethod = "sampled"\n'


def images_file(path, count=40, rows=6, columns=5, seed=3):
    """A small IDX file of random images, gzipped where the name says so."""
    pixels = np.random.default_rng(seed).integers(0, 256, (count, rows, columns), dtype=np.uint8)
    content = struct.pack(">4B3I", 0, 0, 8, 3, count, rows, columns) + pixels.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def labels_file(path, count=40):
    content = struct.pack(">4BI", 0, 0, 8, 1, count) + bytes(i % 10 for i in range(count))
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def snapshot(folder):
    """Names and contents below a folder: to see that nothing was touched."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def seal(path):
    """Ends a file that a test has changed as the program would have ended it."""
    content = path.read_bytes()
    path.write_bytes(content + b"meander sha256 " + hashlib.sha256(content).hexdigest().encode() + b"\n")


def copy(source, target):
    shutil.copyfile(source, target)
    return target


def processes(path):
    """Ranks that run a study, by process id."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[1:3] == [b"run", str(path).encode()] and words[0].endswith(b"/meander"):
                found.append(int(entry.name))
    return found


def open_to_networks(pid):
    """Addresses beyond loopback, as the kernel writes them, on which a process listens."""
    sockets = {}
    for name in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                sockets[f"socket:[{fields[9]}]"] = fields[1]
    held = {os.readlink(link) for link in pathlib.Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    return [address for socket, address in sockets.items() if socket in held and not is_loopback(address)]


def is_loopback(address):
    host = address.split(":")[0]
    return host.endswith("7F") if len(host) == 8 else host in ("00000000000000000000000001000000", "0000000000000000FFFF00000100007F")

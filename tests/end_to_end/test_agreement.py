"""No rank waits for one that has given up: every step after the tasks fails on one rank in turn, and the run ends."""

import os
import shutil
import subprocess

import pytest

from conftest import SMALL, assert_identical, command, environment, library, meander

# A run takes a second or two; the archive's watchdog waits for three.
LIMIT = 60
STUDY = SMALL.replace("realizations = 3", "realizations = 1")


@pytest.fixture
def whole(study, tmp_path):
    """The study, and what it gives where nothing fails."""
    path = study(STUDY)
    meander("run", path, "-o", tmp_path / "whole.h5", "--quiet")
    return path


def run_with_failure(path, folder, ranks, rank, call, at, more=False):
    """Exit code and output of a run whose call number `at` fails, or nothing where there are not so many calls."""
    out, note = folder / "out.h5", folder / "failed"
    note.unlink(missing_ok=True)
    failure = {
        "LD_PRELOAD": library("failing_steps"),
        "FAIL_RANK": str(rank),
        "FAIL_CALL": call,
        "FAIL_NAME": str(out),
        # Open MPI 4.1 swallows a read that fails while ranks write a file together: nobody learns that it is damaged.
        "FAIL_NOT": ".tmp-" if call == "read" else "",
        "FAIL_AT": str(at),
        "FAIL_MORE": "1" if more else "",
        "FAIL_NOTE": str(note),
        "MEANDER_WRITE_PATIENCE": "3",
    }
    done = subprocess.run(
        command("run", path, "-o", out, "--quiet", ranks=ranks),
        env={**environment(), **failure},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    return (done.returncode, done.stdout) if note.exists() else None


def expect_end(path, folder, failed, what):
    """That the run ended as it should, lost nothing, and can be gone on with."""
    code, printed = failed
    out = folder / "out.h5"
    if code == 0:
        assert ": error: " not in printed, f"{what}: {printed}"
    else:
        # Where there is no memory, the library that reads TOML ends the program: no other rank waits for that either.
        crashed = code == 134 and what.startswith("allocation") and "crashed" in printed
        assert code == 1 or crashed, f"{what}: exit code {code}\n{printed}"
        assert "error: " in printed, f"{what}: {printed}"
    again = meander("run", path, "-o", out)
    assert "(0 from before)" not in again or code != 0, f"{what}: results were lost\n{again}"
    assert_identical(out, folder / "whole.h5")
    out.unlink()


# How many ranks, and which of them fails.
RANKS = [(2, 0), (3, 2), (2, 1), (3, 0)]
# Calls number 1, FACTOR, FACTOR^2 ... fail.
FACTOR = 2 if os.environ.get("MEANDER_LONG") else 4
CALLS = ["open", "flock", "opendir", "fsync", "fallocate", "truncate", "read", "rename", "remove"]


def cases(calls):
    """Every call on every rank where MEANDER_LONG asks for it (ctest -L agreement), else each on one of them in turn."""
    if os.environ.get("MEANDER_LONG"):
        return [(call, *ranks) for call in calls for ranks in RANKS]
    return [(call, *RANKS[i % len(RANKS)]) for i, call in enumerate(calls)]


@pytest.mark.parametrize(("call", "ranks", "rank"), cases(CALLS))
def test_a_call_on_a_file_fails(whole, tmp_path, ranks, rank, call):
    at = 1
    while (failed := run_with_failure(whole, tmp_path, ranks, rank, call, at)) is not None:
        expect_end(whole, tmp_path, failed, f"{call} number {at} on rank {rank} of {ranks}")
        at *= FACTOR


@pytest.mark.parametrize(("call", "ranks", "rank"), cases(["new"]))
def test_memory_runs_out(whole, tmp_path, ranks, rank, call):
    at = 1
    while (failed := run_with_failure(whole, tmp_path, ranks, rank, call, at)) is not None:
        expect_end(whole, tmp_path, failed, f"allocation {at} on rank {rank} of {ranks}")
        at *= FACTOR


GROUPS = """
measure = "jacobian_extremes"
seed = 5
realizations = 1
[sweep]
width = 96
depth = 3
sigma_w = 1.1
activation = "tanh"
weights = ["gaussian", "orthogonal"]
[jacobian_extremes]
count = 4
ranks_per_task = 2
"""


@pytest.mark.parametrize(("solver", "rank"), [("randomized", 1), ("dense", 0)])
def test_memory_runs_out_in_a_task_of_several_ranks(study, tmp_path, monkeypatch, rank, solver):
    """The task fails on all its ranks, or the job ends: where one failed in a step that the others know nothing of."""
    path = study(GROUPS + f'solver = "{solver}"\n')
    monkeypatch.setenv("FAIL_IN_TASKS", "1")
    monkeypatch.setenv("MEANDER_GROUP_PATIENCE", "1")
    at = 1
    while (failed := run_with_failure(path, tmp_path, 2, rank, "new", at)) is not None:
        code, printed = failed
        assert code == 1, f"allocation {at}: exit code {code}\n{printed}"
        assert "a task has failed" in printed or printed.count("error: ") == 1, f"allocation {at}: {printed}"
        (tmp_path / "out.h5").unlink(missing_ok=True)
        shutil.rmtree(tmp_path / "out.h5.shards", ignore_errors=True)
        at *= FACTOR

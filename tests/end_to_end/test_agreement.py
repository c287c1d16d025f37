"""No rank waits for one that has given up: every call of a run on files, and every allocation after its tasks, fails on
one rank in turn. The run ends, and either the archive is whole or the exit code and a message say that it is not.

All of them where MEANDER_LONG asks for it (ctest -L agreement), else some of every kind, others each time:
MEANDER_AGREEMENT_SEED repeats a choice.
"""

import collections
import errno
import os
import random
import shutil
import subprocess

import pytest

from conftest import SMALL, assert_identical, command, environment, library, meander

LIMIT = 30  # a run takes less than a second, and results that cannot be written are tried again for six
STUDY = SMALL.replace("realizations = 3", "realizations = 1").replace("width = [20, 31]", "width = [20]")
LONG = bool(os.environ.get("MEANDER_LONG"))
SEED = int(os.environ.get("MEANDER_AGREEMENT_SEED", random.SystemRandom().randrange(1 << 32)))


@pytest.fixture
def whole(study, tmp_path):
    """The study, and what it gives where nothing fails."""
    path = study(STUDY)
    meander("run", path, "-o", tmp_path / "whole.h5", "--quiet")
    return path


def run_with_failure(path, folder, ranks, rank, call, at, start="end", error=errno.EIO, more=None):
    """Exit code, output and the kind of call that failed; that is nothing where there are not so many calls."""
    out, note = folder / "archive" / "out.h5", folder / "failed"
    out.parent.mkdir(exist_ok=True)
    note.unlink(missing_ok=True)
    failure = {
        "LD_PRELOAD": library("failing_steps"),
        "FAIL_FROM": start,
        "FAIL_RANK": str(rank),
        "FAIL_CALL": call,
        "FAIL_NAME": str(out.parent),
        "FAIL_AT": str(at),
        "FAIL_ERROR": str(error),
        "FAIL_NOTE": str(note),
        **(more or {}),
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
    return done.returncode, done.stdout, note.read_text().strip() if note.exists() else ""


def calls_of(path, folder, ranks, rank, call, start):
    """The kinds of all calls of a run in which none fails, in order."""
    listed = folder / "calls"
    code, printed, _ = run_with_failure(path, folder, ranks, rank, call, 0, start, more={"FAIL_LIST": str(listed)})
    assert code == 0, printed
    start_anew(folder)
    kinds = listed.read_text().split() if listed.exists() else []
    listed.unlink(missing_ok=True)
    return kinds


def start_anew(folder):
    shutil.rmtree(folder / "archive")


def expect_end(path, folder, failed, start, what):
    """That the run ended as it should, lost nothing, and can be gone on with."""
    code, printed, _ = failed
    codes = (1,) if start == "end" else (1, 3)
    out = folder / "archive" / "out.h5"
    # Where there is no memory, the library that reads TOML ends the program: no other rank waits for that either.
    crashed = code == 134 and what.startswith("allocation") and "crashed" in printed
    assert code in (0, *codes) or crashed, f"{what}: exit code {code}\n{printed}"
    if code == 0:
        # A shard that cannot be read may hold nothing that is wanted.
        told = [line for line in printed.splitlines() if ": error: " in line and not line.startswith("  ")]
        assert not told, f"{what}: {printed}"
        assert_identical(out, folder / "whole.h5")
    else:
        assert "error: " in printed, f"{what}: {printed}"
    try:
        again = meander("run", path, "-o", out)
    except AssertionError as error:
        raise AssertionError(f"{what}: {printed}\nand then {error}") from error
    assert "(0 from before)" not in again or start != "end", f"{what}: results were lost\n{printed}\n{again}"
    assert_identical(out, folder / "whole.h5")
    start_anew(folder)


def chosen(kinds, most):
    """Numbers of the calls to fail: one of every kind, then any."""
    if LONG:
        return list(range(1, len(kinds) + 1))
    chance = random.Random(f"{SEED} {len(kinds)}")
    places = collections.defaultdict(list)
    for number, kind in enumerate(kinds, start=1):
        places[kind].append(number)
    numbers = {chance.choice(found) for found in places.values()}
    rest = [number for number in range(1, len(kinds) + 1) if number not in numbers]
    return sorted(numbers) + sorted(chance.sample(rest, min(len(rest), max(0, most - len(numbers)))))


# How many ranks, which of them fails, from when on, and how many calls of those that count are tried.
PLACES = [(2, 0, "end", 10), (2, 1, "end", 4), (3, 2, "end", 2), (1, 0, "end", 2), (2, 1, "start", 2), (2, 0, "start", 3)]


@pytest.mark.parametrize(("ranks", "rank", "start", "most"), PLACES)
def test_a_call_on_a_file_fails(whole, tmp_path, ranks, rank, start, most):
    kinds = calls_of(whole, tmp_path, ranks, rank, "file", start)
    assert len(kinds) > 5 or rank > 0  # which has no files where the others were quicker at all tasks
    numbers = chosen(kinds, most)
    if not LONG and most < len(set(kinds)):  # every kind is tried elsewhere
        numbers = sorted(random.Random(f"{SEED} {ranks} {rank}").sample(numbers, min(most, len(numbers))))
    for number in numbers:
        error = (errno.EIO, errno.ENOSPC)[number % 2]
        failed = run_with_failure(whole, tmp_path, ranks, rank, "file", number, start, error)
        what = f"{failed[2]}, call number {number} on rank {rank} of {ranks} from the {start}, error {error}, seed {SEED}"
        expect_end(whole, tmp_path, failed, start, what)


@pytest.mark.parametrize(("ranks", "rank", "most"), [(2, 0, 5), (2, 1, 3), (3, 2, 2)])
def test_memory_runs_out(whole, tmp_path, ranks, rank, most):
    """After the tasks; of the long test every seventh."""
    count = len(calls_of(whole, tmp_path, ranks, rank, "new", "end"))
    assert count > 100
    chance = random.Random(f"{SEED} {ranks} {rank}")
    numbers = range(1 + chance.randrange(7), count, 7) if LONG else sorted(chance.sample(range(1, count), most))
    for number in numbers:
        failed = run_with_failure(whole, tmp_path, ranks, rank, "new", number)
        expect_end(whole, tmp_path, failed, "end", f"allocation {number} on rank {rank} of {ranks}, seed {SEED}")


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
    monkeypatch.setenv("MEANDER_GROUP_PATIENCE", "1")
    at, factor = 1, 2 if LONG else 4
    while True:
        code, printed, kind = run_with_failure(path, tmp_path, 2, rank, "new", at, "tasks")
        start_anew(tmp_path)
        if not kind:
            break
        assert code == 1, f"allocation {at}: exit code {code}\n{printed}"
        told = printed.count("error: ") - printed.count("error: the run died")
        assert "a task has failed" in printed or told == 1, f"allocation {at}: {printed}"
        at *= factor
    assert at > factor

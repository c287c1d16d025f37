"""Ranks and whole jobs are killed or paused at random moments, archives and shards removed and tampered with, locks
refused, over and over: nothing is lost, changed or done twice.

MEANDER_CHAOS_ROUNDS (default 8) sets how many rounds, MEANDER_CHAOS_SEED repeats a sequence of them.
"""

import collections
import errno
import hashlib
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np
import pytest

from conftest import LONG_SUM, PROGRAM, arrays, assert_identical, command, environment, library, meander

STUDY = """
title = "chaos"
measure = "transitions"
seed = 11
realizations = 8
[sweep]
width = [40, 81]
depth = [2, 4]
sigma_w = [1.5, 3.0, 4.5]
activation = ["hard_tanh", "relu"]
[input]
dimension = 12
[curve]
samples = 4000
[transitions]
method = "sampled"  # exact counts of such small networks are over at once
"""

# Half a second each: they are killed in the middle and go on from their kept states.
LONG_TASKS = """
title = "long tasks"
measure = "long_sum"
realizations = 2
[sweep]
scale = [1.0, 2.5, 3.25]
[long_sum]
blocks = 400
terms = 80000
"""

ROUNDS = int(os.environ.get("MEANDER_CHAOS_ROUNDS", "8"))
SEED = int(os.environ.get("MEANDER_CHAOS_SEED", random.SystemRandom().randrange(1 << 32)))

KILLS = ("kill", "crash", "freeze", "job")
# What a run gets over without ending: it goes on with what is left.
HARMS = ("pause", "archive removed", "shards removed")
MOMENTS = ("anytime", "anytime", "shard renewed", "archive written")
PATTERNS = {
    "shard renewed": "out.h5.shards/*.tmp-*",
    "state renewed": "out.h5.shards/partial/*.tmp-*",
    "archive written": "out.h5.tmp-*",
}


def ranks_of(job, ranks):
    if ranks == 1:
        return [job.pid]
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(job.pid)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def is_there(folder, pattern):
    try:
        return next(folder.glob(pattern), None) is not None
    except FileNotFoundError:  # the run removed its shards' folder while it was being listed
        return False


def wait_for(moment, job, folder, chance, wall):
    """Until the moment to strike; some never come, since a run may be over before."""
    if moment == "anytime":
        deadline = time.monotonic() + chance.uniform(0.0, wall)
        while job.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        return
    pattern = PATTERNS[moment]
    skip = 0 if moment == "archive written" else chance.randrange(4)
    while job.poll() is None:
        if is_there(folder, pattern):
            if skip == 0:
                break
            skip -= 1
        time.sleep(0.0005)
    time.sleep(chance.uniform(0.0, 0.01))


def strike(kind, job, ranks, chance):
    victims = ranks_of(job, ranks)
    if kind == "job" or not victims:
        for pid in [job.pid, *victims]:
            send(pid, signal.SIGKILL)
        return
    victim = chance.choice(victims)
    if kind == "freeze":
        send(victim, signal.SIGSTOP)
        time.sleep(chance.uniform(0.0, 0.2))
    send(victim, signal.SIGSEGV if kind == "crash" else signal.SIGKILL)


def harm(kind, job, ranks, out, chance, most, part):
    """Gives whether anything was there that the run had to go on without."""
    if kind == "pause":
        victims = ranks_of(job, ranks)
        if not victims or job.poll() is not None:
            return False
        victim = chance.choice(victims)
        send(victim, signal.SIGSTOP)
        time.sleep(chance.uniform(0.0, most))
        send(victim, signal.SIGCONT)
        return True
    if kind == "archive removed":
        removed = out.with_suffix(".removed")
        try:
            out.rename(removed)
        except FileNotFoundError:
            return False
        early = removed.read_bytes() == part.read_bytes()  # else the run had written its own already
        removed.unlink()
        return early
    there = shards_of(out)
    for shard in there:
        shard.unlink(missing_ok=True)
    if chance.random() < 0.5:
        shutil.rmtree(f"{out}.shards", ignore_errors=True)
    return bool(there)


def tamper(out, chance):
    """Two rows of a shard change their cells, under a new seal; gives the shard, if one has two rows."""
    shards = shards_of(out)
    chance.shuffle(shards)
    for shard in shards:
        content = shard.read_bytes()[:-80]
        shard.write_bytes(content)
        with h5py.File(shard, "r+") as file:
            groups = [group for group in file.values() if len(group["cell"]) > 1]
            for group in groups[:1]:
                cells = group["cell"][()]
                a, b = chance.sample(range(len(cells)), 2)
                cells[[a, b]] = cells[[b, a]]
                group["cell"][...] = cells
        content = shard.read_bytes()
        shard.write_bytes(content + b"meander sha256 " + hashlib.sha256(content).hexdigest().encode() + b"\n")
        assert is_sealed(shard)
        if groups:
            return shard
    return None


def shards_of(out):
    return sorted(pathlib.Path(f"{out}.shards").glob("*.shard"))


def without_locks(refused):
    more = {"LD_PRELOAD": library("refusing_locks"), "REFUSE_LOCKS": str(errno.ENOLCK)} if refused else {}
    return {**environment(), **more}


def ended(job, ranks, pids):
    """Waits for the job; says whether its launcher had to be ended by hand."""
    try:
        job.wait(timeout=30)
        return False
    except subprocess.TimeoutExpired:
        for pid in [*ranks_of(job, ranks), *pids, job.pid]:
            send(pid, signal.SIGKILL)
        job.wait(timeout=30)
        return True
    finally:
        # Ranks whose launcher was killed end on their own; the next run must not meet them.
        deadline = time.monotonic() + 30
        while any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
            time.sleep(0.01)


def is_sealed(path):
    content = path.read_bytes()
    return content[-80:] == b"meander sha256 " + hashlib.sha256(content[:-80]).hexdigest().encode() + b"\n"


def kept(out, tampered=None):
    """Seconds of every cell on the disk, as sets by family and cell. Every file must be whole."""
    cells = collections.defaultdict(set)
    for shard in shards_of(out):
        if shard == tampered:
            continue
        assert is_sealed(shard), f"{shard} is torn"
        with h5py.File(shard) as file:
            for name, group in file.items():
                for cell, seconds in zip(group["cell"][()], group["seconds"][()]):
                    cells[int(name.removeprefix("family_")), int(cell)].add(float(seconds))
    if out.exists():
        assert is_sealed(out), f"{out} is torn"
        for key, seconds in archived(out).items():
            cells[key].add(seconds)
    for state in pathlib.Path(f"{out}.shards").glob("partial/*.state"):
        assert is_sealed(state), f"{state} is torn"
    return cells


def states(out):
    return len(list(pathlib.Path(f"{out}.shards").glob("partial/*.state")))


def archived(out):
    with h5py.File(out) as file:
        return {
            (family, cell): float(seconds)
            for family, name in enumerate(("seconds", "seconds_theory"))
            if name in file
            for cell, seconds in enumerate(file[name][()].ravel())
            if not np.isnan(seconds)
        }


def struck_run(out, study, wall, chance, tally, program, moments, whole):
    """A run that something happens to; gives its story."""
    ranks, checkpoint, refused = chance.randint(1, 4), chance.choice((0.02, 0.1, 0.5)), chance.random() < 0.25
    kind, moment = chance.choice((*KILLS, *KILLS, *HARMS)), chance.choice(moments)
    part = whole.parent / "part.h5"
    if kind == "archive removed":  # of a smaller study, which this one extends
        shutil.copy(part, out)
    story = f"{ranks} ranks, {kind} at {moment}, checkpoint {checkpoint}{', locks refused' if refused else ''}"
    job = subprocess.Popen(
        command("run", study, "-o", out, "--checkpoint", checkpoint, "--quiet", ranks=ranks if ranks > 1 else None, program=program),
        env=without_locks(refused), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )
    wait_for(moment, job, out.parent, chance, wall)
    pids = ranks_of(job, ranks) if job.poll() is None else []
    alive = job.poll() is None
    if kind in HARMS:
        harmed = harm(kind, job, ranks, out, chance, 2.0 * wall, part)
        tally[f"harmed: {kind}"] += alive and harmed
        assert not ended(job, ranks, pids), f"{story}: it hung"
        assert job.returncode in ((0,) if kind == "pause" else (0, 1)), f"{story}: exit code {job.returncode}"
        if job.returncode == 0 and (kind == "pause" or alive) and (kind != "archive removed" or harmed):
            assert_identical(whole, out)
    else:
        strike(kind, job, ranks, chance)
        tally["launchers that hung"] += ended(job, ranks, pids)
        assert not alive or job.returncode not in (2, 3), story
    tally["strikes"] += alive
    tally["locks refused"] += refused
    tally[f"struck: {kind}"] += alive
    tally[f"struck when {moment}"] += alive
    return story


def one_round(folder, study, whole, wall, chance, tally, program, moments):
    out = folder / "out.h5"
    story = []
    for _ in range(chance.choice((1, 1, 2))):
        story.append(struck_run(out, study, wall, chance, tally, program, moments, whole))
    tampered = tamper(out, chance) if chance.random() < 0.3 else None
    if tampered:
        story.append(f"{tampered.name} tampered with")
        tally["shards tampered with"] += 1
    before = kept(out, tampered)
    tally["states kept"] += states(out)
    ranks = chance.randint(1, 4)
    story.append(f"resumed on {ranks}")
    try:
        meander("run", study, "-o", out, "--quiet", ranks=ranks if ranks > 1 else None, program=program)
        assert_identical(whole, out)
        after = archived(out)
        again = [cell for cell, seconds in before.items() if after[cell] not in seconds]
        assert not again, f"{len(again)} kept cells were computed again"
        if tampered:  # left alone
            assert shards_of(out) == [tampered]
            shutil.rmtree(tampered.parent)
        assert sorted(path.name for path in folder.iterdir()) == ["out.h5"]
    except AssertionError as error:
        raise AssertionError(f"{error}\n  {story}") from error
    tally["cells kept"] += len(before)
    tally["cells"] += len(after)


@pytest.mark.parametrize(
    "text, program, moments, share",
    [(STUDY, PROGRAM, MOMENTS, 1.0), (LONG_TASKS, LONG_SUM, (*MOMENTS, "state renewed"), 0.25)],
    ids=["short", "long"],
)
def test_chaos(tmp_path, capsys, text, program, moments, share):
    rounds, seed = max(1, int(share * ROUNDS)), SEED
    chance = random.Random(seed)
    study, whole = tmp_path / "study.toml", tmp_path / "whole.h5"
    study.write_text(text)
    meander("run", study, "-o", whole, "--quiet", program=program)
    assert len(arrays(whole)) > 5
    part = tmp_path / "part.toml"
    part.write_text(re.sub(r"(sigma_w|scale) = \[([\d.]+), [^]]*\]", r"\1 = [\2]", text))
    assert part.read_text() != text
    meander("run", part, "-o", tmp_path / "part.h5", "--quiet", program=program)
    start = time.monotonic()
    meander("run", study, "-o", tmp_path / "timed.h5", "--quiet", ranks=3, program=program)
    wall = time.monotonic() - start
    tally = collections.Counter()
    start = time.monotonic()
    for number in range(rounds):
        folder = tmp_path / "round"
        folder.mkdir()
        try:
            one_round(folder, study, whole, wall, chance, tally, program, moments)
        except AssertionError as error:
            raise AssertionError(f"round {number} of seed {seed}: {error}") from error
        shutil.rmtree(folder)
        if number % 100 == 99:
            with capsys.disabled():
                print(f"{number + 1} rounds in {time.monotonic() - start:.0f} s, {dict(tally)}", flush=True)
    with capsys.disabled():
        print(f"\nchaos: {rounds} rounds of seed {seed}, {dict(sorted(tally.items()))}", flush=True)
    # Strikes that all miss would prove nothing.
    assert tally["strikes"] >= rounds / 2
    assert tally["states kept"] > 0 or program != LONG_SUM or rounds < 50  # else a matter of chance


@pytest.mark.parametrize(("ranks", "root"), [(3, False), (2, True)])
def test_a_rank_pauses_at_the_end(tmp_path, ranks, root):
    """The others wait for it, and lose nothing."""
    study, out = tmp_path / "study.toml", tmp_path / "out.h5"
    study.write_text(STUDY.replace("realizations = 8", "realizations = 2"))
    meander("run", study, "-o", tmp_path / "whole.h5", "--quiet")
    job = subprocess.Popen(
        command("run", study, "-o", out, "--checkpoint", 0.02, "--quiet", ranks=ranks), env=environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )
    while job.poll() is None and not is_there(tmp_path, PATTERNS["archive written"]):
        time.sleep(0.0005)
    pids = sorted(ranks_of(job, ranks))  # started in order
    assert len(pids) == ranks
    victim = pids[0 if root else -1]
    send(victim, signal.SIGSTOP)
    time.sleep(60.0 if ROUNDS >= 200 else 5.0)
    paused = job.poll() is None
    send(victim, signal.SIGCONT)
    assert not ended(job, ranks, pids)
    assert job.returncode == 0
    assert paused or not root  # a rank whose part is over may be paused in vain
    assert_identical(tmp_path / "whole.h5", out)
    assert not pathlib.Path(f"{out}.shards").exists()


def test_a_killed_run_loses_an_interval(tmp_path):
    """Every rank's shard is younger than the interval when a rank is killed, give or take the task at hand and what a
    crowded machine lets a rank wait."""
    interval, waits, ranks = 1.5, 1.5, 2
    chance = random.Random()
    study, out = tmp_path / "study.toml", tmp_path / "out.h5"
    study.write_text(STUDY.replace("realizations = 8", "realizations = 4000"))
    for _ in range(3 if ROUNDS >= 200 else 1):
        since = time.time()
        job = subprocess.Popen(
            command("run", study, "-o", out, "--checkpoint", interval, "--quiet", ranks=ranks),
            env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        time.sleep(4.0 + chance.uniform(0.0, interval))
        pids = ranks_of(job, ranks)
        struck = time.time()
        assert job.poll() is None
        strike("kill", job, ranks, chance)
        ended(job, ranks, pids)
        renewed = [shard.stat().st_mtime for shard in pathlib.Path(f"{out}.shards").glob("*.shard")]
        renewed = [at for at in renewed if at >= since]
        assert len(renewed) == ranks
        assert struck - min(renewed) <= interval + waits

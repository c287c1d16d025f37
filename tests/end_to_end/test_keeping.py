"""Long tasks stop, keep their state and go on: whatever ends a run, the numbers are those of one that nobody disturbed."""

import hashlib
import json
import random
import signal
import struct
import subprocess
import time

import h5py
import pytest

import conftest
from conftest import LONG_SUM, arrays, assert_identical, environment, seal, snapshot

# Four tasks of about half a second.
STUDY = """
title = "long tasks"
measure = "long_sum"
realizations = 2
[sweep]
scale = [1.0, 2.5]
[long_sum]
blocks = 400
terms = 80000
"""
# Mostly asleep, so that they take their seconds on a crowded machine too: one task of four, two tasks of two.
ONE = """
title = "one long task"
measure = "long_sum"
[sweep]
scale = [1.0]
[long_sum]
blocks = 400
terms = 20000
pause = 10
"""
TWO = ONE.replace("[1.0]", "[1.0, 2.0]").replace("blocks = 400", "blocks = 200")
SHARED = ONE + "ranks = 2\n"


def meander(*arguments, **options):
    return conftest.meander(*arguments, program=LONG_SUM, **options)


def start(*arguments, ranks=None):
    return subprocess.Popen(
        conftest.command("run", *arguments, ranks=ranks, program=LONG_SUM),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )


def ranks_of(job):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(job.pid)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def states(out):
    folder = out.parent / (out.name + ".shards") / "partial"
    return sorted(folder.glob("*.state"))


def wait_for_states(job, out, count=1):
    deadline = time.monotonic() + 60
    while len(states(out)) < count:
        assert job.poll() is None, job.communicate()[0]
        assert time.monotonic() < deadline, "no state was kept"
        time.sleep(0.005)


def wait_for_start(job, out):
    """Until the tasks begin, soon after the run has taken the archive's lock."""
    deadline = time.monotonic() + 60
    while not (out.parent / (out.name + ".shards") / "lock").exists():
        assert job.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(1.0)


def wait_for_resumed(job, out):
    deadline = time.monotonic() + 60
    while not any(task["resumed"] for task in status(out)["begun"]):
        assert job.poll() is None and time.monotonic() < deadline


def status(out):
    return json.loads(meander("status", out, "--json"))


def stopped(job):
    """The output of a job that has to end with exit code 2."""
    said = job.communicate(timeout=60)[0]
    assert job.returncode == 2, said
    return said


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    made = {}

    def archive(text, ranks=None):
        if text not in made:
            folder = tmp_path_factory.mktemp("undisturbed")
            (folder / "study.toml").write_text(text)
            made[text] = folder / "whole.h5"
            meander("run", folder / "study.toml", "-o", made[text], "--quiet", ranks=ranks)
        return made[text]

    return archive


def begun(study, out, text=ONE, checkpoint=0.05):
    """An archive's folder with one task that was killed in the middle."""
    path = study(text)
    job = start(path, "-o", out, "--checkpoint", checkpoint)
    wait_for_states(job, out)
    job.kill()
    job.wait()
    return path


def test_killed_over_and_over(study, tmp_path, undisturbed):
    slow = STUDY + "pause = 2\n"  # five seconds on every machine: many of the kills come in the middle of a task
    chance, out, path = random.Random(), tmp_path / "out.h5", study(slow)
    kept = 0
    for _ in range(12):
        job = start(path, "-o", out, "--checkpoint", chance.choice([0.02, 0.1]), "--quiet")
        time.sleep(chance.uniform(0.3, 1.0))
        job.kill()
        job.wait()
        kept += len(states(out))
    assert kept > 0
    meander("run", path, "-o", out, "--quiet")
    assert_identical(undisturbed(slow), out)
    assert not states(out) and not (tmp_path / "out.h5.shards").exists()


def test_a_kill_costs_an_interval(study, tmp_path):
    """The state is never older than an interval and what a crowded machine lets a process wait."""
    interval, waits, out = 0.5, 1.0, tmp_path / "out.h5"
    path = study(ONE.replace("blocks = 400", "blocks = 20000"))
    job = start(path, "-o", out, "--checkpoint", interval)
    wait_for_states(job, out)
    ages = []
    for _ in range(20):
        time.sleep(0.1)
        ages.append(time.time() - states(out)[0].stat().st_mtime)
    job.kill()
    job.wait()
    assert max(ages) <= interval + waits, ages
    assert max(ages) >= 0.8 * interval, "kept more often than was asked for"
    # The next run begins where the state is.
    before = status(out)["begun"][0]
    assert before["resumed"] == 0 and 0.0 < before["fraction"] < 1.0
    job = start(path, "-o", out, "--checkpoint", interval)
    wait_for_resumed(job, out)
    after = status(out)["begun"][0]
    job.kill()
    job.wait()
    assert after["resumed"] == 1 and after["fraction"] > before["fraction"] and after["seconds"] > before["seconds"]


def test_a_signal_stops_and_keeps(study, tmp_path, undisturbed):
    out, path = tmp_path / "out.h5", study(ONE)
    job = start(path, "-o", out)  # the interval is a minute: the signal alone makes it keep
    wait_for_start(job, out)
    job.send_signal(signal.SIGUSR1)
    said = stopped(job)
    assert "stopped early with 1 task begun" in said, said
    with h5py.File(out) as file:
        assert (file["status"][()] == 0).all()  # missing: no record at all
    shown = meander("status", out)
    assert "begun          1 task:" in shown and "1 missing" in shown and "resumed" not in shown, shown
    job = start(path, "-o", out)
    wait_for_start(job, out)
    job.send_signal(signal.SIGUSR1)
    stopped(job)
    assert "; resumed 1 time\n" in meander("status", out)
    assert "resumed 1 time" in meander("status", tmp_path)
    assert json.loads(meander("status", tmp_path, "--json"))[0]["begun"][0]["resumed"] == 1
    meander("run", path, "-o", out, "--quiet")
    assert_identical(undisturbed(ONE), out)
    assert status(out)["begun"] == [] and not (tmp_path / "out.h5.shards").exists()


def test_a_chain_of_time_limits(study, tmp_path, undisturbed):
    out, path, runs = tmp_path / "out.h5", study(ONE), 0
    fractions = [0.0]
    while True:
        runs += 1
        assert runs < 30, fractions
        job = start(path, "-o", out, "--time-limit", 1.5, "--checkpoint", 0.2)
        said = job.communicate(timeout=60)[0]
        if job.returncode == 0:
            break
        assert job.returncode == 2, said
        fractions.append(sum(task["fraction"] for task in status(out)["begun"]))
        assert fractions[-1] >= fractions[-2]  # equal where a crowded machine let a run's time pass
    assert len(set(fractions)) > 2, fractions
    assert_identical(undisturbed(ONE), out)
    # A cell's time is that of all the runs that worked on it.
    with h5py.File(out) as file, h5py.File(undisturbed(ONE)) as whole:
        assert file["seconds"][0, 0] > 0.5 * whole["seconds"][0, 0]


def test_a_damaged_state_is_not_used(study, tmp_path, undisturbed):
    out = tmp_path / "out.h5"
    path = begun(study, out)
    state = states(out)[0]
    content = bytearray(state.read_bytes())
    content[100] ^= 1
    state.write_bytes(content)
    said = meander("run", path, "-o", out)
    assert f"{state}: warning: the kept state of a task is not used (damaged" in said, said
    assert_identical(undisturbed(ONE), out)
    assert not states(out)
    # Not used is not deleted: who knows what is wrong with it can still mend it.
    assert state.with_name(state.name + ".unused").read_bytes() == content


def test_a_failed_task_keeps_its_state(study, tmp_path):
    """scale = 1e308 overflows: the task fails at its end, whose time is paid for."""
    out = tmp_path / "out.h5"
    path = study(TWO.replace("[1.0, 2.0]", "[1e308, 1.0]").replace("terms = 20000", "terms = 20"))
    said = meander("run", path, "-o", out, "--checkpoint", "0.2", "--time-limit", "3.5", code=2)
    # What is not begun or not done weighs more than what failed: a job script has to go on.
    assert "a task has failed" in said and "stopped early" in said, said
    assert len(states(out)) == 2
    # A run that does not retry leaves the failed task's state alone.
    assert "a task has failed" in meander("run", path, "-o", out, code=1)
    kept = states(out)
    assert len(kept) == 1
    begin = time.monotonic()
    meander("run", path, "-o", out, "--retry-failed", code=1)
    assert time.monotonic() - begin < 1.9, "the whole task ran again"
    assert states(out) == kept


def test_a_state_of_another_version_is_not_used(study, tmp_path, undisturbed):
    out = tmp_path / "out.h5"
    path = begun(study, out)
    state = states(out)[0]
    content = state.read_bytes()[:-80]
    assert struct.unpack_from("<II", content, 16) == (1, 1)  # of the format, of the measure
    state.write_bytes(content[:20] + struct.pack("<I", 7) + content[24:-16] + bytes(16))  # numbers that would show
    seal(state)
    said = meander("run", path, "-o", out)
    assert "not used (written by version 7 of the measure, this is version 1)" in said, said
    assert_identical(undisturbed(ONE), out)


def test_a_state_is_really_used(study, tmp_path, undisturbed):
    """The tests above would pass if states were never read: a changed sum under a right seal has to show."""
    out = tmp_path / "out.h5"
    path = begun(study, out)
    state = states(out)[0]
    content = state.read_bytes()[:-80]
    state.write_bytes(content[:-8] + struct.pack("<d", 1e6))
    seal(state)
    assert hashlib.sha256(state.read_bytes()[:-80]).hexdigest().encode() in state.read_bytes()[-80:]
    meander("run", path, "-o", out, "--quiet")
    assert abs(arrays(out)["sum"][0, 0] - 1e6) < 1e3 < abs(arrays(undisturbed(ONE))["sum"][0, 0] - 1e6)


def test_fresh_keeps_everything_beside_the_new_archive(study, tmp_path, undisturbed):
    out, path = tmp_path / "out.h5", study(STUDY)
    job = start(path, "-o", out, "--checkpoint", 0.05)
    deadline = time.monotonic() + 60
    while not states(out) or not list((tmp_path / "out.h5.shards").glob("*.shard")):
        assert job.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    job.send_signal(signal.SIGUSR1)
    stopped(job)
    before = snapshot(tmp_path)
    had = status(out)
    said = meander("run", path, "-o", out, "--fresh")
    assert f"{out}: what was there is kept as {out}.before-1" in said, said
    assert_identical(undisturbed(STUDY), out)
    aside = tmp_path / "out.h5.before-1"
    after = snapshot(tmp_path)
    for name, content in before.items():
        if name.startswith("out.h5"):
            assert after["out.h5.before-1" + name.removeprefix("out.h5")] == content, name
    assert status(aside) == had and had["begun"]
    # What lies aside can be gone on with.
    meander("run", path, "-o", aside, "--quiet")
    assert_identical(undisturbed(STUDY), aside)
    meander("run", path, "-o", out, "--fresh", "--quiet")
    assert (tmp_path / "out.h5.before-2").exists() and not states(out)


def test_another_rank_goes_on(study, tmp_path, undisturbed):
    """Two ranks are stopped in a task each; one rank alone goes on with both, and two go on with what one began."""
    out, path = tmp_path / "out.h5", study(TWO)
    job = start(path, "-o", out, "--checkpoint", 0.05, ranks=2)
    wait_for_states(job, out, 2)
    job.send_signal(signal.SIGUSR1)
    assert "with 2 tasks begun" in stopped(job)
    job = start(path, "-o", out, "--checkpoint", 0.05)
    wait_for_resumed(job, out)
    job.send_signal(signal.SIGUSR1)
    stopped(job)
    meander("run", path, "-o", out, "--quiet", ranks=2)
    assert_identical(undisturbed(TWO), out)
    assert not states(out)


def test_a_signal_to_one_rank_stops_the_others(study, tmp_path):
    out, path = tmp_path / "out.h5", study(STUDY.replace("blocks = 400", "blocks = 40000"))  # a minute each
    job = start(path, "-o", out, "--checkpoint", 0.05, ranks=2)
    wait_for_states(job, out, 2)
    subprocess.run(["kill", "-USR1", str(ranks_of(job)[1])], check=True)
    assert "with 2 tasks begun" in stopped(job)


def test_ranks_that_share_a_task(study, tmp_path, undisturbed):
    out, path = tmp_path / "out.h5", study(SHARED)
    job = start(path, "-o", out, ranks=2)
    wait_for_start(job, out)
    job.send_signal(signal.SIGUSR1)
    assert "with 1 task begun" in stopped(job)
    job = start(path, "-o", out, "--checkpoint", 0.05, ranks=2)
    wait_for_resumed(job, out)
    for pid in [*ranks_of(job), job.pid]:
        subprocess.run(["kill", "-KILL", str(pid)], check=False)
    job.wait()
    assert len(states(out)) == 1
    meander("run", path, "-o", out, "--quiet", ranks=2)
    assert_identical(undisturbed(SHARED, ranks=2), out)
    assert not states(out)


def test_plan_counts_jobs_in_a_row(study):
    path = study(ONE + "expected = 36000\n")
    assert "longer than a job" in meander("plan", path)
    plan = json.loads(meander("plan", path, "--ranks", 1, "--json", "--time-limit", 3760))
    assert plan["tasks_that_keep"] == 1 and plan["jobs_in_a_row"] == 10
    assert "jobs in a row" in meander("plan", path, "--time-limit", 3660)
    assert "too short" in meander("plan", path, "--time-limit", 100)
    path = study(conftest.SMALL, "short.toml")
    assert "longer than a job" not in meander("plan", path)
    assert json.loads(meander("plan", path, "--ranks", 1, "--json", "--time-limit", 3660))["jobs_in_a_row"] == 1

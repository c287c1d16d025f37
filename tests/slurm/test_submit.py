"""From `meander submit` to a finished archive on a real Slurm: nothing lost, nothing changed, no hand on the keyboard."""

import json
import os
import pathlib
import re
import stat
import subprocess
import time

import pytest

from conftest import end_to_end

meander = end_to_end.meander
SMALL = end_to_end.SMALL


# One task of 12 seconds, mostly asleep, which the cost model takes for one of hours.
LONG_TASK = """
title = "one long task"
measure = "long_sum"
[sweep]
scale = [1.0]
[long_sum]
blocks = 240
terms = 1000
pause = 50
expected = 10000
"""


def submit(study, site, *options, code=0, **program):
    return meander("submit", study, "--site", site, "--yes", "--checkpoint", 0.3, *options, code=code, **program)


def job_id(printed):
    return re.search(r"submitted job (\d+)", printed).group(1)


def log(archive, name="log.txt"):
    path = pathlib.Path(f"{archive}.job") / name
    return path.read_text() if path.exists() else "no log"


def finished_cells(archive):
    done = subprocess.run(end_to_end.command("status", archive, "--json"), capture_output=True, text=True, check=False)
    return json.loads(done.stdout)["done"] if done.returncode == 0 else 0


def wait_for_cells(cluster, archive, least=5):
    cluster.wait_until(lambda: finished_cells(archive) >= least, 60, f"no cells yet: {log(archive)}")


def assert_finished(cluster, archive, whole, name="log.txt"):
    cluster.wait_for_queue(120)
    assert pathlib.Path(archive).exists(), log(archive, name)
    meander("check", archive)
    end_to_end.assert_identical(archive, whole)


def test_submit_runs_to_the_end(cluster, site, study, undisturbed, tmp_path):
    archive = tmp_path / "out.h5"
    printed = submit(study(SMALL), site(), "-o", archive, "--ranks", 3)
    assert "core-hours" in printed and "expected end" in printed
    assert_finished(cluster, archive, undisturbed(SMALL))
    assert (tmp_path / "out.h5.job" / "state-run").read_text().split()[2] == "finished"
    assert "nothing to do" in submit(study(SMALL), site(), "-o", archive)


def test_mpirun_as_launcher(cluster, site, study, undisturbed, tmp_path):
    archive = tmp_path / "out.h5"
    submit(study(SMALL), site(launcher='"mpirun"'), "-o", archive, "--ranks", 2)
    assert_finished(cluster, archive, undisturbed(SMALL))


def test_array_is_merged_by_a_last_job(cluster, site, study, undisturbed, tmp_path):
    archive = tmp_path / "out.h5"
    submit(study(SMALL), site(), "-o", archive, "--array", 3, "--ranks", 1)
    assert_finished(cluster, archive, undisturbed(SMALL), "log-merge.txt")
    parts = sorted(path.name for path in (tmp_path / "out.h5.job").glob("part-*.h5"))
    assert parts == ["part-1.h5", "part-2.h5", "part-3.h5"]
    submit(study(SMALL), site(), "-o", archive, "--array", 3, "--ranks", 1)  # again: everything is there
    assert_finished(cluster, archive, undisturbed(SMALL), "log-merge.txt")


@pytest.mark.parametrize("launcher", ["srun", "mpirun"])
def test_end_of_time_requeues_until_done(cluster, site, study, undisturbed, tmp_path, launcher):
    archive = tmp_path / "out.h5"
    path = study()
    job = job_id(submit(path, site(launcher=f'"{launcher}"'), "-o", archive, "--ranks", 2))
    wait_for_cells(cluster, archive)
    ranks = end_to_end.processes(path)
    assert len(ranks) == 2 and not [address for pid in ranks for address in end_to_end.open_to_networks(pid)], "one node needs no network"
    cluster.run("scancel", "--signal=USR1", "--batch", job)
    cluster.wait_until(lambda: "queued again" in log(archive), 60, "not queued again")
    assert_finished(cluster, archive, undisturbed())
    assert "start 2" in log(archive), log(archive)


def test_end_of_time_in_an_array(cluster, site, study, undisturbed, tmp_path):
    archive = tmp_path / "out.h5"
    job = job_id(submit(study(), site(), "-o", archive, "--array", 2, "--ranks", 2))
    wait_for_cells(cluster, f"{archive}.job/part-2.h5")
    cluster.run("scancel", "--signal=USR1", "--batch", f"{job}_2")
    cluster.wait_until(lambda: "queued again" in log(archive, "log-part-2.txt"), 60, "not queued again")
    assert_finished(cluster, archive, undisturbed(), "log-merge.txt")


def test_a_site_without_requeue_submits_successors(cluster, site, study, undisturbed, tmp_path):
    archive = tmp_path / "out.h5"
    job = job_id(submit(study(), site(requeue="false"), "-o", archive, "--ranks", 2))
    wait_for_cells(cluster, archive)
    cluster.run("scancel", "--signal=USR1", "--batch", job)
    cluster.wait_until(lambda: "goes on" in log(archive), 60, "no successor")
    assert_finished(cluster, archive, undisturbed())
    assert len((tmp_path / "out.h5.job" / "jobs").read_text().splitlines()) == 2


def test_cancelled_job_stays_cancelled_and_is_resumed_by_submitting_again(cluster, site, study, undisturbed, tmp_path):
    archive = tmp_path / "out.h5"
    job = job_id(submit(study(), site(), "-o", archive, "--ranks", 2))
    wait_for_cells(cluster, archive)
    submit(study(), site(), "-o", archive, code=3)  # a job works on it
    cluster.run("scancel", job)
    cluster.wait_for_queue()
    assert "start 2" not in log(archive)
    kept = finished_cells(archive)
    assert kept >= 5
    submit(study(), site(), "-o", archive, "--ranks", 2)
    assert_finished(cluster, archive, undisturbed())


def test_lost_node(cluster, site, study, undisturbed, tmp_path):
    archive = tmp_path / "out.h5"
    job = job_id(submit(study(), site(), "-o", archive, "--ranks", 2))
    wait_for_cells(cluster, archive)
    cluster.lose_node(cluster.job(job)["NodeList"])
    cluster.wait_until(lambda: "start 2" in log(archive), 60, f"not started again: {log(archive)}")
    assert_finished(cluster, archive, undisturbed())


def test_preempted_job_goes_on(cluster, site, study, undisturbed, tmp_path):
    archive = tmp_path / "out.h5"
    job = job_id(submit(study(), site(), "-o", archive, "--ranks", 2))
    wait_for_cells(cluster, archive)
    cluster.run("scontrol", "requeue", job)  # what Slurm does to a job that makes room for another
    cluster.wait_until(lambda: "start 2" in log(archive), 60, f"not started again: {log(archive)}")
    assert_finished(cluster, archive, undisturbed())


def test_crash_loop_gives_up_and_says_why(cluster, site, study, tmp_path):
    program = tmp_path / "crashing"
    program.write_text(f'#!/bin/sh\n[ "$1" = run ] && kill -SEGV $$\nexec {end_to_end.PROGRAM} "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    archive = tmp_path / "out.h5"
    submit(study(SMALL), site(program=f'"{program}"', max_tries="3"), "-o", archive, "--ranks", 1)
    cluster.wait_for_queue()
    assert log(archive).count("crashed with exit code 139") == 3, log(archive)
    assert "giving up: 3 tries in a row" in log(archive)
    assert "gave up after 3 tries (exit code 139)" in (tmp_path / "out.h5.job" / "state-run").read_text()


def test_a_launcher_that_hangs_is_ended_and_tried_again(cluster, site, study, undisturbed, tmp_path):
    script = tmp_path / "launcher"
    script.write_text(f'#!/bin/sh\n[ -e {tmp_path}/hung ] || {{ touch {tmp_path}/hung; exec sleep 600; }}\nexec srun -n "$@"\n')
    script.chmod(0o755)
    where = site(launcher=f'"{script} {{ranks}}"', setup='["export MEANDER_START_PATIENCE=3"]')
    archive = tmp_path / "out.h5"
    submit(study(SMALL), where, "-o", archive, "--ranks", 1)
    cluster.wait_for_queue()
    assert log(archive).count("did not start within 3 s") == 1 and "crashed with exit code 143" in log(archive), log(archive)
    assert_finished(cluster, archive, undisturbed(SMALL))


def test_bad_input_is_not_tried_again(cluster, site, study, tmp_path):
    archive, bad = tmp_path / "out.h5", study(SMALL.replace("realizations", "realisations"), "bad.toml")
    program = tmp_path / "refusing"
    program.write_text(f'#!/bin/sh\n[ "$1" = run ] && {{ shift 2; set -- run {bad} "$@"; }}\nexec {end_to_end.PROGRAM} "$@"\n')
    program.chmod(0o755)
    submit(study(SMALL), site(program=f'"{program}"'), "-o", archive, "--ranks", 1)
    cluster.wait_for_queue()
    assert log(archive).count("unknown key 'realisations'") == 1 and "queued again" not in log(archive), log(archive)
    assert "refused" in (tmp_path / "out.h5.job" / "state-run").read_text()


def test_names_cannot_inject(cluster, site, undisturbed, tmp_path):
    folder = tmp_path / "a b'$(touch x)\"; touch y #`touch z`\n%j\\n"
    folder.mkdir()
    path = folder / "study '$(touch x)\"\n.toml"
    path.write_text(SMALL)
    archive = folder / "out ' \" $(touch x).h5"
    variable = """environment = { OMPI_ALLOW_RUN_AS_ROOT = "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM = "1", A = "'; touch x; $(touch y)" }"""
    name, value = variable.split(" = ", 1)
    submit(path, site(**{name: value}), "-o", archive, "--ranks", 1, "--set", "title=\"$(touch x)'; touch y\"")
    cluster.wait_for_queue()
    assert archive.exists(), log(archive)
    made = {item.name for item in [*tmp_path.rglob("*"), *pathlib.Path.cwd().glob("[xyz]")]}
    assert not made & {"x", "y", "z"}
    meander("run", path, "-o", tmp_path / "whole.h5", "--quiet", "--set", "title=\"$(touch x)'; touch y\"")
    end_to_end.assert_identical(archive, tmp_path / "whole.h5")


def test_dry_run_prints_the_script_and_submits_nothing(cluster, site, study, tmp_path):
    before = end_to_end.snapshot(tmp_path)
    path, where = study(SMALL), site()
    printed = meander("submit", path, "--site", where, "--dry-run", "-o", tmp_path / "out.h5", "--time", "00:10:00")
    script = printed[printed.index("#!/bin/bash") :]
    assert "#SBATCH --time=00:10:00" in script and "#SBATCH --signal=B:USR1@20" in script
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    assert not cluster.jobs()
    assert end_to_end.snapshot(tmp_path).keys() - before.keys() == {"study.toml", "site.toml"}


def test_unknown_partition_has_slurms_own_words(cluster, site, study, tmp_path):
    printed = submit(study(SMALL), site(partition='"nowhere"'), "-o", tmp_path / "out.h5", code=3)
    assert "invalid partition" in printed.lower(), printed
    assert not (tmp_path / "out.h5.job").exists() and not cluster.jobs()


def test_rejected_last_job_cancels_the_earlier_ones(cluster, site, study, tmp_path, monkeypatch):
    real = subprocess.run(["which", "sbatch"], capture_output=True, text=True, check=True).stdout.strip()
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sbatch").write_text(f'#!/bin/sh\ncase "$*" in *merge*) set -- --partition=nowhere "$@";; esac\nexec {real} "$@"\n')
    (tools / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    printed = submit(study(), site(), "-o", tmp_path / "out.h5", "--array", 2, "--ranks", 1, code=3)
    assert "invalid partition" in printed.lower() and "was cancelled" in printed, printed
    cluster.wait_for_queue(20)


def test_no_slurm(site, study, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    done = subprocess.run(
        [end_to_end.PROGRAM, "submit", study(SMALL), "--site", site(), "--yes", "-o", tmp_path / "out.h5"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "there is no sbatch" in done.stderr, done.stderr
    assert not (tmp_path / "out.h5.job").exists()


def test_site_file_mistakes_are_all_shown_at_their_places(study, tmp_path):
    path = tmp_path / "site.toml"
    path.write_text('partitoin = "main"\ncores_per_node = 0\nmax_time = "1h"\nmodules = "gcc"\nsbatch = ["a\\nb"]\n')
    printed = submit(study(SMALL), path, code=3)
    assert f"{path}:1:1: error: unknown key 'partitoin'" in printed and "did you mean 'partition'" in printed
    for line in (2, 3, 4, 5):
        assert f"{path}:{line}:" in printed, printed


@pytest.mark.parametrize(
    "options, words",
    [
        (["--nodes", "9"], "max_nodes = 3"),
        (["--ranks", "100"], "--ranks 100"),
        (["--time", "5 hours"], "HH:MM:SS"),
        (["--time", "30:00:00"], "max_time"),
        (["-o", "/nowhere/out.h5"], "/nowhere"),
    ],
)
def test_impossible_wishes(site, study, options, words):
    assert words in submit(study(SMALL), site(), *options, code=3)


def test_task_that_does_not_fit(site, study):
    text = SMALL.replace("[20, 31]", "[15000]")  # 8 GB: less than the machine that submits has
    assert "memory_per_node_gb" in submit(study(text), site(memory_per_node_gb="1.0"), code=3)
    assert "longest task" in submit(study(text), site(memory_per_node_gb="900.0"), "--time", "00:01:00", code=3)


def test_shell_words_that_do_not_fit_together(site, study, tmp_path):
    printed = submit(study(SMALL), site(launcher='"srun \\"unfinished"'), "-o", tmp_path / "out.h5", code=3)
    assert "bash says" in printed and not (tmp_path / "out.h5.job").exists()


def test_one_ask_without_a_terminal(site, study):
    printed = meander("submit", study(SMALL), "--site", site(), code=3)
    assert "--yes" in printed


def begun(archive):
    """The kept states of an archive's tasks, as `status` tells them."""
    done = subprocess.run(
        end_to_end.command("status", archive, "--json", program=end_to_end.LONG_SUM), capture_output=True, text=True, check=False
    )
    return json.loads(done.stdout)["begun"] if done.returncode == 0 else []


@pytest.fixture(scope="session")
def undisturbed_sum(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sum")
    (folder / "study.toml").write_text(LONG_TASK)
    words = end_to_end.command("run", folder / "study.toml", "-o", folder / "whole.h5", "--quiet", program=end_to_end.LONG_SUM)
    job = subprocess.Popen(words, env=end_to_end.environment(), stdout=subprocess.DEVNULL)  # beside the first test: it sleeps

    def archive():
        assert job.wait(timeout=300) == 0
        return folder / "whole.h5"

    yield archive
    job.kill()


@pytest.mark.parametrize("requeue", ["true", "false"])
def test_a_task_longer_than_a_job_goes_through_a_chain(cluster, site, study, undisturbed_sum, tmp_path, requeue):
    """Each job ends early, three times in a row without a new cell: it goes on from the state and does not give up."""
    archive, path = tmp_path / "out.h5", study(LONG_TASK)
    where = site(requeue=requeue, max_tries="2")
    printed = submit(path, where, "-o", archive, "--ranks", 1, program=end_to_end.LONG_SUM)
    assert "keep their state and go on in the next job, 3 jobs in a row" in printed, printed
    job = job_id(printed)
    words = "queued again" if requeue == "true" else "goes on"
    for ends in (1, 2, 3):
        cluster.wait_until(lambda: [task["resumed"] for task in begun(archive)] == [ends - 1], 90, f"not begun: {log(archive)}")
        cluster.run("scancel", "--signal=USR1", "--batch", job)
        cluster.wait_until(lambda: log(archive).count(words) == ends, 60, f"not gone on with: {log(archive)}")
        job = (tmp_path / "out.h5.job" / "jobs").read_text().splitlines()[-1].split()[0]
    assert "with 1 task begun" in log(archive), log(archive)
    assert_finished(cluster, archive, undisturbed_sum())
    assert "giving up" not in log(archive) and begun(archive) == []


def test_a_task_that_does_not_get_on_gives_up(cluster, site, study, tmp_path):
    """A state that cannot be kept must not make a chain without end."""
    archive, path = tmp_path / "out.h5", study(LONG_TASK)
    job = job_id(submit(path, site(max_tries="2"), "-o", archive, "--ranks", 1, program=end_to_end.LONG_SUM))
    for start in (1, 2, 3):  # the first one is not held against it: nobody knows how far the job before was
        cluster.wait_until(lambda: f"start {start}\n" in log(archive), 60, f"not started: {log(archive)}")
        cluster.wait_until((tmp_path / "out.h5.shards" / "lock").exists, 30, "no lock")
        # In the place of the states' folder lies a file.
        subprocess.run(["rm", "-rf", tmp_path / "out.h5.shards" / "partial"], check=True)
        (tmp_path / "out.h5.shards" / "partial").write_text("in the way")
        time.sleep(1.0)
        cluster.run("scancel", "--signal=USR1", "--batch", job)
    cluster.wait_for_queue()
    assert "giving up: 2 tries in a row" in log(archive) and "cannot be kept" in log(archive), log(archive)


@pytest.mark.long
def test_a_task_longer_than_a_real_limit(cluster, site, study, tmp_path):
    archive = tmp_path / "out.h5"
    text = LONG_TASK.replace("blocks = 240", "blocks = 1400").replace("expected = 10000", "expected = 100")
    where = site(partition='"short"', max_time='"00:02:00"')
    options = ["-o", archive, "--ranks", 1, "--time", "00:01:00", "--checkpoint", 5]
    printed = meander("submit", study(text), "--site", where, "--yes", *options, program=end_to_end.LONG_SUM)
    assert "3 jobs in a row" in printed, printed
    cluster.wait_for_queue(1500)
    meander("run", study(text, "whole.toml"), "-o", tmp_path / "whole.h5", "--quiet", program=end_to_end.LONG_SUM)
    assert_finished(cluster, archive, tmp_path / "whole.h5")
    assert "start 2" in log(archive) and "with 1 task begun" in log(archive), log(archive)


@pytest.mark.long
def test_a_real_limit(cluster, site, study, undisturbed, tmp_path):
    archive = tmp_path / "out.h5"
    text = study().read_text().replace("realizations = 50", "realizations = 800")
    start = time.monotonic()
    submit(study(text), site(partition='"short"', max_time='"00:02:00"'), "-o", archive, "--ranks", 2, "--time", "00:01:00")
    cluster.wait_for_queue(1500)
    assert time.monotonic() - start > 30
    assert "queued again" in log(archive), log(archive)
    assert_finished(cluster, archive, undisturbed(text))

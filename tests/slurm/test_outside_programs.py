"""What `submit` and the job script do with what other programs, files and the environment say, with stand-ins for Slurm:
greetings, other formats, damaged state, hostile texts, two submits at once. No cluster is needed."""

import os
import subprocess
import time

import pytest

from conftest import end_to_end

SMALL = end_to_end.SMALL.replace("realizations = 3", "realizations = 1")
# One rank, started by the shell itself.
LAUNCHER = """'''sh -c 'shift; exec "$@"' sh {ranks}'''"""


@pytest.fixture
def desk(tmp_path, study, site):
    """A folder with a study, a site file, and programs of Slurm that can be replaced; each says that it was called."""

    class Desk:
        folder = tmp_path
        called = tmp_path / "called"
        archive = tmp_path / "out.h5"
        job_folder = tmp_path / "out.h5.job"
        study = tmp_path / "study.toml"

        def tool(self, name, script):
            path = tmp_path / "tools" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f'#!/bin/bash\necho "{name} $*" >> {self.called}\n{script}\n')
            path.chmod(0o755)

        def environment(self, **variables):
            kept = {name: value for name, value in end_to_end.environment().items() if not name.startswith(("SLURM", "SBATCH", "SQUEUE"))}
            return {**kept, "PATH": f"{tmp_path / 'tools'}{os.pathsep}{os.environ['PATH']}", **variables}

        def begin(self, *options, cwd=tmp_path, **variables):
            words = ["submit", self.study, "--site", where, "--yes", "-o", self.archive, "--ranks", 1, *options]
            return subprocess.Popen(
                end_to_end.command(*words), cwd=cwd, env=self.environment(**variables), text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )

        def submit(self, *options, code=0, **more):
            job = self.begin(*options, **more)
            printed = job.communicate(timeout=60)[0]
            assert job.returncode == code, f"exit code {job.returncode}: {printed}"
            return printed

        def job(self, *arguments, code=0, **variables):
            """Runs the script that was submitted, as Slurm would."""
            slurm = {"SLURM_JOB_ID": "17", "SLURM_JOB_NODELIST": "n1"}
            with open(tmp_path / "said", "w+", encoding="utf-8", errors="replace") as said:
                done = subprocess.run(
                    ["bash", "job.sh", *arguments], cwd=self.job_folder, env=self.environment(**{**slurm, **variables}),
                    stdout=said, stderr=subprocess.STDOUT, timeout=120, check=False,
                )
                said.seek(0)
                printed = said.read()
            assert done.returncode == code, f"exit code {done.returncode}: {printed}"
            return printed

        def state(self, role="run"):
            return (self.job_folder / f"state-{role}").read_text()

    study(SMALL)
    where = site(launcher=LAUNCHER)
    made = Desk()
    made.tool("sbatch", "echo 17")
    made.tool("squeue", "case $* in *%L*) echo 1:00:00;; esac")
    made.tool("scancel", "exit 0")
    made.tool("scontrol", "exit 1")
    return made


@pytest.mark.parametrize("said", ["17", "17;cluster", "Welcome to the cluster of 2026\n  quota: 5\n17", "5 jobs\n17;a;b"])
def test_the_jobs_number_is_found_behind_a_greeting(desk, said):
    desk.tool("sbatch", f"printf '%s\\n' '{said}'")
    assert "submitted job 17\n" in desk.submit()
    assert (desk.job_folder / "jobs").read_text() == "17 run\n"


def test_a_job_whose_number_is_not_told_keeps_its_folder(desk):
    desk.tool("sbatch", "echo Submitted, thank you")
    printed = desk.submit(code=1)
    assert "may be queued" in printed and "squeue --me --name=meander-study" in printed and "thank you" in printed, printed
    assert (desk.job_folder / "job.sh").exists()


def test_an_array_that_cannot_be_cancelled_keeps_its_folder(desk):
    desk.tool("sbatch", 'case "$*" in *merge*) echo no such partition >&2; exit 1;; esac; echo 17')
    desk.tool("scancel", "exit 1")
    printed = desk.submit("--array", 2, code=1)
    assert "run scancel 17" in printed and (desk.job_folder / "job.sh").exists(), printed


def test_a_job_that_cannot_be_recorded_is_cancelled(desk):
    desk.tool("sbatch", f"mkdir '{desk.job_folder}/jobs'; echo 17")
    printed = desk.submit(code=1)
    assert "cannot be written" in printed and "was cancelled" in printed, printed
    assert "scancel 17" in desk.called.read_text()


def test_the_users_settings_for_sbatch_do_not_overrule_the_plan(desk):
    desk.tool("sbatch", f"env | grep -E '^(SBATCH|SQUEUE|SLURM|LC_ALL)' | sort > {desk.folder}/seen; echo 17")
    desk.submit(SBATCH_TIMELIMIT="1", SBATCH_WAIT="1", SBATCH_PARTITION="other", SBATCH_RESERVATION="mine", SLURM_TIME_FORMAT="relative", LC_ALL="de_DE")
    assert (desk.folder / "seen").read_text().split() == ["LC_ALL=C", "SBATCH_RESERVATION=mine"]


def test_of_two_submits_at_the_same_moment_the_second_is_refused(desk):
    desk.tool("sbatch", f"touch {desk.folder}/here; for i in $(seq 100); do [ -e {desk.folder}/go ] && break; sleep 0.1; done; echo 17")
    desk.tool("squeue", "case $* in *%i*) echo '17|RUNNING|None';; esac")
    first = desk.begin()
    while not (desk.folder / "here").exists():
        assert first.poll() is None
        time.sleep(0.02)
    before = end_to_end.snapshot(desk.job_folder)
    assert "submitted at this moment" in desk.submit(code=3)
    assert end_to_end.snapshot(desk.job_folder) == before
    (desk.folder / "go").touch()
    assert "submitted job 17" in first.communicate(timeout=60)[0]
    assert "job 17 RUNNING works on this archive" in desk.submit(code=3)
    assert desk.called.read_text().count("sbatch ") == 1


def test_many_submits_make_one_job(desk):
    desk.tool("sbatch", "sleep 0.2; echo 17")
    desk.tool("squeue", "case $* in *%i*) echo '17|PENDING|None';; esac")
    jobs = [desk.begin() for _ in range(6)]
    codes = sorted((job.communicate(timeout=60)[0] and job.returncode) for job in jobs)
    assert codes == [0, 3, 3, 3, 3, 3] and desk.called.read_text().count("sbatch ") == 1


def test_what_submit_checks_is_what_the_job_runs(desk):
    """A path in --set counts from where `submit` was called, as with `run`, and the study is the one that was checked."""
    images = desk.folder / "elsewhere" / "data"
    images.mkdir(parents=True)
    end_to_end.images_file(images / "some.idx")
    options = ["--set", 'input.images="data/some.idx"']
    desk.study.write_text(SMALL.replace("dimension = 12\n", ""))
    end_to_end.meander("run", desk.study, *options, "-o", desk.folder / "direct.h5", "--quiet", cwd=desk.folder / "elsewhere")
    desk.submit(*options, cwd=desk.folder / "elsewhere")
    desk.job()
    end_to_end.assert_identical(desk.archive, desk.folder / "direct.h5")


def test_a_study_that_was_changed_since_is_refused(desk):
    desk.submit()
    desk.study.write_text(SMALL.replace("seed = 7", "seed = 8"))
    printed = desk.job(code=3)
    assert "was changed since it was submitted" in printed and not desk.archive.exists(), printed
    assert desk.state().split()[2] == "refused"


@pytest.mark.parametrize(
    "left, expected",
    [("1:00:00", 3590), ("2-01:00:00", 176390), ("10:00", 590), ("0:05", 0), ("INVALID", 0), ("UNLIMITED", None), ("hello\n1:00:00", 3590), ("a[$(touch x)]:1", None)],
)
def test_the_time_left_is_no_date(desk, left, expected):
    """Whatever SLURM_TIME_FORMAT and the like make of dates."""
    desk.tool("meander", f'[ "$1" = run ] && printf "%s\\n" "$@" > {desk.folder}/arguments; exit 0')
    desk.tool("squeue", f"env | grep -E '^(SLURM_TIME_FORMAT|SQUEUE)' > {desk.folder}/seen; printf '%s\\n' '{left}'")
    desk.submit()
    script = (desk.job_folder / "job.sh").read_text().replace(f"program=('{end_to_end.PROGRAM}')", "program=(meander)")
    (desk.job_folder / "job.sh").write_text(script)
    desk.job(SLURM_TIME_FORMAT="relative", SQUEUE_FORMAT="%i", SQUEUE_SORT="x")
    limits = [word for word in (desk.folder / "arguments").read_text().split() if word.startswith("--time-limit")]
    assert limits == ([] if expected is None else [f"--time-limit={expected}"])
    assert (desk.folder / "seen").read_text() == ""


@pytest.mark.parametrize("where", ["tries", "before", "patience", "restarts", "part", "left", "words"])
def test_nothing_that_is_read_is_executed(desk, where):
    executed = desk.folder / "executed"
    hostile = f"a[$(touch${{IFS}}{executed})]"
    variables, code = {}, 0
    desk.submit()
    state = {"tries": f"{hostile} 3 running\n", "before": f"1 {hostile} running\n", "words": f"1 3 $(touch {executed})\n"}.get(where)
    if state:
        (desk.job_folder / "state-run").write_text(state)
    if where == "patience":
        variables["MEANDER_START_PATIENCE"] = hostile
    if where == "restarts":
        variables["SLURM_RESTART_COUNT"] = hostile
    if where == "part":
        variables["SLURM_ARRAY_TASK_ID"], code = hostile, 3
    if where == "left":
        desk.tool("squeue", f"printf '%s\\n' '{hostile}:00'")
    printed = desk.job(code=code, **variables)
    assert not executed.exists(), printed
    assert code == 3 or desk.state().split()[0] == "0" or where == "words", desk.state()


@pytest.mark.parametrize("state", ["", "\n", "x\n", "-1 3 running\n", "08 3 running\n", "1 3", "99999999999999999999 3 running\n", "\0\0\0", "1\n"])
def test_a_damaged_state_counts_as_none(desk, state):
    desk.submit()
    (desk.job_folder / "state-run").write_text(state)
    assert "arithmetic" not in (printed := desk.job()) and "value too great" not in printed, printed
    assert desk.state().split()[2] == "finished" and desk.archive.exists()

"""What the program says, and what it does when nobody can hear it: diagnostics never end the work, output that cannot be written
is a failure, nothing that others named reaches a terminal raw or is waited for."""

import json
import os
import pathlib
import pty
import signal
import socket
import subprocess
import time

import h5py
import pytest

from conftest import LONG_SUM, SAMPLED, SMALL, arrays, assert_identical, command, environment, meander, snapshot

# About a second on one rank.
SLOW = SAMPLED.replace("samples = 200", "samples = 8000").replace("[20, 31]", "[60, 131]").replace("realizations = 3", "realizations = 12")
LONG = """
measure = "long_sum"
[sweep]
scale = [1.0]
[long_sum]
blocks = 400
terms = 20000
pause = 10
"""
CONTROL = "red\x1b[31m del\x7f csi\u0085 turned\u202e"
ESCAPED = r"red\x1b[31m del\x7f csi\u0085 turned\u202e"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A study with its archive, and a network."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "study.toml").write_text(SMALL)
    meander("run", "study.toml", "-o", "a.h5", cwd=folder)
    meander("export", "study.toml", "--cell", "width=20,depth=2,sigma_w=1.5,activation=relu,realization=0", "-o", "net.h5", cwd=folder)
    (folder / "site.toml").write_text((pathlib.Path(os.environ["MEANDER_SOURCE"]) / "slurm/sites/laptop.toml").read_text())
    return folder


def shell(line, *arguments, cwd=None, more=None, program=None):
    """`line` with the program's command as "$@"; standard error comes apart."""
    words = command(*arguments) if program is None else [program, *map(str, arguments)]
    return subprocess.run(["bash", "-c", line, "bash", *words], cwd=cwd, env={**environment(), **(more or {})}, capture_output=True,
                          text=True, timeout=120, check=False)


# Standard output.

ANSWERS = {
    "help": ["--help"], "help of a command": ["run", "--help"], "version": ["--version"], "list": ["list"],
    "list of one": ["list", "transitions"], "list as JSON": ["list", "--json"], "list as a page": ["list", "--markdown"],
    "plan": ["plan", "study.toml"], "plan as JSON": ["plan", "study.toml", "--json"], "status": ["status", "a.h5"],
    "status as JSON": ["status", "a.h5", "--json"], "status of a folder": ["status", "."],
    "status of a folder as JSON": ["status", ".", "--json"], "show": ["show", "a.h5"], "show a network": ["show", "net.h5"],
    "check": ["check", "a.h5"], "merge": ["merge", "{out}", "a.h5"],
    "export": ["export", "study.toml", "--cell", "width=20,depth=2,sigma_w=1.5,activation=relu,realization=0", "-o", "{out}"],
    "submit": ["submit", "study.toml", "--site", "site.toml", "-o", "new.h5", "--dry-run"],
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
def test_output_that_cannot_be_written_is_a_failure(made, tmp_path, name, redirection):
    words = [word.format(out=tmp_path / "out.h5") for word in ANSWERS[name]]
    done = shell(f'exec "$@" {redirection}', *words, cwd=made)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("standard output could not be written") == 1
    assert shell('exec "$@"', *[word.format(out=tmp_path / "other.h5") for word in ANSWERS[name]], cwd=made).returncode == 0


def test_a_run_whose_answer_is_lost_is_done_and_says_so(made, tmp_path):
    out = tmp_path / "out.h5"
    done = shell('exec "$@" >/dev/full', "run", "study.toml", "-o", out, cwd=made)
    assert done.returncode == 1 and done.stderr.count("standard output could not be written") == 1
    assert_identical(out, made / "a.h5")


@pytest.mark.parametrize("name", ["show", "list as a page", "plan", "help"])
def test_a_reader_that_has_enough_is_no_failure_to_talk_of(made, name):
    done = shell('set -o pipefail; "$@" | true', *ANSWERS[name], cwd=made)
    assert done.stderr == "" and done.returncode in (0, 128 + signal.SIGPIPE)


# Standard error.

@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a run of SLOW gives that everybody hears."""
    out = tmp_path_factory.mktemp("whole") / "whole.h5"
    (out.parent / "study.toml").write_text(SLOW)
    meander("run", out.parent / "study.toml", "-o", out)
    return out


@pytest.mark.parametrize("style", ["bar", "log"])
@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", "<&- 2>&-", "2> >(exec true)"])
def test_a_run_that_nobody_hears(whole, study, tmp_path, style, redirection):
    out = tmp_path / "out.h5"
    done = shell(f'exec "$@" {redirection}', "run", study(SLOW), "-o", out, "--checkpoint", "0.1", more={"MEANDER_PROGRESS": style})
    assert done.returncode == 0, done.stderr
    assert_identical(out, whole)
    meander("check", out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.h5", "study.toml"]


def test_a_run_without_any_stream(whole, study, tmp_path):
    """Files of results get the numbers that are free: never those of the streams, into which messages are written."""
    answers = shell('exec "$@"', "run", study(SLOW), "-o", tmp_path / "other.h5").stdout != ""  # then it is missed
    out = tmp_path / "out.h5"
    done = shell('exec "$@" <&- >&- 2>&-', "run", study(SLOW), "-o", out, "--checkpoint", "0.1", more={"MEANDER_PROGRESS": "bar"})
    assert done.returncode == (1 if answers else 0)
    assert_identical(out, whole)
    meander("check", out)


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
def test_ranks_that_nobody_hears(whole, study, tmp_path, redirection):
    out = tmp_path / "out.h5"
    words = command("run", study(SLOW), "-o", out, ranks=2)
    done = shell(f'exec "$@" {redirection}', *words[1:], program=words[0], more={"MEANDER_PROGRESS": "bar"})
    assert done.returncode == 0
    assert_identical(out, whole)


def test_a_run_whose_reader_leaves(whole, study, tmp_path):
    out = tmp_path / "out.h5"
    done = shell('set -o pipefail; "$@" 2>&1 | head -c 1', "run", study(SLOW), "-o", out, more={"MEANDER_PROGRESS": "bar"})
    assert done.returncode == 0
    assert_identical(out, whole)


def start_on_terminal(*arguments, **options):
    """A run whose three streams are a terminal, and that terminal's other end."""
    master, slave = pty.openpty()
    job = subprocess.Popen(command("run", *arguments), stdin=slave, stdout=slave, stderr=slave, env=environment(), **options)
    os.close(slave)
    return job, master


def test_a_run_whose_terminal_is_closed(whole, study, tmp_path):
    out = tmp_path / "out.h5"
    job, terminal = start_on_terminal(study(SLOW), "-o", out, "--checkpoint", "0.1")
    assert b"%" in os.read(terminal, 4096)  # the bar is there
    os.close(terminal)  # it was disowned: no signal comes, but every write fails
    assert job.wait(timeout=120) == 0
    assert_identical(out, whole)


def test_a_hang_up_stops_cleanly(study, tmp_path):
    path, out = study(SLOW.replace("8000", "200000")), tmp_path / "out.h5"
    job, terminal = start_on_terminal(path, "-o", out)
    os.read(terminal, 4096)
    job.send_signal(signal.SIGHUP)
    os.close(terminal)
    assert job.wait(timeout=120) == 2
    counted = json.loads(meander("status", out, "--json"))
    assert 0 < counted["done"] < counted["cells"]  # the tasks in flight, none twice
    meander("check", out)


def test_nohup_outlives_its_terminal(whole, study, tmp_path):
    out = tmp_path / "out.h5"
    job, terminal = start_on_terminal(study(SLOW), "-o", out, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    os.read(terminal, 4096)
    job.send_signal(signal.SIGHUP)
    os.close(terminal)
    assert job.wait(timeout=120) == 0
    assert_identical(out, whole)


def test_messages_on_a_disk_that_is_full_for_a_while(study, tmp_path):
    """The shards cannot be written, and neither can the warning that says so: both are tried on the same full disk."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a file system needs root")
    try:
        out, ballast = disk / "out.h5", disk / "ballast"
        with (disk / "log").open("w") as log:
            job = subprocess.Popen(command("run", study(SLOW.replace("8000", "40000")), "-o", out, "--checkpoint", "0.1"), stderr=log,
                                   env={**environment(), "MEANDER_PROGRESS": "bar"})
        while not list(disk.glob("out.h5.shards/*.shard")):
            assert job.poll() is None
            time.sleep(0.01)
        with pytest.raises(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        time.sleep(2)
        assert job.poll() is None
        ballast.unlink()
        assert job.wait(timeout=120) == 0
        counted = json.loads(meander("status", out, "--json"))
        assert counted["done"] == counted["cells"]
        meander("check", out)
    finally:
        job.kill()
        job.wait()
        subprocess.run(["umount", disk], check=True)


# What others named.

def hostile(made, tmp_path):
    study = tmp_path / f"study{CONTROL}.toml"
    study.write_text(SMALL.replace('title = "small"', "title = " + json.dumps(CONTROL + "\nsecond line").replace("\x7f", "\\u007f")))
    return study


def raw(*arguments, cwd, code=0):
    done = subprocess.run(command(*arguments), cwd=cwd, env=environment(), capture_output=True, timeout=120, check=False)
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout + done.stderr


def test_control_characters_are_escaped(made, tmp_path):
    study = hostile(made, tmp_path)
    out = tmp_path / f"{CONTROL}.h5"
    run = subprocess.run(command("run", study, "-o", out), cwd=tmp_path, env=environment(), capture_output=True, check=True)
    said = {"run": run.stderr}
    assert run.stdout.decode() == f"{out}\n"  # for programs, as it is
    for name in ("show", "status", "check"):
        said[name] = raw(name, out, cwd=tmp_path)
    said["plan"] = raw("plan", study, cwd=tmp_path)
    said["status of the folder"] = raw("status", tmp_path, cwd=tmp_path)
    said["merge"] = raw("merge", tmp_path / f"merged{CONTROL}.h5", out, cwd=tmp_path)
    said["bad key"] = raw("run", study, "-o", out, "--set", f"{CONTROL}=1", cwd=tmp_path, code=3)
    said["bad option"] = raw("plan", study, "--ranks", CONTROL, cwd=tmp_path, code=3)
    said["bad command"] = raw(CONTROL, cwd=tmp_path, code=3)
    said["no file"] = raw("show", f"none{CONTROL}", cwd=tmp_path, code=3)
    said["no UTF-8"] = raw("show", b"none\x9b31m\xff".decode(errors="surrogateescape"), cwd=tmp_path, code=3)
    site = made / "site.toml"
    submit = subprocess.run(command("submit", study, "--site", site, "-o", tmp_path / f"{CONTROL}new.h5", "--dry-run"), cwd=tmp_path,
                            env=environment(), capture_output=True, check=True)
    said["submit"] = submit.stderr
    assert "\x1b" in submit.stdout.decode()  # a script that is to be kept names its files as they are
    for name, text in said.items():
        shown = text.decode()  # UTF-8, whatever went in
        for letter in "\x1b\x7f\u0085\u202e\x9b":
            assert letter not in shown, (name, shown)
    assert ESCAPED in said["show"].decode() and ESCAPED in said["run"].decode()
    assert r"\x9b31m\xff" in said["no UTF-8"].decode()
    assert (ESCAPED + r"\nsecond line") in said["plan"].decode().splitlines()[0]
    for words in (["status", out, "--json"], ["status", tmp_path, "--json"], ["plan", study, "--json"]):
        text = raw(*words, cwd=tmp_path).decode()
        for letter in "\x1b\x7f\u0085\u202e":
            assert letter not in text, words
        assert CONTROL in json.dumps(json.loads(text), ensure_ascii=False).replace("\\u001b", "\x1b")


def test_a_terminal_shows_no_raw_path(made, tmp_path):
    master, slave = pty.openpty()
    out = tmp_path / f"{CONTROL}.h5"
    subprocess.run(command("run", made / "study.toml", "-o", out), stdout=slave, stderr=subprocess.DEVNULL, env=environment(), check=True)
    shown = os.read(master, 4096).decode()
    os.close(slave)
    os.close(master)
    assert shown == str(out).replace(CONTROL, ESCAPED) + "\r\n"


def test_folders_hold_names_with_line_breaks(made, tmp_path):
    (tmp_path / "a\nmany.h5").write_bytes((made / "a.h5").read_bytes())
    assert [line.split("  ")[0] for line in meander("status", tmp_path).splitlines()] == [r"a\nmany.h5"]


# What is no file.

def put(path, thing):
    if thing == "pipe":
        os.mkfifo(path)
    elif thing == "device":
        path.symlink_to("/dev/zero")
    elif thing == "socket":
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(os.path.relpath(path))
    else:
        path.mkdir()


@pytest.mark.parametrize("thing", ["pipe", "device", "socket", "folder"])
def test_what_is_no_archive_is_not_waited_for(made, tmp_path, thing, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "odd.h5", thing)
    there = sorted(os.listdir(tmp_path))
    study = made / "study.toml"
    for words in (["show", "odd.h5"], ["check", "odd.h5"], ["merge", "out.h5", "odd.h5"], ["merge", "odd.h5", made / "a.h5"],
                  ["run", study, "-o", "odd.h5"], ["run", study, "-o", "odd.h5", "--fresh"],
                  ["export", study, "--cell", "width=20,depth=2,sigma_w=1.5,activation=relu,realization=0", "-o", "odd.h5"],
                  ["submit", study, "--site", made / "site.toml", "-o", "odd.h5", "--dry-run"]):
        printed = meander(*words, code=3, timeout=30)
        assert "odd.h5" in printed and "error: " in printed
        assert sorted(os.listdir(tmp_path)) == there
    if thing != "folder":
        assert "regular file" in meander("status", "odd.h5", code=3, timeout=30)
    (tmp_path / "a.h5").write_bytes((made / "a.h5").read_bytes())
    (tmp_path / "a.h5.shards").mkdir()
    put(tmp_path / "a.h5.shards" / "odd.shard", thing)
    printed = meander("status", ".", timeout=30)
    assert "a.h5" in printed and "64 of 64 cells done" in printed
    assert ("odd.h5" in printed and "unreadable" in printed) == (thing != "folder")  # a folder of that name is nothing at all
    assert "64 of 64 tasks done" in meander("run", study, "-o", "a.h5", timeout=60)


# Status.

def test_status_from_the_first_second(study, tmp_path):
    """Whatever part of a run is asked at: there is an answer as soon as the run has its lock."""
    path, out = study(LONG), tmp_path / "out.h5"
    job = subprocess.Popen(command("run", path, "-o", out, program=LONG_SUM), env=environment(), stderr=subprocess.DEVNULL)
    try:
        lock = tmp_path / "out.h5.shards" / "lock"
        while not (lock.exists() and lock.read_text()):
            assert job.poll() is None
        answers = [json.loads(meander("status", out, "--json")) for _ in range(20)]
        assert all(answer["running"] and answer["done"] == 0 for answer in answers)
        assert answers[-1]["cells"] == 1 and answers[-1]["missing"] == 1  # long before a checkpoint
        assert "running" in meander("status", out) and "running" in meander("status", tmp_path)
        assert "0 of 1 cells done" in meander("status", tmp_path)
    finally:
        job.terminate()
        job.wait(timeout=60)


def test_status_of_a_run_that_has_kept_nothing(study, tmp_path):
    path, out = study(LONG), tmp_path / "out.h5"
    job = subprocess.Popen(command("run", path, "-o", out, program=LONG_SUM), env=environment(), stderr=subprocess.DEVNULL)
    try:
        folder = tmp_path / "out.h5.shards"
        while not list(folder.glob("*.shard")):
            time.sleep(0.01)
        for shard in folder.glob("*.shard"):
            shard.unlink()  # as it was a moment before
        assert "starting, nothing is kept yet (process" in meander("status", out)
        assert "starting" in meander("status", tmp_path)
        answer = json.loads(meander("status", out, "--json"))
        assert answer["running"] and answer["cells"] == answer["done"] == answer["missing"] == 0
    finally:
        job.kill()
        job.wait(timeout=60)
    meander("status", out, code=3)  # nobody runs, and there is nothing


def test_cells_that_did_not_converge_are_not_done(made, tmp_path):
    """The same in a folder as of one archive."""
    out = tmp_path / "a.h5"
    content = (made / "a.h5").read_bytes()
    out.write_bytes(content)
    with h5py.File(out, "r+") as file:
        status = file["status"][()]
        status.ravel()[:7] = [3, 3, 3, 4, 4, 2, 0]
        file["status"][...] = status
    one = json.loads(_answer("status", out, "--json"))
    folder = json.loads(_answer("status", tmp_path, "--json"))[0]
    assert (one["done"], one["not_converged"], one["out_of_range"], one["failed"], one["missing"]) == (57, 3, 2, 1, 1)
    for key in ("cells", "done", "not_converged", "out_of_range", "failed", "missing"):
        assert folder[key] == one[key], key
    assert "57 of 64 cells done, 1 failed, 3 not_converged, 2 out_of_range" in meander("status", tmp_path)


def _answer(*arguments):
    return subprocess.run(command(*arguments), env=environment(), capture_output=True, text=True, check=True).stdout


# Numbers.

COUNTS = ["0", "-1", "1.5", "1e3", "", "many", "99999999999999999999", "10000001", "nan", "inf"]
TIMES = ["-1", "nan", "inf", "-inf", "1e308", "1e10", "", "soon", "1e999"]
OPTIONS = {
    ("plan", "--ranks"): COUNTS, ("plan", "--ranks-per-node"): COUNTS, ("plan", "--time-limit"): [*TIMES, "0"],
    ("plan", "--checkpoint"): [*TIMES, "0"], ("run", "--checkpoint"): [*TIMES, "0"], ("run", "--time-limit"): TIMES,
    ("run", "--part"): ["0/0", "0/1", "1/0", "2/1", "-1/2", "1", "1/", "/1", "1/2/3", "99999999999/99999999999", "1.0/2", "a/b"],
    ("submit", "--ranks"): COUNTS, ("submit", "--nodes"): COUNTS, ("submit", "--array"): [*COUNTS, "100001"],
    ("submit", "--checkpoint"): [*TIMES, "0"], ("submit", "--time"): ["0", "-1:00:00", "99999-00:00:00", "nan", "inf", "1e9", "00:00:59"],
    ("scale", "--ranks"): [*COUNTS, "1,0", "1,1"], ("scale", "--repeats"): [*COUNTS, "10001"],
    ("scale", "--part"): ["0/0", "2/1", "a/b"],
}


@pytest.mark.parametrize("name, option", OPTIONS, ids=lambda word: word.strip("-"))
def test_numbers_that_cannot_be_are_refused(made, tmp_path, name, option):
    more = {"submit": ["--site", made / "site.toml", "--dry-run"], "scale": [] if option == "--ranks" else ["--ranks", "1"]}
    before = snapshot(made)
    for value in OPTIONS[name, option]:
        printed = meander(name, "study.toml", *more.get(name, []), f"{option}={value}", code=3, cwd=made)
        assert option in printed and len(printed) < 250, printed
    assert snapshot(made) == before


def test_plans_saturate(study):
    absurd = LONG + "expected = 1e300\n"
    for more in ([], ["--time-limit", "3600"]):
        printed = meander("plan", study(absurd), *more, program=LONG_SUM)
        assert "> 100 years" in printed and "-9" not in printed
        assert max(map(len, printed.splitlines())) < 120
        text = meander("plan", study(absurd), "--json", *more, program=LONG_SUM)
        plan = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
        assert plan["longest_task_seconds"] == 1e300 and plan["predictions"][0]["seconds"] == 1e300
    assert "1000000000" in printed.replace("too short", "1000000000")

"""Files that a study names are not trusted: what is no file at all never blocks a command, and what lies about its size costs
no memory."""

import gzip
import os
import shutil
import socket
import struct

import h5py
import numpy as np
import pytest

from conftest import SMALL, SOURCE, images_file, labels_file, meander, peak, snapshot

CURVE = 'measure = "trajectory_length"\n[network]\nfile = "net.h5"\n[curve]\nfile = "curve.h5"\n'
IMAGES = SMALL.replace("dimension = 12", 'images = "images.gz"\nlabels = "labels.gz"').replace("samples = 200", "samples = 200\nclasses = [3, 8]")


def network(path):
    with h5py.File(path, "w") as file:
        file.attrs.update({"filetype": "meander_network", "version": [1, 1], "activation": "relu"})
        file["/layers/0/weight"] = np.ones((5, 4))
    return path


def curve(path):
    with h5py.File(path, "w") as file:
        for name in ("center", "u", "v"):
            file[f"/curve/{name}"] = np.ones(4)
    return path


def put_thing(path, thing):
    path.unlink(missing_ok=True)
    if thing == "pipe":
        os.mkfifo(path)
    elif thing == "device":
        path.symlink_to("/dev/zero")
    elif thing == "directory":
        path.mkdir()
    else:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(os.path.relpath(path))


def commands(study, tmp_path):
    return [
        ["run", study, "-o", tmp_path / "out.h5"],
        ["plan", study],
        ["export", study, "--cell", "", "-o", tmp_path / "cell.h5"],
    ]


@pytest.mark.parametrize("thing", ["pipe", "device", "directory", "socket"])
def test_what_is_no_file_blocks_nothing(tmp_path, thing, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for text, names in ((CURVE, ["net.h5", "curve.h5", "study.toml"]), (IMAGES, ["images.gz", "labels.gz"])):
        for name in names:
            study = tmp_path / "study.toml"
            study.write_text(text)
            network(tmp_path / "net.h5")
            curve(tmp_path / "curve.h5")
            images_file(tmp_path / "images.gz")
            labels_file(tmp_path / "labels.gz")
            put_thing(tmp_path / name, thing)
            before = {} if thing in ("pipe", "socket") else snapshot(tmp_path)
            for arguments in commands(study, tmp_path):
                printed = meander(*arguments, code=3, timeout=60)
                assert name in printed and f"it is a {thing}" in printed and len(printed.splitlines()) == 1, printed
            if before:
                assert snapshot(tmp_path) == before
            os.rmdir(name) if thing == "directory" else os.remove(name)


@pytest.mark.parametrize("thing", ["pipe", "device", "socket"])
def test_show_and_export_name_what_is_no_file(tmp_path, study, thing, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put_thing(tmp_path / "net.h5", thing)
    assert f"it is a {thing}" in meander("show", "net.h5", code=3, timeout=60)
    assert f"it is a {thing}" in meander("export", study(SMALL), "--cell", "width=20,depth=2,sigma_w=3,activation=relu", "-o", "net.h5", code=3, timeout=60)


def test_a_study_in_a_pipe_is_refused(tmp_path):
    """Whoever writes into it may never come, and no job could read it again."""
    read, write = os.pipe()
    try:
        printed = meander("plan", f"/proc/{os.getpid()}/fd/{read}", code=3, timeout=60)
    finally:
        os.close(read), os.close(write)
    assert "it is a pipe" in printed


def test_a_gzip_bomb_costs_no_memory(tmp_path, study):
    """1 GB of zeros in 1 MB, with a header that says so little, or that much more, or none."""
    text = SMALL.replace("dimension = 12", 'images = "images.gz"')
    zeros = 16 * gzip.compress(bytes(1 << 26), 9)
    for header in (struct.pack(">4B3I", 0, 0, 8, 3, 10, 6, 5), struct.pack(">4B3I", 0, 0, 8, 3, 1 << 20, 1 << 10, 1 << 10), b""):
        (tmp_path / "images.gz").write_bytes(gzip.compress(header) + zeros)
        megabytes, printed = peak("plan", study(text), code=3)
        assert "images.gz: " in printed and len(printed.splitlines()) == 1, printed
        assert megabytes < 400, printed


def test_zeros_behind_a_gzip_file_are_no_damage(tmp_path, study):
    """As tapes and some downloads leave them."""
    images_file(tmp_path / "images.gz")
    with open(tmp_path / "images.gz", "ab") as file:
        file.write(bytes(512))
    meander("plan", study(SMALL.replace("dimension = 12", 'images = "images.gz"')))


@pytest.mark.parametrize("ranks", [None, 2])
def test_a_file_on_which_hdf5_crashes_is_refused(tmp_path, ranks):
    """Four bytes of a good file are others: HDF5 1.10 looks up an address that is none."""
    shutil.copy(SOURCE / "tests/fuzz/found_network/crashes_hdf5", tmp_path / "net.h5")
    study = tmp_path / "study.toml"
    study.write_text('measure = "trajectory_length"\n[network]\nfile = "net.h5"\n[curve]\nsamples = 50\n')
    before = snapshot(tmp_path)
    for arguments in [*commands(study, tmp_path), ["show", tmp_path / "net.h5"]]:
        if ranks is not None and arguments[0] != "run":
            continue
        printed = meander(*arguments, code=3, timeout=60, ranks=ranks)
        assert "net.h5: cannot be read (HDF5 crashes or hangs on it: the file is damaged)" in printed, printed
    assert snapshot(tmp_path) == before


def test_a_file_that_sends_hdf5_round_in_circles_is_refused(tmp_path):
    """After a quarter of a minute in the processor."""
    shutil.copy(SOURCE / "tests/fuzz/found_network/circles_hdf5", tmp_path / "net.h5")
    study = tmp_path / "study.toml"
    study.write_text('measure = "trajectory_length"\n[network]\nfile = "net.h5"\n[curve]\nsamples = 50\n')
    assert "HDF5 crashes or hangs on it" in meander("plan", study, code=3, timeout=120)

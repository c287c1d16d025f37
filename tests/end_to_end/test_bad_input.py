"""Bad input: one clear message, exit code 3, nothing on disk touched."""

import gzip
import re
import subprocess

import h5py
import numpy as np
import pytest

from conftest import SAMPLED, SMALL, command, copy, environment, images_file, labels_file, meander, seal, snapshot


def changed(old, new):
    assert old in SMALL
    return SMALL.replace(old, new)


DATA = changed("dimension = 12", 'images = "{images}"')

MISTAKES = {
    "unknown key": (changed("samples = 200", "sample = 200"), ["study.toml:14:1", "sample", "samples"]),
    "unknown section": (SMALL + "[curves]\nsamples = 3\n", ["curves", "curve"]),
    "unknown measure": (changed('"transitions"', '"transition"'), ["transitions"]),
    "wrong type": (changed("samples = 200", 'samples = "many"'), ["study.toml:14", "samples"]),
    "negative width": (changed("[20, 31]", "[20, -31]"), ["width", "-31"]),
    "zero width": (changed("[20, 31]", "0"), ["width", "0"]),
    "zero depth": (changed("[2, 5]", "[0]"), ["depth"]),
    "NaN sigma": (changed("[1.5, 3.0]", "[nan]"), ["sigma_w"]),
    "infinite sigma": (changed("[1.5, 3.0]", "inf"), ["sigma_w"]),
    "negative sigma": (changed("[1.5, 3.0]", "-1.0"), ["sigma_w"]),
    "empty list": (changed("[1.5, 3.0]", "[]"), ["sigma_w"]),
    "twice the same value": (changed("[1.5, 3.0]", "[1.5, 1.5]"), ["sigma_w"]),
    "unknown activation": (changed('"relu"', '"rulu"'), ["rulu", "relu"]),
    "student_t without variance": (changed("[20, 31]", '[20, 31]\nweights = { law = "student_t", dof = 2 }'), ["dof"]),
    "more cells than can be counted": (
        changed("[1.5, 3.0]", "{ linspace = [1.0, 2.0, 200000] }").replace("realizations = 3", "realizations = 1000000"),
        ["cells"],
    ),
    "a task larger than memory": (changed("[20, 31]", "[3000000]"), ["memory"]),
    "exact counts of a smooth activation": (
        re.sub(r"activation = .*", 'activation = "tanh"', SMALL) + '[transitions]\nmethod = "exact"\n',
        ["exact"],
    ),
    "width and widths": (changed("depth = [2, 5]", "widths = [[3, 4]]"), ["width"]),
    "missing data set": (DATA.format(images="nowhere-idx3-ubyte.gz"), ["nowhere-idx3-ubyte.gz", "MNIST"]),
    "not TOML": (SMALL + "[[[", ["study.toml:15"]),
    "no sweep and no network": ('measure = "transitions"\n[input]\ndimension = 3\n', ["activation"]),
}


BOUNDARY = """
measure = "decision_boundary"
[sweep]
width = 20
depth = 3
sigma_w = 4.0
activation = "tanh"
[input]
dimension = 10
"""

WIDE = BOUNDARY.replace("decision_boundary", "deep_versus_wide")

MISTAKES |= {
    "boundary of kinks": (BOUNDARY.replace('"tanh"', '["tanh", "relu"]'), ["relu", "kinks"]),
    "boundary on a circle in one dimension": (BOUNDARY.replace("= 10", "= 1"), ["dimension 1", "line"]),
    "boundary of a file without a network": (
        BOUNDARY + '[decision_boundary]\nfile = "study.toml"\nclasses = [0, 1]\n', ["[network]", "classes"]),
    "boundary without points": (
        BOUNDARY + '[decision_boundary]\npoints = 0\ntolerance = 0\nsolver = "slow"\nbeta_0 = "here"\n',
        ["points", "tolerance", "slepc", "here"]),
    "regression on too few samples": (WIDE + "[deep_versus_wide]\noutputs = 99\nsamples = 100\n", ["samples", "99"]),
    "frequencies that samples cannot tell": (WIDE + "[deep_versus_wide]\nsamples = 900\nfrequencies = 450\n", ["450"]),
    "more activities than outputs": (WIDE + "[deep_versus_wide]\noutputs = 9\nneurons = 10\n", ["neurons", "9 outputs"]),
    "outputs given twice": (
        WIDE.replace("width = 20\ndepth = 3", "widths = [[20, 9]]") + "[deep_versus_wide]\noutputs = 9\n", ["outputs"]),
    "boundary too wide for memory": (BOUNDARY.replace("= 20", "= 1000000"), ["memory"]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_in_a_study(study, tmp_path, name):
    text, words = MISTAKES[name]
    path = study(text)
    before = snapshot(tmp_path)
    printed = meander("run", path, "-o", tmp_path / "out.h5", code=3)
    for word in words:
        assert word in printed, printed
    assert snapshot(tmp_path) == before and not (tmp_path / "out.h5.shards").exists()
    assert len(printed.splitlines()) <= 6, printed


def test_merge_takes_one_rank(study, tmp_path):
    meander("run", study(SMALL), "-o", tmp_path / "a.h5", "--quiet")
    printed = meander("merge", tmp_path / "b.h5", tmp_path / "a.h5", ranks=3, code=3)
    assert printed.count("merge: error: started on 3 ranks (it takes one) start it without mpirun") == 1, printed
    assert not (tmp_path / "b.h5").exists()


def test_all_mistakes_at_once_and_on_several_ranks_once(study, tmp_path):
    path = study(changed("samples = 200", "sample = 200").replace("[1.5, 3.0]", "[nan]").replace("[20, 31]", "[-1]"))
    printed = meander("run", path, "-o", tmp_path / "out.h5", ranks=3, code=3)
    assert printed.count("sample'") + printed.count("sample ") >= 1 and "sigma_w" in printed and "width" in printed
    assert printed.count("error:") == 3, printed


def truncated(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def lying(path):
    content = bytearray(path.read_bytes())
    content[4:8] = (10**6).to_bytes(4, "big")
    path.write_bytes(bytes(content))
    return path


@pytest.mark.parametrize("damage", [truncated, lying, lambda p: (p.write_bytes(b"cat"), p)[1]], ids=["truncated", "lying", "other"])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_damaged_data_set(study, tmp_path, damage, suffix):
    plain = damage(images_file(tmp_path / "images"))
    path = tmp_path / ("images" + suffix)
    if suffix:
        path.write_bytes(gzip.compress(plain.read_bytes()))
    printed = meander("run", study(DATA.format(images=path.name)), "-o", tmp_path / "out.h5", code=3)
    assert path.name in printed
    assert not (tmp_path / "out.h5").exists()


def test_truncated_gzip(study, tmp_path):
    path = truncated(images_file(tmp_path / "images.gz"))
    printed = meander("run", study(DATA.format(images=path.name)), "-o", tmp_path / "out.h5", code=3)
    assert "images.gz" in printed


def network(path, widths=(4, 3), inputs=5, **attributes):
    generator = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        file.attrs["filetype"] = "meander_network"
        file.attrs["version"] = np.array([1, 0])
        file.attrs["activation"] = "relu"
        file.attrs.update(attributes)
        for layer, width in enumerate(widths):
            file[f"layers/{layer}/weight"] = generator.normal(size=(width, inputs))
            file[f"layers/{layer}/bias"] = generator.normal(size=width)
            inputs = width
    return path


NETWORK = """
measure = "transitions"
[network]
file = "net.h5"
[input]
dimension = {dimension}
"""


def test_network_whose_shapes_do_not_chain(study, tmp_path):
    network(tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        del file["layers/1/weight"]
        file["layers/1/weight"] = np.zeros((3, 7))
    printed = meander("run", study(NETWORK.format(dimension=5)), code=3, cwd=tmp_path)
    assert "net.h5" in printed and "7" in printed and "4" in printed


def test_network_of_another_input_dimension(study, tmp_path):
    network(tmp_path / "net.h5")
    printed = meander("run", study(NETWORK.format(dimension=6)), code=3, cwd=tmp_path)
    assert "6" in printed and "5" in printed


def test_curve_of_the_wrong_dimension(study, tmp_path):
    with h5py.File(network(tmp_path / "net.h5"), "r+") as file:
        file["curve/center"] = np.zeros(4)
        file["curve/u"] = np.ones(4)
        file["curve/v"] = np.ones(4)
    text = 'measure = "transitions"\n[network]\nfile = "net.h5"\n[curve]\nfile = "net.h5"\n'
    printed = meander("run", study(text), code=3, cwd=tmp_path)
    assert "curve" in printed and "4" in printed and "5" in printed


def test_sweep_of_parameters_that_a_stored_network_does_not_have(study, tmp_path):
    network(tmp_path / "net.h5")
    printed = meander("run", study(NETWORK.format(dimension=5) + "[sweep]\nsigma_w = 2.0\n"), code=3, cwd=tmp_path)
    assert "sigma_w" in printed


def test_output_is_a_directory(study, tmp_path):
    (tmp_path / "out.h5").mkdir()
    assert "directory" in meander("run", study(SMALL), "-o", tmp_path / "out.h5", code=3)


def test_output_in_a_folder_that_is_not_there(study, tmp_path):
    assert "nowhere" in meander("run", study(SMALL), "-o", tmp_path / "nowhere" / "out.h5", code=3)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    folder = tmp_path_factory.mktemp("archive")
    (folder / "study.toml").write_text(SMALL)
    meander("run", "study.toml", "-o", "a.h5", cwd=folder)
    return folder / "a.h5"


def test_archive_of_another_study(study, tmp_path, archive):
    out = copy(archive, tmp_path / "out.h5")
    path = study(changed("seed = 7", "seed = 8"))
    before = snapshot(tmp_path)
    printed = meander("run", path, "-o", out, code=3)
    assert "seed = 8" in printed and "seed = 7" in printed
    assert snapshot(tmp_path) == before
    meander("run", path, "-o", out, "--fresh", "--quiet")


@pytest.mark.parametrize("damage", ["truncated", "not HDF5", "empty"])
def test_archive_that_is_none(study, tmp_path, archive, damage):
    out = copy(archive, tmp_path / "out.h5")
    content = out.read_bytes()
    out.write_bytes({"truncated": content[: len(content) // 3], "not HDF5": b"notes of a user\n" * 100, "empty": b""}[damage])
    path = study(SMALL)
    before = snapshot(tmp_path)
    for arguments in (["run", path, "-o", out], ["run", path, "-o", out, "--fresh"], ["show", out], ["status", out]):
        printed = meander(*arguments, code=3)
        assert "out.h5" in printed
        assert snapshot(tmp_path) == before


def test_commands_on_files_that_are_not_there(tmp_path):
    for arguments in (["show"], ["status"], ["check"], ["merge", tmp_path / "o.h5"]):
        printed = meander(*arguments, tmp_path / "nothing.h5", code=3)
        assert "nothing.h5" in printed


def test_second_run_on_one_archive(study, tmp_path):
    path = study(SAMPLED.replace("samples = 200", "samples = 100000").replace("[20, 31]", "[300]"))
    out = tmp_path / "out.h5"
    job = subprocess.Popen(command("run", path, "-o", out, "--quiet"), env=environment())
    try:
        while not (tmp_path / "out.h5.shards" / "lock").exists():
            assert job.poll() is None
        printed = ""
        for _ in range(50):
            printed = meander("run", path, "-o", out, code=3)
            if "another run" in printed:
                break
        assert "another run" in printed and str(job.pid) in printed
    finally:
        job.kill()
        job.wait()


def test_wrong_command_lines(study, tmp_path):
    path = study(SMALL)
    for arguments in (["run"], ["rum", path], ["run", path, "--part", "3/2"], ["run", path, "--set", "width"], ["list", "transition"]):
        meander(*arguments, code=3, cwd=tmp_path)
    assert "'rum'" in meander("rum", path, code=3)
    for seconds in ("0", "-1", "nan", "inf", "soon"):
        printed = meander("run", path, "--checkpoint", seconds, code=3, cwd=tmp_path)
        assert "must be a number of seconds > 0" in printed and len(printed) < 200
    assert snapshot(tmp_path) == {"study.toml": path.read_bytes()}


def test_export_writes_over_networks_only(study, tmp_path, archive):
    points = "point = [{ sigma_w = 1.2, sigma_b = 0.1 }, { sigma_w = 2.5, sigma_b = 0.3 }]"
    path = study(changed("sigma_w = [1.5, 3.0]", points), "points.toml")
    net = tmp_path / "net.h5"
    cell = "width=20,depth=2,activation=relu,point="
    for point in ("1", "{ sigma_w = 2.5, sigma_b = 0.3 }"):  # by its coordinate, and by its parameters
        assert "sigma_w = 2.5" in meander("export", path, "--cell", cell + point, "-o", net)
    meander("export", path, "--cell", cell + "2", "-o", net, code=3)
    for target in (path, archive, tmp_path / "none" / "net.h5", tmp_path):
        before = target.read_bytes() if target.is_file() else None
        assert "choose another -o" in meander("export", path, "--cell", cell + "1", "-o", target, code=3)
        assert before is None or target.read_bytes() == before


def test_merge_refuses_conflicts_and_strangers(study, tmp_path, archive):
    other = tmp_path / "other.h5"
    meander("run", study(changed("seed = 7", "seed = 8")), "-o", other, "--quiet")
    assert "same study" in meander("merge", tmp_path / "out.h5", archive, other, code=3)
    forged = copy(archive, tmp_path / "forged.h5")
    with h5py.File(forged, "r+") as file:
        file["transitions"][0, 0, 0, 0, 0, 0] += 1
    seal(forged)
    printed = meander("merge", tmp_path / "out.h5", archive, forged, code=3)
    assert "transitions" in printed and "width" in printed
    assert not (tmp_path / "out.h5").exists()


def test_labels_are_needed_for_classes(study, tmp_path):
    images_file(tmp_path / "images.gz")
    labels_file(tmp_path / "labels.gz")
    text = DATA.format(images="images.gz").replace("samples = 200", "samples = 200\nclasses = [3, 8]")
    assert "labels" in meander("run", study(text), "-o", tmp_path / "out.h5", code=3)
    meander("run", study(text.replace("[curve]", 'labels = "labels.gz"\n[curve]')), "-o", tmp_path / "out.h5", "--quiet")

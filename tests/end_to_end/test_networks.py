"""Network files of version 1.1: shown as a table, taken by measures of dense layers, and refused by the layer's name."""

import zlib

import h5py
import numpy as np
import pytest

from conftest import meander, peak

CURVE = 'measure = "trajectory_length"\n[network]\nfile = "net.h5"\n[curve]\nsamples = 50\n'
SIGNALS = 'measure = "signal_propagation"\n[network]\nfile = "net.h5"\n'


def layer(file, index, kind=None, **parts):
    """Arrays become datasets, everything else an attribute."""
    group = file.create_group(f"/layers/{index}")
    if kind is not None:
        group.attrs["kind"] = kind
    for name, value in parts.items():
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            group[name] = value
        else:
            group.attrs[name] = value


def convolutional(path):
    """What a script of the user's own writes: strings of h5py, integers of numpy's default type, weights in single."""
    rng = np.random.default_rng(3)
    with h5py.File(path, "w") as file:
        file.attrs.update({"filetype": "meander_network", "version": [1, 1], "input_shape": [1, 6, 6], "activation": "relu"})
        layer(file, 0, "convolution", weight=rng.normal(size=(3, 1, 3, 3)).astype("f4"), padding=[1, 1, 1, 1])
        layer(file, 1, "max_pool", window=[2, 2])
        layer(file, 2, "flatten")
        layer(file, 3, weight=rng.normal(size=(5, 27)), bias=np.zeros(5), activation="tanh")
    return path


def dense(path, version=(1, 1), activations=("relu", "relu"), **attributes):
    rng = np.random.default_rng(4)
    with h5py.File(path, "w") as file:
        file.attrs.update({"filetype": "meander_network", "version": list(version), **attributes})
        for i, activation in enumerate(activations):
            layer(file, i, weight=rng.normal(size=(7, 7)), bias=rng.normal(size=7))
            if activation is not None:
                file[f"/layers/{i}"].attrs["activation"] = activation
    return path


def test_show_is_a_table_of_layers(tmp_path):
    printed = meander("show", convolutional(tmp_path / "net.h5"))
    lines = printed.splitlines()
    assert "2 layers with weights, 170 parameters" in printed and "[1, 6, 6]" in printed
    row = next(line.split() for line in lines if "max_pool" in line)
    assert row[:3] == ["1", "1", "max_pool"] and "window 2 x 2, stride 2 x 2" in printed
    row = next(line.split() for line in lines if " dense " in line)
    assert row[:3] == ["3", "2", "dense"] and "tanh" in row and "140" in row


def test_show_refuses_a_faulty_network(tmp_path):
    net = convolutional(tmp_path / "net.h5")
    with h5py.File(net, "a") as file:
        file["/layers/1"].attrs["window"] = [2.5, 2]
    printed = meander("show", net, code=3)
    assert "/layers/1/window is no whole number" in printed


def test_measures_of_dense_layers_refuse_others_by_name(study, tmp_path):
    convolutional(tmp_path / "net.h5")
    for text, measure in ((CURVE, "trajectory_length"), (SIGNALS, "signal_propagation")):
        for arguments in (["run", study(text), "-o", tmp_path / "a.h5"], ["plan", study(text)]):
            printed = meander(*arguments, code=3)
            assert "net.h5: /layers/0 is a convolution, /layers/1 is a max_pool" in printed, printed
            assert f"({measure} takes dense layers only)" in printed
        assert not (tmp_path / "a.h5").exists()


def test_activations_that_differ_are_refused_by_name(study, tmp_path):
    dense(tmp_path / "net.h5", activations=("relu", "tanh"))
    printed = meander("run", study(CURVE), "-o", tmp_path / "a.h5", code=3)
    assert "/layers/1 has activation tanh and /layers/0 has relu" in printed


def test_dense_layers_measure_the_same_in_both_versions(study, tmp_path):
    dense(tmp_path / "net.h5", version=(1, 0), activations=(None, None), activation="relu")
    meander("run", study(CURVE), "-o", tmp_path / "old.h5")
    dense(tmp_path / "net.h5", input_shape=[7])
    meander("run", study(CURVE), "-o", tmp_path / "new.h5")
    with h5py.File(tmp_path / "old.h5") as old, h5py.File(tmp_path / "new.h5") as new:
        np.testing.assert_array_equal(old["length"][()], new["length"][()])
        assert (old["length"][()] > 0).all()


def test_what_needs_images_alone_takes_every_layer(tmp_path):
    """`participation_ratio` of a convolutional network, against its definition with numpy."""
    convolutional(tmp_path / "net.h5")
    study = tmp_path / "study.toml"
    study.write_text('measure = "participation_ratio"\nseed = 2\n[network]\nfile = "net.h5"\n[input]\nq0 = 1.0\n[curve]\nsamples = 30\n')
    meander("run", study, "-o", tmp_path / "out.h5", "--quiet")
    meander("export", study, "--cell", "", "-o", tmp_path / "cell.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        found = file["participation_ratio"][...].ravel()
    with h5py.File(tmp_path / "cell.h5") as file:
        center, u, v = (file[f"/curve/{name}"][...] for name in ("center", "u", "v"))
        kernels, weight = file["/layers/0/weight"][...], file["/layers/3/weight"][...]
    t = 2 * np.pi * np.arange(30) / 30
    pictures = (center + np.outer(np.cos(t), u) + np.outer(np.sin(t), v)).reshape(-1, 6, 6)
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    images = np.maximum(np.einsum("pijab,cab->pcij", windows, kernels[:, 0]), 0)
    pooled = images.reshape(-1, 3, 3, 2, 3, 2).max(axis=(3, 5)).reshape(len(t), -1)
    expected = []
    for cloud in (pooled, np.tanh(pooled @ weight.T)):
        s = np.linalg.svd(cloud - cloud.mean(axis=0), compute_uv=False)
        expected.append((s**2).sum() ** 2 / (s**4).sum())
    np.testing.assert_allclose(found, expected, rtol=1e-9)


RATIO = 'measure = "participation_ratio"\n[network]\nfile = "net.h5"\n[curve]\nsamples = 16\n'


def ratios(study, tmp_path):
    meander("run", study(RATIO), "-o", tmp_path / "a.h5", "--fresh", "--quiet")
    with h5py.File(tmp_path / "a.h5") as file:
        return file["participation_ratio"][()]


def test_shared_parameters_are_links_in_the_file(study, tmp_path):
    """h5py makes a hard link of an assigned dataset: a tied bias, weight or whole layer is the same as its copy."""
    net = dense(tmp_path / "net.h5")
    with h5py.File(net, "a") as file:
        shared = {name: file["/layers/0"][name][()] for name in ("weight", "bias")}
        for name in shared:
            del file["/layers/1"][name]
        file["/layers/1/weight"] = shared["weight"]
        file["/layers/1/bias"] = shared["bias"]
        file.copy("/layers/0", "/layers/2")
    copied = ratios(study, tmp_path)
    with h5py.File(net, "a") as file:
        del file["/layers/1/weight"], file["/layers/1/bias"], file["/layers/2"]
        file["/layers/1/weight"] = file["/layers/0/weight"]
        file["/layers/1/bias"] = h5py.SoftLink("/layers/0/bias")
        file["/layers/2"] = file["/layers/0"]
    assert copied.shape == (1, 3) and np.array_equal(ratios(study, tmp_path), copied)


def references(file):
    return np.array([file["/layers"].ref], dtype=h5py.ref_dtype)


NO_NUMBERS = {
    "a link to nothing": h5py.SoftLink("/nowhere"),
    "truth values": np.ones(7, bool),
    "complex numbers": np.ones(7, complex),
    "texts": "hello",
    "references": references,
    "arrays of arrays": np.array([np.ones(2), np.ones(3)], dtype=object),
    "a named type": np.dtype("f8"),
    "empty": h5py.Empty("f8"),
}


@pytest.mark.parametrize("what", NO_NUMBERS)
def test_what_holds_no_numbers_is_no_missing_bias(tmp_path, what):
    for place in ("/layers/1/bias", "/layers/2", "/readout/weight"):
        thing = NO_NUMBERS[what]
        net = dense(tmp_path / "net.h5")
        with h5py.File(net, "a") as file:
            if place in file:
                del file[place]
            if what == "arrays of arrays":
                file.create_dataset(place, data=thing, dtype=h5py.vlen_dtype("f8"))
            else:
                file[place] = thing(file) if callable(thing) else thing
        printed = meander("show", net, code=3)
        assert f"{place} holds no numbers" in printed and what in printed, printed


@pytest.mark.parametrize("place", ["/curve/center", "/curve/v", "/curve"])
def test_what_holds_no_numbers_is_no_missing_part_of_a_curve(study, tmp_path, place):
    """Without its v a circle would silently be a line."""
    net = dense(tmp_path / "net.h5")
    with h5py.File(net, "a") as file:
        for name in ("center", "u", "v"):
            file[f"/curve/{name}"] = np.ones(7)
        del file[place]
        file[place] = h5py.SoftLink("/nowhere")
    text = 'measure = "trajectory_length"\n[network]\nfile = "net.h5"\n[curve]\nfile = "net.h5"\n'
    printed = meander("plan", study(text), code=3)
    assert f"{place} holds no numbers (it is a link to nothing" in printed, printed


def linked_layers(file, kind):
    """Layers 1 and 2 of three, by links of one kind."""
    if kind == "hard":
        file["/layers/1"] = file["/layers/0"]
        file["/layers/2"] = file["/layers/0"]
    elif kind == "soft":
        file["/layers/1"] = h5py.SoftLink("/layers/0")
        file["/layers/2"] = h5py.SoftLink("0")
    elif kind == "datasets":
        for i in (1, 2):
            file.create_group(f"/layers/{i}")
            file[f"/layers/{i}/weight"] = h5py.SoftLink("/layers/0/weight") if i == 1 else file["/layers/0/weight"]
    elif kind == "elsewhere":
        file["/shared/weight"] = file["/layers/0/weight"]
        file["/layers/1"] = h5py.SoftLink("/shared")
        file["/layers/2"] = file["/shared"]


@pytest.mark.parametrize("kind", ["hard", "soft", "datasets", "elsewhere"])
def test_layers_that_are_links_are_layers(tmp_path, kind):
    net = dense(tmp_path / "net.h5", activations=("relu",), activation="relu")
    with h5py.File(net, "a") as file:
        linked_layers(file, kind)
    assert "3 layers with weights" in meander("show", net)
    with h5py.File(net, "a") as file:
        del file["/layers/1"]
    assert "/layers/1 is missing" in meander("show", net, code=3)


def test_links_without_an_end_are_refused(tmp_path):
    net = dense(tmp_path / "net.h5")
    with h5py.File(net, "a") as file:
        file["/layers/2"] = h5py.SoftLink("/layers/3")
        file["/layers/3"] = h5py.SoftLink("/layers/2")
    assert "/layers/2 holds no numbers (it is a link to nothing" in meander("show", net, code=3)
    dense(net)
    with h5py.File(net, "a") as file:
        file["/layers/0/up"] = file["/layers"]
    assert "/layers/0/up is a link that leads back to where it comes from" in meander("show", net, code=3)
    dense(net)
    with h5py.File(net, "a") as file:
        groups = [file.create_group(f"/more/{i}") for i in range(40)]
        for above, below in zip(groups, groups[1:]):
            above["left"] = above["right"] = below
    assert "more than 262144 names" in meander("show", net, code=3, timeout=60)
    dense(net)
    with h5py.File(net, "a") as file:
        group = file
        for _ in range(1000):
            group = group.create_group("deeper")
    assert "more than 64 groups in each other" in meander("show", net, code=3, timeout=60)


def elsewhere(file, thing):
    if thing == "a link into another file":
        file["/layers/1/weight"] = h5py.ExternalLink("other.h5", "/layers/0/weight")
    elif thing == "a virtual dataset":
        layout = h5py.VirtualLayout(shape=(7, 7), dtype="f8")
        layout[:] = h5py.VirtualSource("other.h5", "/layers/0/weight", shape=(7, 7))
        file.create_virtual_dataset("/layers/1/weight", layout)
    else:
        file.create_dataset("/layers/1/weight", shape=(7, 7), dtype="f8", external=[("other.bin", 0, 7 * 7 * 8)])


@pytest.mark.parametrize("thing", ["a link into another file", "a virtual dataset", "external storage"])
def test_numbers_in_other_files_are_refused(study, tmp_path, thing):
    """No digest covers them: the network could change under the cells that are done."""
    dense(tmp_path / "other.h5")
    (tmp_path / "other.bin").write_bytes(np.ones((7, 7)).tobytes())
    net = dense(tmp_path / "net.h5")
    with h5py.File(net, "a") as file:
        del file["/layers/1/weight"]
        elsewhere(file, thing)
    for arguments in (["show", net], ["run", study(RATIO), "-o", tmp_path / "a.h5"], ["plan", study(RATIO)]):
        printed = meander(*arguments, code=3, cwd=tmp_path)
        assert f"/layers/1/weight {'has' if thing == 'external storage' else 'is'} {thing}" in printed, printed
    assert not (tmp_path / "a.h5").exists()


def test_a_filter_that_is_not_installed_is_named(tmp_path):
    net = dense(tmp_path / "net.h5")
    with h5py.File(net, "a") as file:
        del file["/layers/1/weight"]
        file.create_dataset("/layers/1/weight", data=np.ones((7, 7)), compression="lzf")
    assert "/layers/1/weight is compressed with the filter lzf (32000) (this HDF5 does not have it)" in meander("show", net, code=3)
    for settings in ({"compression": "gzip"}, {"compression": "gzip", "shuffle": True, "fletcher32": True}, {"scaleoffset": 3}):
        with h5py.File(net, "a") as file:
            del file["/layers/1/weight"]
            file.create_dataset("/layers/1/weight", data=np.ones((7, 7)), **settings)
        meander("show", net)


def huge(file, kind):
    if kind == "compressed":
        file.create_dataset("/more", shape=(20000, 20000), chunks=(100, 100), compression="gzip")[:100, :100] = 1
    elif kind == "one chunk":
        file.create_dataset("/more", shape=(20000, 20000), dtype="f8", chunks=(20000, 20000), compression="gzip")
        file["/more"].id.write_direct_chunk((0, 0), zlib.compress(b"no"))
    elif kind == "many":
        for i in range(1000):
            file.create_dataset(f"/more/{i}", shape=(1000, 1000), dtype="f8")
    elif kind == "bomb":
        file.create_dataset("/more", shape=(4, 4), maxshape=(4, None), dtype="f8", chunks=(4, 100000), compression="gzip")
        stream = zlib.compressobj(1)
        file["/more"].id.write_direct_chunk((0, 0), b"".join(stream.compress(bytes(1 << 24)) for _ in range(40)) + stream.flush())


@pytest.mark.parametrize("kind", ["compressed", "one chunk", "many", "bomb"])
def test_a_small_file_does_not_take_much_memory(tmp_path, kind):
    net = dense(tmp_path / "net.h5")
    with h5py.File(net, "a") as file:
        huge(file, kind)
    megabytes, printed = peak("show", net, code=3)
    assert "/more" in printed and len(printed.splitlines()) == 1, printed
    assert megabytes < 500, printed


def test_two_names_of_one_activation_are_one(study, tmp_path):
    dense(tmp_path / "net.h5", activations=("silu", "swish"))
    meander("run", study(SIGNALS), "-o", tmp_path / "a.h5", "--quiet")
    dense(tmp_path / "net.h5", activations=('{ activation = "elu", alpha = 0.5 }', '{activation="elu",alpha=0.5}'))
    meander("run", study(SIGNALS), "-o", tmp_path / "b.h5", "--quiet")


def test_a_convolution_is_planned_as_one(study, tmp_path):
    """As a dense matrix the second layer would hold 4 billion weights: the plan asked for 32 GiB, and run refused it."""
    with h5py.File(tmp_path / "net.h5", "w") as file:
        file.attrs.update({"filetype": "meander_network", "version": [1, 1], "input_shape": [3, 32, 32], "activation": "relu"})
        layer(file, 0, "convolution", weight=np.ones((64, 3, 3, 3)), padding=[1, 1, 1, 1])
        layer(file, 1, "convolution", weight=np.ones((64, 64, 3, 3)), padding=[1, 1, 1, 1])
        layer(file, 2, "max_pool", window=[2, 2])
    planned = meander("plan", study(RATIO))
    size, unit = next(line for line in planned.splitlines() if "largest task" in line).split("largest task")[1].split()[:2]
    assert unit.startswith("MiB") and 20 < float(size) < 200, planned
    ratios(study, tmp_path)

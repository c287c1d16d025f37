"""Network files of version 1.1: shown as a table, taken by measures of dense layers, and refused by the layer's name."""

import h5py
import numpy as np

from conftest import meander

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

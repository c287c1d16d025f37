"""Decision boundaries and regressions as a user runs them: both solvers, any number of ranks, a network of one's own."""

import h5py
import numpy as np
import pytest
import xarray

from conftest import assert_identical, images_file, meander

BOUNDARY = """
measure = "decision_boundary"
seed = 4
realizations = 3
[sweep]
width = 24
depth = 3
sigma_w = [2.0, 4.0]
sigma_b = 0.3
activation = "tanh"
[input]
dimension = 40
q0 = 1.0
[decision_boundary]
points = 2
"""


def load(path):
    return xarray.load_dataset(path, engine="h5netcdf")


def test_solvers_agree_on_any_number_of_ranks(study, tmp_path):
    path = study(BOUNDARY)
    meander("run", path, "-o", tmp_path / "dense.h5", "--set", 'decision_boundary.solver="dense"')
    for ranks in (None, 3):
        meander("run", path, "-o", tmp_path / f"{ranks}.h5", "--set", 'decision_boundary.solver="slepc"', ranks=ranks)
    assert_identical(tmp_path / "None.h5", tmp_path / "3.h5")
    dense, krylov = load(tmp_path / "dense.h5"), load(tmp_path / "None.h5")
    assert (dense.status == 1).all() and (krylov.status == 1).all()
    assert (dense.boundary_residual <= 1e-12).all()
    for name in ("curvature_largest_input", "curvature_largest", "curvature_smallest_input", "curvature_smallest"):
        norm = np.abs(dense[name]).max("index")
        # Residuals of 1e-11 of the norm, and eigenvalues lie within their residuals.
        assert (np.abs(dense[name] - krylov[name]) <= 2e-11 * norm).all(), name
    assert krylov.curvature_rms.isnull().all() and dense.curvature_rms.notnull().all()


def test_an_exported_boundary_is_the_same_again(study, tmp_path):
    path = study(BOUNDARY)
    meander("run", path, "-o", tmp_path / "a.h5")
    meander("export", path, "--cell", "sigma_w=4.0,realization=1", "-o", tmp_path / "net.h5")
    again = tmp_path / "again.toml"
    again.write_text('measure = "decision_boundary"\n[network]\nfile = "net.h5"\n[decision_boundary]\nfile = "net.h5"\n')
    meander("run", again, "-o", tmp_path / "b.h5")
    first, second = load(tmp_path / "a.h5").sel(sigma_w=4.0).isel(realization=1), load(tmp_path / "b.h5")
    for name in ("curvature_largest", "curvature_smallest_input", "gradient_norm"):
        np.testing.assert_array_equal(first[name].values.squeeze(), second[name].values.squeeze())
    assert "curvature_rms_theory" not in second  # a stored network has none


def network(path, inputs=3, outputs=2, activation="tanh"):
    rng = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        file.attrs.update({"filetype": "meander_network", "version": np.array([1, 0]), "activation": activation})
        file["/layers/0/weight"], file["/layers/0/bias"] = rng.normal(size=(5, inputs)), rng.normal(size=5)
        file["/readout/weight"], file["/readout/bias"] = rng.normal(size=(outputs, 5)), np.zeros(outputs)
    return path


def test_boundary_between_two_classes(study, tmp_path):
    network(tmp_path / "net.h5", outputs=3)
    text = 'measure = "decision_boundary"\n[network]\nfile = "net.h5"\n[decision_boundary]\nbeta_0 = "median"\n'
    printed = meander("run", study(text), "-o", tmp_path / "a.h5", code=3)
    assert "classes" in printed and "3 outputs" in printed
    meander("run", study(text + "classes = [2, 0]\n"), "-o", tmp_path / "a.h5")
    meander("run", study(text + "classes = [0, 2]\n"), "-o", tmp_path / "b.h5")
    a, b = load(tmp_path / "a.h5"), load(tmp_path / "b.h5")
    # The other side of the same surface: every curvature with the other sign.
    np.testing.assert_allclose(a.curvature_largest_input, -b.curvature_smallest_input, rtol=1e-6, atol=1e-9)
    printed = meander("run", study(text + "classes = [0, 3]\n"), "-o", tmp_path / "c.h5", code=3)
    assert "0 to 2" in printed


@pytest.mark.parametrize("wrong, words", [
    ({"/extra/beta": np.ones(4)}, ["/extra/beta", "5 numbers"]),
    ({"/extra/x": np.ones((2, 4))}, ["/extra/x", "(points, 3)"]),
    ({"/extra/x": np.full(3, np.nan)}, ["not finite"]),
    ({}, ["neither"]),
])
def test_files_that_fit_no_network(study, tmp_path, wrong, words):
    network(tmp_path / "net.h5", outputs=1)
    with h5py.File(tmp_path / "start.h5", "w") as file:
        for name, values in wrong.items():
            file[name] = values
    text = 'measure = "decision_boundary"\n[network]\nfile = "net.h5"\n[decision_boundary]\nfile = "start.h5"\n'
    printed = meander("run", study(text), "-o", tmp_path / "a.h5", code=3)
    for word in words:
        assert word in printed, printed


def test_lines_between_images_are_tried_until_one_crosses(study, tmp_path):
    """A third of the lines between two images cross this boundary, and 400 images make many lines."""
    images_file(tmp_path / "images", count=400)
    text = BOUNDARY.replace("dimension = 40\nq0 = 1.0", 'images = "images"').replace("[2.0, 4.0]", "2.0")
    meander("run", study(text.replace("points = 2", "points = 10")), "-o", tmp_path / "a.h5")
    assert load(tmp_path / "a.h5").boundary_residual.notnull().all()


def test_networks_without_a_boundary_are_not_converged(study, tmp_path):
    path = study(BOUNDARY.replace("[2.0, 4.0]", "0.05").replace("[decision_boundary]", "[decision_boundary]\nbeta_0 = 0.9"))
    meander("run", path, "-o", tmp_path / "a.h5", timeout=60)
    data = load(tmp_path / "a.h5")
    assert (data.status == 3).all() and data.curvature_largest.isnull().all()
    assert data.curvature_rms_theory.notnull().all()


def test_networks_that_overflow_are_out_of_range(study, tmp_path):
    """He_3 cubes its argument: from some layer on no double holds it, and G is no number anywhere."""
    text = BOUNDARY.replace('"tanh"', "{ hermite = [0, 1, 0, 1] }").replace("depth = 3", "depth = 30")
    meander("run", study(text), "-o", tmp_path / "a.h5")
    blown = load(tmp_path / "a.h5")
    assert (blown.status == 4).all()
    assert "overflow" in str(blown.error_message.values[1])


def test_regressions_do_not_depend_on_ranks(study, tmp_path):
    wide = BOUNDARY[:BOUNDARY.index("[decision_boundary]")].replace("decision_boundary", "deep_versus_wide")
    path = study(wide + "[deep_versus_wide]\noutputs = 10\nsamples = 200\nfrequencies = 4\n")
    for ranks in (None, 3):
        meander("run", path, "-o", tmp_path / f"{ranks}.h5", ranks=ranks)
    assert_identical(tmp_path / "None.h5", tmp_path / "3.h5")
    data = load(tmp_path / "None.h5")
    assert (data.status == 1).all() and (data.angular_error >= 0).all() and (data.angular_error <= 1).all()
    assert data.shallow_bound.isnull().all()  # three layers are not shallow

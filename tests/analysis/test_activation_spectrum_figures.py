"""Figures of `activation_spectrum`: which picture a study gets, and what is drawn where."""

import numpy as np
import pytest

import meander
from conftest import write_archive
from meander.archive import ArchiveError
from meander.figures import Request, draw
from meander.figures.activation_spectrum import hermite_values

SETTINGS = {"study": "[activation_spectrum]\ndecay_range = [0.02, 0.2]\nfit_from = 4\n"}


def marked(axes, kind):
    return [line for line in axes.get_lines() if line.get_gid() == kind]


def spectrum_archive(path):
    """|f_n| = n^-1.25 at even orders, e^(-n/2) at odd ones up to 9: one activation, two variances."""
    orders = np.arange(21)
    f = np.where(orders % 2 == 0, np.maximum(orders, 1) ** -1.25, np.where(orders < 10, np.exp(-orders / 2), 0.0))
    coefficient = np.stack([f, 2 * f])[None, None]
    decay = np.broadcast_to(np.array([[1.25, 0.6, 0.1], [2.0, 1.5, 0.5]]), (1, 1, 2, 2, 3))
    residual = np.broadcast_to(np.array([[0.0, 0.2, 0.4], [0.5, 0.3, 0.0]]), (1, 1, 2, 2, 3))
    cells = ("sigma_w", "activation", "variance")
    arrays = {"coefficient": ((*cells, "order"), coefficient, {}), "decay": ((*cells, "parity", "law"), decay, {}),
              "decay_residual": ((*cells, "parity", "law"), residual, {})}
    write_archive(path, "activation_spectrum", {"sigma_w": [1.0], "activation": ["relu"], "variance": [1.0, 2.0]}, arrays,
                  own={"order": orders, "parity": ["even", "odd"], "law": ["power", "stretched", "geometric"]},
                  status=np.ones((1, 1, 2), np.int8), attributes=SETTINGS)
    return path


def test_spectra_show_parities_and_their_own_laws(tmp_path):
    figure, notes = draw(meander.open(spectrum_archive(tmp_path / "a.h5")))
    (axes,) = figure.axes
    assert axes.get_yscale() == "log" and "even" in notes[0].lower()
    even, odd = [line for line in marked(axes, "coefficients")][:2]
    np.testing.assert_array_equal(even.get_xdata(), np.arange(0, 21, 2))
    np.testing.assert_array_equal(odd.get_xdata(), [1, 3, 5, 7, 9])  # zeros are left out
    power, geometric = marked(axes, "fit")[:2]
    np.testing.assert_allclose(power.get_ydata(), power.get_xdata() ** -1.25)
    np.testing.assert_allclose(geometric.get_ydata(), np.exp(-geometric.get_xdata() / 2))
    assert [text.get_text() for text in axes.texts] == ["even: $n^{-1.25}$", "odd: $e^{-0.500n}$"]


def layers_archive(path, c0=(0.5,), chi=False, networks=6, xi=4.0):
    """Exponents -0.1 and 0.1, and correlations that approach c* with length xi, scattered symmetrically."""
    layers = np.arange(1, 31)
    sigma_w = [1.0, 2.0]
    key = "design_chi_1" if chi else "sigma_w"
    sweep = {"width": [50], "sigma_w": sigma_w, "c0": list(c0)}
    if chi:
        sweep = {"width": [50], "sigma_w": [1.0], "design_chi_1": [0.8, 1.2], "c0": list(c0)}
    shape = tuple(len(values) for values in sweep.values())
    at = [-1 if name == key else 1 for name in sweep]
    theory = np.broadcast_to(np.array([-0.1, 0.1]).reshape([*at, 1]), (*shape, 30))
    noise = np.where(np.arange(networks) % 2, 0.01, -0.01).reshape(-1, 1)
    c = np.broadcast_to(0.3 - 0.25 * np.exp(-layers / xi), (*shape, 30))
    arrays = {"exponent": ((*sweep, "realization", "layer"), theory[..., None, :] + noise, {}),
              "c": ((*sweep, "realization", "layer"), c[..., None, :] + 0.01 * noise, {}),
              "decay_length_theory": (tuple(sweep)[1:], np.full(shape[1:], xi), {})}
    for name, values in (("exponent_theory", theory), ("c_theory", c), ("q_theory", c)):
        arrays[name] = ((*tuple(sweep)[1:], "layer"), values[0], {})
    fixed = tuple(sweep)[1:-1]
    for name, value in (("c_star", 0.3), ("xi_c", xi), ("basin_high", 1.5)):
        arrays[name] = (fixed, np.full(shape[1:-1], value), {})
    arrays["coefficient"] = ((*fixed, "order"), np.broadcast_to([0.0, 0.9, 0.0, -0.3], (*shape[1:-1], 4)).copy(), {})
    write_archive(path, "activation_spectrum", sweep, arrays, own={"layer": layers, "order": np.arange(4)},
                  status=np.ones((*shape, networks), np.int8), attributes=SETTINGS)
    return path


def test_exponents_are_drawn_around_the_edge(tmp_path):
    path = layers_archive(tmp_path / "a.h5", c0=(0.5,))
    dataset = meander.open(path).squeeze("c0", drop=True)
    figure, notes = draw(dataset)
    (axes,) = figure.axes
    assert marked(axes, "edge")
    for line, level in zip(marked(axes, "theory"), (-0.1, 0.1)):
        np.testing.assert_allclose(line.get_ydata(), level)
    for line, level in zip(marked(axes, "measured"), (-0.1, 0.1)):
        np.testing.assert_allclose(line.get_ydata(), level)  # the scatter averages out
    assert "6 networks" in notes[0]


def test_mismatch_fits_the_mean_of_c(tmp_path):
    figure, notes = draw(meander.open(layers_archive(tmp_path / "a.h5", c0=(0.1, 0.9))))
    (axes,) = figure.axes
    assert axes.get_yscale() == "log"
    assert "0.02" in notes[0] and "0.2" in notes[0]
    for container in axes.containers:
        np.testing.assert_allclose(container[0].get_ydata(), 4.0, rtol=1e-6)


def test_designs_show_their_map_and_basin(tmp_path):
    figure, _ = draw(meander.open(layers_archive(tmp_path / "a.h5", chi=True)))
    assert [axes.get_title(loc="left") for axes in figure.axes][1] == "length map and basin"
    first = marked(figure.axes[1], "map")[0]
    q = first.get_xdata()
    # V(q) of 0.9 h_1 - 0.3 h_3 from the moments of a Gaussian: phi = a x + b x^3 with b = -0.3 / sqrt(6), a = 0.9 - 3 b.
    b = -0.3 / np.sqrt(6)
    a = 0.9 - 3 * b
    np.testing.assert_allclose(first.get_ydata(), a * a * q + 6 * a * b * q**2 + 15 * b * b * q**3, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(marked(figure.axes[1], "basin")[0].get_xdata(), [1.5])


def test_hermite_values_are_normalised():
    x = np.array([-1.5, 0.0, 2.0])
    np.testing.assert_allclose(hermite_values([0.5, 1.0, 2.0], x), 0.5 + x + 2 * (x**2 - 1) / np.sqrt(2))


def test_an_array_is_drawn_on_request(tmp_path):
    dataset = meander.open(spectrum_archive(tmp_path / "a.h5"))
    figure, _ = draw(dataset, Request(arrays=("coefficient",)))
    assert figure.axes[0].get_xlabel() == "order"
    with pytest.raises(ArchiveError):
        draw(dataset, Request(arrays=("nothing",)))

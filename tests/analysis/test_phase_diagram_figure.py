"""The figures of `phase_diagram`: which values lie where, the critical line over them, and what is left blank."""

import numpy as np
import pytest

import meander
from conftest import write_archive
from meander.archive import ArchiveError
from meander.figures import Request, draw

WEIGHTS = np.array([1.0, 1.5, 2.0, 2.5])
BIASES = np.array([0.0, 1.0, 2.0])


def archive_of(path, sweep):
    """chi_1 = sigma_w / (1 + sigma_b); c_star is NaN at the first weight; the line is sigma_w = 1 + sigma_b."""
    shape = tuple(len(values) for values in sweep.values())
    weight, bias = np.meshgrid(sweep["sigma_w"], sweep["sigma_b"], indexing="ij")
    more = (slice(None), slice(None), *[None] * (len(shape) - 2))
    chi = np.broadcast_to((weight / (1 + bias))[more], shape).copy()
    cells, line = tuple(sweep), tuple(key for key in sweep if key != "sigma_w")
    c_star = np.where(weight == WEIGHTS[0], np.nan, 0.5)
    xi = {"units": "layers"}
    critical = np.broadcast_to((1 + np.asarray(sweep["sigma_b"]))[:, *[None] * (len(shape) - 2)], shape[1:]).copy()
    layers = np.stack([np.broadcast_to(weight[more], shape), np.broadcast_to(2 * weight[more], shape)], axis=-1)
    arrays = {
        "q_star": (cells, 2 * chi, {}), "chi_1": (cells, chi, {}), "xi_q": (cells, chi, xi), "xi_c": (cells, 100 ** chi, xi),
        "c_star": (cells, np.broadcast_to(c_star[more], shape).copy(), {}),
        "layers_to_q_star": ((*cells, "deviation"), layers.astype(np.int64), xi),
        "sigma_w_critical": (line, critical, {}),
    }
    write_archive(path, "phase_diagram", sweep, arrays, own={"deviation": np.array([0.1, 0.01])},
                  status=np.ones(shape, np.int8))
    return path


def mesh(axes):
    (found,) = axes.collections
    return found


def maps(figure):
    return [axes for axes in figure.axes if axes.collections and axes.collections[0].get_gid()]


def test_maps_hold_the_values_and_the_line(tmp_path):
    path = archive_of(tmp_path / "a.h5", {"sigma_w": WEIGHTS, "sigma_b": BIASES})
    figure, notes = draw(meander.open(path), Request())
    panels = maps(figure)
    assert [mesh(axes).get_gid() for axes in panels] == ["q_star", "layers_to_q_star", "xi_q", "c_star", "chi_1", "xi_c"]
    chi = next(axes for axes in panels if mesh(axes).get_gid() == "chi_1")
    np.testing.assert_allclose(mesh(chi).get_array().reshape(3, 4), WEIGHTS / (1 + BIASES[:, None]))
    (white, black) = [line for line in chi.get_lines() if line.get_gid() == "critical"]
    np.testing.assert_allclose(black.get_xdata(), 1 + BIASES)
    np.testing.assert_allclose(black.get_ydata(), BIASES)
    assert chi.get_xlim() == (0.75, 2.75) and chi.get_ylim() == (-0.5, 2.5)
    c_star = next(axes for axes in panels if mesh(axes).get_gid() == "c_star")
    np.testing.assert_array_equal(mesh(c_star).get_array().mask.reshape(3, 4)[:, 0], True)
    assert "χ₁ = 1" in notes[0]


def test_several_activations_are_rows(tmp_path):
    path = archive_of(tmp_path / "a.h5", {"sigma_w": WEIGHTS, "sigma_b": BIASES, "activation": ["relu", "tanh"]})
    figure, _ = draw(meander.open(path), Request())
    panels = maps(figure)
    assert [mesh(axes).get_gid() for axes in panels] == 2 * ["q_star", "c_star", "chi_1", "xi_c"]
    assert panels[0].get_ylabel().startswith("relu") and panels[4].get_ylabel().startswith("tanh")
    figure, notes = draw(meander.open(path), Request(max_panels=4))
    assert len(maps(figure)) == 4 and any("1 of 2 rows" in note for note in notes)


def test_one_array_with_both_deviations(tmp_path):
    path = archive_of(tmp_path / "a.h5", {"sigma_w": WEIGHTS, "sigma_b": BIASES})
    figure, _ = draw(meander.open(path), Request(arrays=("layers_to_q_star",)))
    assert [axes.get_title(loc="left") for axes in maps(figure)] == ["layers to $q^*$ within 10 %",
                                                                    "layers to $q^*$ within 1 %"]
    with pytest.raises(ArchiveError, match="seconds: not an array over sigma_w"):
        draw(meander.open(path), Request(arrays=("seconds",)))


def test_one_bias_gives_curves_against_the_squared_weight(tmp_path):
    path = archive_of(tmp_path / "a.h5", {"sigma_w": WEIGHTS, "sigma_b": np.array([1.0]), "keep": np.array([1.0, 0.9])})
    figure, notes = draw(meander.open(path), Request())
    assert [axes.get_ylabel() for axes in figure.axes] == [r"$\xi_c$ [layers]", r"$\xi_q$ [layers]", "$c^*$"]
    curves = [line for line in figure.axes[0].get_lines() if line.get_gid() == "theory"]
    assert len(curves) == 2
    np.testing.assert_allclose(curves[0].get_xdata(), WEIGHTS**2)
    np.testing.assert_allclose(curves[0].get_ydata(), 100 ** (WEIGHTS / 2))
    dotted = [line for line in figure.axes[0].get_lines() if line.get_gid() == "critical"]
    np.testing.assert_allclose(dotted[0].get_xdata(), 4.0)
    assert any("χ₁ = 1" in note for note in notes)


def test_any_key_can_lie_along_x(tmp_path):
    path = archive_of(tmp_path / "a.h5", {"sigma_w": WEIGHTS, "sigma_b": BIASES})
    figure, _ = draw(meander.open(path), Request(against="sigma_b", arrays=("chi_1",)))
    line = [line for line in figure.axes[0].get_lines() if line.get_gid() == "measured"][0]
    np.testing.assert_allclose(line.get_xdata(), BIASES)
    np.testing.assert_allclose(line.get_ydata(), 1 / (1 + BIASES))

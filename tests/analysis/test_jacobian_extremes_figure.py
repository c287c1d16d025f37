"""Figure of `jacobian_extremes`: both ends against width with the edge of free probability, or by place."""

import numpy as np
import pytest

import meander
from conftest import write_archive
from meander.figures import Request, draw

COUNT, REALIZATIONS = 3, 4


def ends(path, widths, status=1, missing=False):
    sweep = {"width": list(widths), "depth": [10]}
    cells = ("width", "depth", "realization", "index")
    shape = (len(widths), 1, REALIZATIONS, COUNT)
    place = np.arange(COUNT)
    largest = np.broadcast_to(3.0 - 0.1 * place, shape) * (1 + 0.01 * np.arange(REALIZATIONS)[:, None])
    smallest = np.broadcast_to(1e-6 * (1 + place), shape).copy()
    if missing:
        smallest[:] = np.nan
    arrays = {
        "largest": (cells, largest, {}),
        "smallest": (cells, smallest, {}),
        "residual_largest": (cells, np.full(shape, 3e-9), {}),
        "residual_smallest": (cells, np.full(shape, np.nan), {}),
        "slope_square": (("width", "depth", "realization", "layer"), np.ones((*shape[:-1], 10)), {}),
        "lambda_max_theory": (("width", "depth"), np.full(shape[:2], 9.61), {}),
        "theory_valid": (("width", "depth"), np.ones(shape[:2], np.int8), {}),
    }
    write_archive(path, "jacobian_extremes", sweep, arrays, own={"index": place, "layer": np.arange(1, 11)},
                  status=np.full(shape[:-1], status, np.int8))
    return path


def line(axes, gid):
    return next(line for line in axes.get_lines() if line.get_gid() == gid)


def test_both_ends_against_width_with_the_edge(tmp_path):
    figure, notes = draw(meander.open(ends(tmp_path / "a.h5", [64, 256, 1024])), Request())
    upper, lower = figure.axes[:2]
    np.testing.assert_allclose(line(upper, "measured").get_xdata(), [64, 256, 1024])
    np.testing.assert_allclose(line(upper, "measured").get_ydata(), 3.0 * 1.015)
    np.testing.assert_allclose(line(upper, "theory").get_ydata(), 3.1)  # the root of lambda_max_theory
    assert line(upper, "measured").get_linestyle() == "None" and upper.collections  # points with bars
    np.testing.assert_allclose(line(lower, "measured").get_ydata(), 1e-6)
    assert upper.get_xscale() == "log" and lower.get_yscale() == "log"
    assert any("1e-09" in note for note in notes)


def test_a_single_point_shows_its_values_by_place(tmp_path):
    figure, _ = draw(meander.open(ends(tmp_path / "a.h5", [64])), Request())
    upper, lower = figure.axes[:2]
    np.testing.assert_allclose(line(upper, "measured").get_xdata(), [1, 2, 3])
    np.testing.assert_allclose(line(upper, "theory").get_ydata(), 3.1)
    np.testing.assert_allclose(line(lower, "measured").get_ydata(), [1e-6, 2e-6, 3e-6])
    assert "place" in lower.get_xlabel()


def test_values_of_cells_that_did_not_converge_are_drawn_and_counted(tmp_path):
    path = ends(tmp_path / "a.h5", [64, 128], status=3, missing=True)
    figure, notes = draw(meander.open(path, allow_empty=True), Request())
    np.testing.assert_allclose(line(figure.axes[0], "measured").get_ydata(), 3.0 * 1.015)
    assert any("8 of 8 cells lack values that did not converge" in note for note in notes)


@pytest.mark.parametrize("array", ["slope_square"])
def test_arrays_over_layers_are_drawn_against_them(tmp_path, array):
    figure, _ = draw(meander.open(ends(tmp_path / "a.h5", [64, 128])), Request(arrays=(array,), against="layer"))
    np.testing.assert_allclose(line(figure.axes[0], "measured").get_xdata(), np.arange(1, 11))

"""Figures of `decision_boundary` and `deep_versus_wide`: which values lie where."""

import numpy as np
import pytest

import meander
from conftest import write_archive
from meander.archive import FAILED, ArchiveError
from meander.figures import Request, draw

SWEEP = {"width": [20], "depth": [3], "sigma_w": [4.0]}
CELLS = (*SWEEP, "realization")


def lines(axes, kind):
    return [line for line in axes.get_lines() if line.get_gid() == kind]


def boundary_archive(path, networks=3, status=None):
    """Curvature 10^(depth - layer) times 2 and 1 at the ends, the same with a minus sign at the other."""
    layer = np.arange(4)
    scale = 10.0 ** (3 - layer)
    ends = scale[:, None] * np.array([2.0, 1.0])
    shape = (1, 1, 1, networks, 5)
    arrays = {}
    for name, values, own in (("curvature_largest", ends, ("index",)), ("curvature_smallest", -ends, ("index",)),
                              ("curvature_rms", 0.5 * scale, ())):
        full = np.broadcast_to(values, (*shape, *values.shape))
        arrays[f"{name}_input"] = ((*CELLS, "boundary_point", *own), full[:, :, :, :, :, 0], {})
        arrays[name] = ((*CELLS, "boundary_point", "layer", *own), full[:, :, :, :, :, 1:], {})
    arrays["curvature_rms_input_theory"] = (CELLS[:-1], np.full((1, 1, 1), 0.5 * scale[0]), {})
    arrays["curvature_rms_theory"] = ((*CELLS[:-1], "layer"), 0.5 * scale[None, None, None, 1:], {})
    status = np.ones(shape[:-1], np.int8) if status is None else np.asarray(status, np.int8).reshape(shape[:-1])
    own = {"layer": layer[1:], "boundary_point": np.arange(5), "index": np.arange(2)}
    write_archive(path, "decision_boundary", SWEEP, arrays, own=own, status=status)
    return path


@pytest.mark.parametrize("networks", [1, 3])
def test_curvatures_of_both_signs_from_the_input_on(tmp_path, networks):
    figure, notes = draw(meander.open(boundary_archive(tmp_path / "a.h5", networks)), Request())
    (axes,) = figure.axes
    drawn = lines(axes, "measured")
    assert len(drawn) == 4
    np.testing.assert_array_equal(drawn[0].get_xdata(), [0, 1, 2, 3])
    np.testing.assert_allclose(drawn[0].get_ydata(), [2000, 200, 20, 2])
    np.testing.assert_allclose(drawn[2].get_ydata(), [-2000, -200, -20, -2])
    np.testing.assert_allclose(lines(axes, "theory")[0].get_ydata(), [500, 50, 5, 0.5])
    assert axes.get_yscale() == "symlog"
    assert "5 points" in notes[0]


def test_cells_that_failed_are_left_out_of_curvatures(tmp_path):
    _, notes = draw(meander.open(boundary_archive(tmp_path / "a.h5", 3, [1, FAILED, 1])), Request())
    assert any("1 of 3" in note for note in notes)


def test_one_array_of_curvatures_against_layer(tmp_path):
    figure, _ = draw(meander.open(boundary_archive(tmp_path / "a.h5")), Request(arrays=("curvature_largest",)))
    np.testing.assert_allclose(lines(figure.axes[0], "measured")[0].get_ydata(), [200, 20, 2])


def wide_archive(path, sweep, depths, widths, activities=True):
    """Errors that say which network they belong to: frequency / (100 depth) + width / 10^6."""
    shape = [len(values) for values in sweep.values()]
    depth, width = (np.asarray(values).reshape(shape) for values in (depths, widths))
    frequency = np.arange(1, 5)
    errors = (frequency / (100.0 * depth[..., None]) + width[..., None] / 1e6)[..., None, :, None] * np.ones((2, 1, 2))
    cells = (*sweep, "realization")
    layer = np.arange(1, max(depths) + 1)
    length = np.where(layer < depth[..., None], 10.0 ** layer, np.nan)
    arrays = {
        "angular_error": ((*cells, "frequency", "phase"), errors, {}),
        "mean_angular_error": (cells, errors.mean((-1, -2)), {}),
        "length": ((*cells, "layer"), np.repeat(length[..., None, :], 2, -2), {}),
        "length_theory": ((*sweep, "layer"), length, {}),
        "shallow_bound": (cells, np.repeat(np.where(depth == 2, 4.0 * width, np.nan)[..., None], 2, -1), {}),
    }
    own = {"layer": layer, "frequency": frequency, "phase": ["sine", "cosine"]}
    if activities:
        arrays["activity"] = ((*cells, "neuron", "angle"), np.ones((*shape, 2, 3, 7)), {})
        own |= {"neuron": np.arange(3), "angle": np.linspace(0, np.pi, 7)}
    write_archive(path, "deep_versus_wide", sweep, arrays, own=own, status=np.ones((*shape, 2), np.int8))
    return path


def heats(figure):
    return [axes for axes in figure.axes if axes.get_ylabel() in ("depth", "width") and axes.collections]


def test_depth_and_width_side_by_side(tmp_path):
    sweep = {"width": [50, 80], "depth": [1, 2, 4]}
    path = wide_archive(tmp_path / "a.h5", sweep, [1, 2, 4] * 2, [50] * 3 + [80] * 3)
    figure, _ = draw(meander.open(path), Request())
    deep, wide = heats(figure)
    assert [tick.get_text() for tick in deep.get_yticklabels()] == ["1", "2", "4"]
    assert [tick.get_text() for tick in wide.get_yticklabels()] == ["50", "80"]
    table = np.asarray(deep.collections[0].get_array()).reshape(3, 4)
    np.testing.assert_allclose(table[2], np.arange(1, 5) / 400 + 80e-6)
    (lengths,) = [axes for axes in figure.axes if axes.get_xlabel() == "hidden neurons"]
    (bound,) = lines(lengths, "bound")
    np.testing.assert_allclose(bound.get_ydata(), [200, 320])
    assert len([axes for axes in figure.axes if axes.get_title(loc="left").startswith("depth ")]) == 3


def test_widths_layer_by_layer_and_no_activities(tmp_path):
    sweep = {"widths": ["[5]", "[50, 5]", "[50, 50, 5]"]}
    path = wide_archive(tmp_path / "a.h5", sweep, [1, 2, 3], [5, 50, 50], activities=False)
    figure, _ = draw(meander.open(path), Request())
    deep, wide = heats(figure)
    assert [tick.get_text() for tick in deep.get_yticklabels()] == ["1", "2", "3"]
    assert [tick.get_text() for tick in wide.get_yticklabels()] == ["50"]


def test_nothing_finished_is_said(tmp_path):
    path = boundary_archive(tmp_path / "a.h5", 2, [1, FAILED])
    with pytest.raises(ArchiveError):
        draw(meander.open(path), Request(select=(("realization", "1"),)))

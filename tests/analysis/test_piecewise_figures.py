"""Figures of `dichotomies` and `regions_2d`: which values lie where, and which pictures a study suggests."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import meander
from conftest import MISSING_INTEGER, write_archive
from meander.archive import FAILED, ArchiveError
from meander.figures import Request, draw


def lines(axes, kind):
    return [line for line in axes.get_lines() if line.get_gid() == kind]


def figure_of(path, *arrays, **request):
    return draw(meander.open(path), Request(arrays=arrays, **request))


def dichotomies_archive(path, sweep, swept, realizations=4, edit=None):
    """Labelings 3 * 2^(layers from the swept one on), the same in every network but for a factor."""
    shape = [len(values) for values in sweep.values()]
    depth = np.asarray(sweep["depth"]).reshape([-1 if key == "depth" else 1 for key in sweep])
    remaining = (np.broadcast_to(depth, shape)[..., None] - np.asarray(swept) + 1)[..., None, :]
    networks = np.array([1, 1, 3, 3][:realizations]).reshape(-1, 1)
    counts = np.where(remaining > 0, 3 * 2 ** np.maximum(remaining, 0) * networks, MISSING_INTEGER).astype(np.int64)
    status = np.ones(counts.shape[:-1], np.int8)
    cells = (*sweep, "realization", "swept_layer")
    flips = np.where(counts > 0, 2 * counts, MISSING_INTEGER)
    arrays = {
        "dichotomies": (cells, counts, {"long_name": "distinct labelings"}),
        "label_flips": (cells, flips, {"long_name": "label flips"}),
        "random_walk": (cells, np.where(counts > 0, 1.5 * counts, np.nan), {}),
        "all_labelings": (cells[:-1], np.full(status.shape, 32768.0), {}),
    }
    if edit:
        edit(arrays, status)
    write_archive(path, "dichotomies", sweep, arrays, own={"swept_layer": np.asarray(swept)}, status=status)
    return path


def test_one_swept_layer_is_drawn_against_depth_with_the_cap(tmp_path):
    path = dichotomies_archive(tmp_path / "a.h5", {"width": [50, 100], "depth": [1, 2, 4], "sigma_w": [2.8]}, [1])
    figure, notes = figure_of(path)
    (axes,) = figure.axes
    assert [line.get_label() for line in lines(axes, "measured")] == ["50", "100"]
    for line in lines(axes, "measured"):
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 4])
        np.testing.assert_allclose(line.get_ydata(), 6 * 2.0 ** np.array([1, 2, 4]))
    assert all((line.get_ydata() == 32768).all() for line in lines(axes, "bound")) and lines(axes, "bound")
    assert axes.get_xlabel() == "depth"
    assert notes[0].startswith("Means over 4 networks")
    figure, _ = figure_of(path, against="width", select=(("depth", "1"), ("depth", "4")))
    assert [line.get_label() for line in lines(figure.axes[0], "measured")] == ["1", "4"]
    np.testing.assert_array_equal(lines(figure.axes[0], "measured")[0].get_xdata(), [50, 100])
    np.testing.assert_allclose(lines(figure.axes[0], "measured")[1].get_ydata(), [96, 96])
    figure, _ = figure_of(path, against="swept_layer", select=(("width", "50"),))
    np.testing.assert_array_equal(lines(figure.axes[0], "measured")[0].get_xdata(), [1])


def test_all_layers_swept_meet_at_their_remaining_depth(tmp_path):
    path = dichotomies_archive(tmp_path / "a.h5", {"width": [128], "depth": [2, 4]}, [1, 2, 3, 4])
    figure, _ = figure_of(path)
    (axes,) = figure.axes
    assert axes.get_xlabel() == "remaining depth [layers]"
    short, long = lines(axes, "measured")
    assert [short.get_label(), long.get_label()] == ["2", "4"]
    np.testing.assert_allclose(long.get_ydata(), 6 * 2.0 ** np.arange(1, 5))
    np.testing.assert_allclose(short.get_ydata()[:2], long.get_ydata()[:2])
    assert np.isnan(short.get_ydata()[2:]).all()


def test_flips_with_the_walk_dashed(tmp_path):
    path = dichotomies_archive(tmp_path / "a.h5", {"width": [128], "depth": [4], "sigma_w": [1.4, 2.8]}, [1, 2, 3, 4])
    figure, notes = figure_of(path)
    (axes,) = figure.axes
    assert axes.get_xscale() == axes.get_yscale() == "log"
    for line in lines(axes, "measured"):
        np.testing.assert_allclose(line.get_xdata(), 2 * line.get_ydata())
        assert (np.diff(line.get_xdata()) > 0).all()
        assert line.get_linestyle() == "None"
    for walk, line in zip(lines(axes, "theory"), lines(axes, "measured"), strict=True):
        np.testing.assert_allclose(walk.get_ydata(), 1.5 * line.get_ydata())
    assert any("random walk" in note for note in notes)


def test_failed_networks_are_left_out(tmp_path):
    def edit(arrays, status):
        status[..., 2:] = FAILED

    path = dichotomies_archive(tmp_path / "a.h5", {"width": [128], "depth": [1, 2]}, [1], edit=edit)
    figure, notes = figure_of(path)
    np.testing.assert_allclose(lines(figure.axes[0], "measured")[0].get_ydata(), [6, 12])
    assert any("4 of 8 cells are left out (4 failed)" in note for note in notes)


def regions_archive(path, sweep, edges=True, realizations=1):
    """In every cell of the sweep the square's two diagonals by layer 1 and, in the i-th, i + 1 lines by layer 2."""
    shape = (*[len(values) for values in sweep.values()], realizations)
    cells = np.array([[4, 4 + i + 1] for i in range(int(np.prod(shape)))]).reshape(*shape, 2)
    rows, counts = [], []
    for i in range(int(np.prod(shape))):
        mine = [(-1, -1, 1, 1, 1), (-1, 1, 1, -1, 1)] + [(0.1 * k, -1, 0.1 * k, 1, 2) for k in range(i + 1)]
        rows += mine
        counts.append(len(mine))
    names = (*sweep, "realization")
    arrays = {"cells": ((*names, "layer"), cells.astype(np.int64), {"long_name": "linear regions"}),
              "cells_bound": ((*names, "layer"), 10.0 * cells, {})}
    own = {"layer": np.arange(1, 3)}
    if edges:
        table = np.array(rows, float)
        own["edge"] = np.arange(len(rows))
        for k, name in enumerate(("edge_s0", "edge_t0", "edge_s1", "edge_t1")):
            arrays[name] = (("edge",), table[:, k], {})
        arrays["edge_layer"] = (("edge",), table[:, 4].astype(np.int64), {})
        arrays["edge_count"] = (names, np.array(counts).reshape(shape).astype(np.int64), {})
    study = 'measure = "regions_2d"\n[regions_2d]\nrange = [-1.5, 1.0]\n'
    write_archive(path, "regions_2d", sweep, arrays, own=own, status=np.ones(shape, np.int8), attributes={"study": study})
    return path


def segments(axes, layer):
    (found,) = [c for c in axes.collections if c.get_gid() == f"layer {layer}"]
    return found.get_segments()


def test_one_cell_is_drawn_layer_by_layer(tmp_path):
    figure, notes = figure_of(regions_archive(tmp_path / "a.h5", {"width": [4]}))
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["layer 1: 4 regions", "layers 1 to 2: 5 regions"]
    assert [len(segments(axes, 1)) for axes in figure.axes] == [2, 2]
    assert all(axes.get_xlim() == axes.get_ylim() == (-1.5, 1.0) for axes in figure.axes)
    assert [len(segments(axes, 2)) for axes in figure.axes] == [0, 1]
    np.testing.assert_array_equal(segments(figure.axes[1], 2)[0], [[0, -1], [0, 1]])
    colours = [tuple(c.get_colors()[0]) for c in figure.axes[1].collections]
    assert len(set(colours)) == 2
    assert notes[0].startswith("Boundaries between linear regions")


def test_several_cells_are_panels_with_their_own_boundaries(tmp_path):
    path = regions_archive(tmp_path / "a.h5", {"width": [4, 8]}, realizations=2)
    figure, _ = figure_of(path)
    assert [len(segments(axes, 2)) for axes in figure.axes] == [1, 2, 3, 4]
    assert figure.axes[3].get_title(loc="left") == "width = 8, network 1: 8 regions"
    figure, _ = figure_of(path, select=(("width", "8"),))
    assert [len(segments(axes, 2)) for axes in figure.axes] == [3, 4]
    figure, notes = figure_of(path, max_panels=3)
    assert len(figure.axes) == 3
    assert any("3 of 4 panels are drawn" in note for note in notes)


def test_long_titles_touch_no_other_panel(tmp_path):
    sweep = {"width": [4, 8], "sigma_w": [1.4142135, 2.0], "activation": ["hard_tanh", "relu"]}
    figure, _ = figure_of(regions_archive(tmp_path / "a.h5", sweep))
    FigureCanvasAgg(figure).draw()
    boxes = [axes._left_title.get_window_extent() for axes in figure.axes]
    assert len(boxes) == 8
    for i, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[i + 1:])
        assert not any(box.overlaps(axes.get_window_extent()) for axes in figure.axes)


def test_equal_neurons_are_drawn_against_depth(tmp_path):
    path = regions_archive(tmp_path / "a.h5", {"widths": ["[4, 4]", "[8]"]}, edges=False)
    with pytest.raises(ArchiveError, match="no such array"):
        figure_of(path, "edges")
    figure, _ = figure_of(path)
    (axes,) = figure.axes
    (line,) = lines(axes, "measured")
    np.testing.assert_array_equal(line.get_xdata(), [1, 2])
    np.testing.assert_array_equal(line.get_ydata(), [4, 5])  # layer 1 of [8], layer 2 of [4, 4]
    np.testing.assert_array_equal(lines(axes, "bound")[0].get_ydata(), [40, 50])


def test_cells_against_layer(tmp_path):
    figure, _ = figure_of(regions_archive(tmp_path / "a.h5", {"width": [4, 8]}), "cells")
    np.testing.assert_array_equal(lines(figure.axes[0], "measured")[1].get_ydata(), [4, 6])

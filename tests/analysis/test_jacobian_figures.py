"""Figures of `jacobian_spectrum`: spectra with theory, edge and atoms, and the fraction near 1 against depth."""

import numpy as np
import pytest

import meander
from conftest import write_archive
from meander.archive import ArchiveError
from meander.figures import Request, draw


def spectra(path, depths):
    sweep = {"width": [100], "depth": list(depths)}
    cells = ("width", "depth", "realization")
    density = np.tile([0.5, 0.25, 0.125, 0.0], (1, len(depths), 2, 1))
    shape = (1, len(depths))
    fraction = np.broadcast_to(1.0 / np.array(depths)[None, :, None, None], (1, len(depths), 2, 1))
    arrays = {
        "density": ((*cells, "bin"), density, {}),
        "fraction_near_one": ((*cells, "eps"), fraction.copy(), {}),
        "lambda": (("width", "depth", "bin"), np.tile([0.5, 1.5, 2.5, 3.5], (*shape, 1)), {}),
        "density_theory": (("width", "depth", "bin"), np.tile([0.4, 0.3, 0.1, np.nan], (*shape, 1)), {}),
        "fraction_near_one_theory": (("width", "depth", "eps"), fraction[:, :, 0].copy(), {}),
        "lambda_max_theory": (("width", "depth"), np.full(shape, 3.0), {}),
        "zero_weight_theory": (("width", "depth"), np.full(shape, 0.25), {}),
        "atom_theory": (("width", "depth"), np.full(shape, 2.9), {}),
        "atom_weight_theory": (("width", "depth"), np.full(shape, 0.125), {}),
        "theory_valid": (("width", "depth"), np.ones(shape, np.int8), {}),
    }
    write_archive(path, "jacobian_spectrum", sweep, arrays, own={"eps": np.array([0.1]), "bin": np.arange(4)},
                  status=np.ones((1, len(depths), 2), np.int8))
    return path


def test_spectra_show_theory_edge_and_atoms(tmp_path):
    figure, notes = draw(meander.open(spectra(tmp_path / "a.h5", [2, 4])), Request())
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["depth = 2", "depth = 4"]
    for axes in figure.axes:
        lines = {line.get_gid(): line for line in axes.get_lines()}
        np.testing.assert_allclose(lines["theory"].get_ydata()[:3], [0.4, 0.3, 0.1])
        assert lines["edge"].get_xdata()[0] == 3.0
        assert {line.get_xdata()[0] for line in axes.get_lines() if line.get_gid() == "atom"} == {2.9, 0.0}
        assert {text.get_text().strip() for text in axes.texts} == {"0.12", "0.25"}
    assert notes[0].startswith("Histograms over 2 networks")


def test_several_depths_show_the_fraction_near_one(tmp_path):
    path = spectra(tmp_path / "a.h5", [2, 4, 8])
    figure, notes = draw(meander.open(path), Request())
    line = next(line for line in figure.axes[0].get_lines() if line.get_gid() == "measured")
    np.testing.assert_allclose(line.get_ydata(), [0.5, 0.25, 0.125])
    assert any("0.1" in note for note in notes)
    with pytest.raises(ArchiveError, match="spectrum"):
        draw(meander.open(path), Request(arrays=("density",)))

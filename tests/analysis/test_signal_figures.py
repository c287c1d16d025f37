"""Depth scales fitted to made-up networks of known rate, and the pictures of both measures."""

import numpy as np
import pytest
import xarray as xr

import meander
from meander.figures import Request, draw


def made_up(xi=8.0, star=0.3, networks=40, depth=60, noise=0.01, starts=(0.5,)):
    """c = star + (0.5 - star) exp(-l / xi) and noise that is alike in neighbouring layers, as in a network."""
    rng = np.random.default_rng(3)
    layer = np.arange(1, depth + 1)
    sigma_w = np.array([1.0, 1.5, 2.0, 2.5, 3.0])
    theory = np.array([[star + (c0 - star) * np.exp(-(layer - 1) / xi) for c0 in starts] for _ in sigma_w])
    drift = rng.normal(size=(len(sigma_w), len(starts), networks, depth))
    for i in range(1, depth):
        drift[..., i] = 0.7 * drift[..., i - 1] + np.sqrt(1 - 0.7**2) * drift[..., i]
    measured = theory[:, :, None] + noise * drift * (np.abs(1 - theory[:, :, None]) if star == 1 else 1)
    cell = ("sigma_w", "c0")
    one = np.ones((len(sigma_w), len(starts)))
    arrays = {"c": ((*cell, "realization", "layer"), measured), "c_theory": ((*cell, "layer"), theory),
              "q": ((*cell, "realization", "layer"), np.ones_like(measured)), "q_theory": ((*cell, "layer"), np.ones_like(theory)),
              "status": ((*cell, "realization"), np.ones(measured.shape[:3], "int8")),
              "c_star": (cell, star * one), "xi_c": (cell, xi * one), "q_star": (cell, one), "xi_q": (cell, one)}
    return xr.Dataset(arrays, coords={"sigma_w": sigma_w, "c0": list(starts), "layer": layer},
                      attrs={"measure": "signal_propagation", "title": "made up"})


@pytest.mark.parametrize("star", [0.3, 1.0])
def test_depth_scale_is_found(star):
    found = meander.depth_scales(made_up(star=star, starts=(0.5,)))
    assert (found.xi_theory == 8.0).all()
    # Exact exponentials: what the estimator makes of theory is the rate itself, but for the search's grid.
    np.testing.assert_allclose(found.xi_same_fit, 8.0, rtol=2e-3)
    # Five independent points: at most one outside its 95 % interval is expected in 19 of 20 sets of five.
    inside = (found.xi_low <= 8.0) & (8.0 <= found.xi_high)
    assert inside.sum() >= 4
    assert ((found.xi_high - found.xi_low) > 0).all()


def test_depth_scale_needs_layers_near_the_fixed_point():
    data = made_up().isel(layer=slice(0, 4))
    assert meander.depth_scales(data).xi.isnull().all()
    with pytest.raises(ValueError, match="two realizations"):
        meander.depth_scales(made_up(networks=1))
    with pytest.raises(ValueError, match="no depth scale"):
        meander.depth_scales(made_up().drop_vars("c_star"))


def test_open_intervals_of_depth_scales_end_at_the_frame():
    data = made_up(networks=3, noise=0.2)
    found = meander.depth_scales(data)
    assert np.isinf(found.xi_high).any() and (found.xi_low == 0).any()
    figure, notes = draw(data, Request())
    low, high = figure.axes[0].get_ylim()
    assert 0 < low < 8.0 < high < 1e4
    assert "open where they end at the frame" in notes[0]
    figure.canvas.draw()


def test_pictures_hold_points_and_theory():
    scales, _ = draw(made_up(), Request())
    assert len(scales.axes) == 2 and "depth scale" in scales.axes[0].get_ylabel()
    maps, _ = draw(made_up(starts=(0.2, 0.4, 0.6, 0.8)), Request())
    lines = [line for line in maps.axes[0].get_lines() if line.get_gid() == "theory"]
    assert len(lines) == 5  # one a sigma_w
    curves, notes = draw(made_up(), Request(arrays=("c",)))
    assert curves.axes and notes

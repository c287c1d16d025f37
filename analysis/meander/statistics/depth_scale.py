"""Depth scales fitted to simulated networks: how many layers until lengths and correlations forget their start."""

from __future__ import annotations

import numpy as np
import xarray as xr

from meander import archive
from meander.statistics.intervals import REALIZATION

NEAR = {"c": 0.15, "q": 0.15}  # of the fixed point (for q: relative), where an approach counts as exponential
NEAR_ONE = 0.05  # the same where c tends to 1: the correlation map bends more there
GRID = np.exp(np.linspace(np.log(0.2), np.log(2000.0), 1200))


def depth_scales(dataset: xr.Dataset, array: str = "c", resamples: int = 500, level: float = 0.95,
                 seed: int = 0) -> xr.Dataset:
    """Fits mean over networks of `c` (or `q`) = a + b exp(-layer / xi) and gives xi with its interval.

    `xi`, `xi_low` and `xi_high` (bootstrap over realizations, percentiles), `xi_same_fit`: the same estimator applied to
    the archive's theory curve, which shows what the estimator itself does, and `xi_theory`, the archive's xi_c or xi_q.
    Layers enter from the one at which theory is near the fixed point on, weighted by their standard errors; the
    asymptote a is fitted, but 1 where theory's c* is. NaN where fewer than five layers are near it, and where the best xi
    lies at the end of the search (0.2 to 2000 layers), for the mean or for one bootstrap draw in twenty: the layers do not
    tell the scale then. Networks, not layers, are resampled: layers are not independent.
    """
    if array not in NEAR or f"{array}_star" not in dataset:
        raise ValueError(f"no depth scale of `{array}` (there are those of c and q, in archives of signal_propagation)")
    values = archive.usable(dataset, array)
    if REALIZATION not in values.dims or values.sizes[REALIZATION] < 2:
        raise ValueError("a fitted depth scale needs two realizations or more")
    star, theory = dataset[f"{array}_star"], dataset[f"{array}_theory"]
    if REALIZATION in theory.dims:
        star, theory = star.mean(REALIZATION), theory.mean(REALIZATION)
    dims = [dim for dim in values.dims if dim not in (REALIZATION, "layer")]
    stacked = values.transpose(*dims, REALIZATION, "layer").values
    curves, stars = theory.transpose(*dims, "layer").values, star.transpose(*dims).values
    weights = np.random.default_rng(seed).multinomial(stacked.shape[-2], np.full(stacked.shape[-2], 1.0 / stacked.shape[-2]),
                                                      size=resamples) / stacked.shape[-2]
    names = ("xi", "xi_low", "xi_high", "xi_same_fit")
    found = {name: np.full(stacked.shape[:-2], np.nan) for name in names}
    tails = 50 * (1 - level), 50 * (1 + level)
    for at in np.ndindex(stacked.shape[:-2]):
        fitted = _fit(stacked[at], curves[at], float(stars[at]), dataset["layer"].values, weights, array)
        if fitted is None:
            continue
        xi, drawn, found["xi_same_fit"][at] = fitted
        if np.isfinite(xi) and np.isfinite(drawn).mean() > 0.95:
            found["xi"][at] = xi
            found["xi_low"][at], found["xi_high"][at] = np.nanpercentile(drawn, tails)
    result = xr.Dataset({name: (dims, value) for name, value in found.items()},
                        coords={name: value for name, value in values.coords.items()
                                if REALIZATION not in value.dims and "layer" not in value.dims})
    result["xi_theory"] = dataset[f"xi_{array}"] if REALIZATION not in dataset[f"xi_{array}"].dims else \
        dataset[f"xi_{array}"].mean(REALIZATION)
    return result


def _fit(networks, theory, star, layers, weights, array):
    """The estimate, its bootstrap draws and the estimate from theory; None where there is too little to fit."""
    distance = np.abs(theory - star) / (star if array == "q" else 1.0)
    to_one = array == "c" and star > 1 - 1e-9
    near = distance <= (NEAR_ONE if to_one else NEAR[array])
    if not np.isfinite(star) or not near.any():
        return None
    window = slice(int(np.argmax(near)), None)
    values = networks[:, window]
    good = np.isfinite(values).all(0)
    values, layers, theory = values[:, good], layers[window][good].astype(float), theory[window][good]
    error = values.std(0, ddof=1) / np.sqrt(len(values))
    if len(layers) < 5 or not (error > 0).all():
        return None
    decay = np.exp(-(layers - layers[0]) / GRID[:, None]) / error  # (xi, layer)
    flat = np.zeros_like(error) if to_one else 1.0 / error
    flat = flat / max(np.linalg.norm(flat), 1e-300)
    decay = decay - np.outer(decay @ flat, flat)  # what is left after the asymptote
    decay /= np.linalg.norm(decay, axis=1)[:, None]
    shift = 1.0 if to_one else 0.0
    estimate = lambda mean: _best(decay, flat, (mean - shift) / error)  # noqa: E731
    samples = weights @ values
    return estimate(values.mean(0)[None])[0], estimate(samples), estimate(theory[None])[0]


def _best(decay, flat, scaled):
    """xi of the smallest sum of squares for each row of `scaled`, between the grid's points by a parabola."""
    explained = ((scaled - np.outer(scaled @ flat, flat)) @ decay.T) ** 2  # (row, xi)
    best = explained.argmax(1)
    inside = (best > 0) & (best < len(GRID) - 1)
    k = np.clip(best, 1, len(GRID) - 2)
    rows = np.arange(len(k))
    left, middle, right = explained[rows, k - 1], explained[rows, k], explained[rows, k + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        offset = np.nan_to_num(0.5 * (left - right) / (left - 2 * middle + right))
    step = np.log(GRID[1] / GRID[0])
    return np.where(inside, GRID[k] * np.exp(offset * step), np.nan)

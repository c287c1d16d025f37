"""Depth scales fitted to simulated networks: how many layers until lengths and correlations forget their start."""

from __future__ import annotations

import functools

import numpy as np
import xarray as xr

from meander import archive
from meander.statistics.intervals import REALIZATION, note_unused, student_factor

NEAR = {"c": 0.15, "q": 0.15}  # of the fixed point (for q: relative), where an approach counts as exponential
NEAR_ONE = 0.05  # the same where c tends to 1: the correlation map bends more there
SMALLEST = 1e-6  # distances from 1 are weighed as if they were no smaller: single precision's rounding
GRID = np.exp(np.linspace(np.log(0.2), np.log(2000.0), 1200))


def depth_scales(dataset: xr.Dataset, array: str = "c", resamples: int | None = None, level: float = 0.95,
                 seed: int | None = None) -> xr.Dataset:
    """Fits mean over networks of `c` (or `q`) = a + b exp(-layer / xi) and gives xi with its interval.

    `xi`, `xi_low` and `xi_high` (Student's t over realizations), `xi_same_fit`: the same estimator applied to the
    archive's theory curve, which shows what the estimator itself does (the interval is one for what the estimator makes of
    the mean over all networks), and `xi_theory`, the archive's xi_c or xi_q. Layers enter from the one at which theory is
    near the fixed point on. They weigh the same where a is fitted, and by 1 / (1 - c of theory) where theory's c* is 1 and
    so is a: there the networks' scatter shrinks as c approaches 1. (Weights estimated from a few networks would make
    intervals too short.)

    The interval holds every xi that the networks do not contradict: at the true xi the one combination of a network's
    layers that the fit sets to zero has mean zero, and Student's t tests that (an inversion of the test, as Fieller's of a
    ratio; layers need not be independent, and two networks suffice). `xi_low` is 0 and `xi_high` infinite where the search
    (0.2 to 2000 layers) ends before the networks contradict; `xi` is NaN where the best value lies at an end of it. All
    are NaN where fewer than five layers are near the fixed point. (`resamples` and `seed` are not used.)
    """
    note_unused(resamples, seed)
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
    names = ("xi", "xi_low", "xi_high", "xi_same_fit")
    found = {name: np.full(stacked.shape[:-2], np.nan) for name in names}
    for at in np.ndindex(stacked.shape[:-2]):
        fitted = _fit(stacked[at], curves[at], float(stars[at]), dataset["layer"].values, array, level)
        for name, value in zip(names, fitted or ()):
            found[name][at] = value
    result = xr.Dataset({name: (dims, value) for name, value in found.items()},
                        coords={name: value for name, value in values.coords.items()
                                if REALIZATION not in value.dims and "layer" not in value.dims},
                        attrs={"array": array, "level": level})
    result["xi_theory"] = dataset[f"xi_{array}"] if REALIZATION not in dataset[f"xi_{array}"].dims else \
        dataset[f"xi_{array}"].mean(REALIZATION)
    return result


def _fit(networks, theory, star, layers, array, level):
    """The estimate, its interval's ends and the estimate from theory; None where there is too little to fit."""
    distance = np.abs(theory - star) / (star if array == "q" else 1.0)
    to_one = array == "c" and star > 1 - 1e-9
    near = distance <= (NEAR_ONE if to_one else NEAR[array])
    if not np.isfinite(star) or not near.any():
        return None
    window = slice(int(np.argmax(near)), None)
    values = networks[:, window]
    values = values[np.isfinite(values).any(1)]
    good = np.isfinite(values).all(0) & np.isfinite(theory[window])
    if good.sum() < 5 or len(values) < 2:
        return None
    values, layers, theory = values[:, good], layers[window][good].astype(float), theory[window][good]
    shift = 1.0 if to_one else 0.0
    error = np.sqrt(np.maximum(1.0 - theory, SMALLEST)) if to_one else np.ones_like(theory)
    decay, score = _combinations(tuple(layers - layers[0]), tuple(error), not to_one)
    estimate = lambda mean: _best(decay, (mean - shift) / error)  # noqa: E731
    return estimate(values.mean(0)), *_ends(((values - shift) / error) @ score.T, level), estimate(theory)


@functools.lru_cache(maxsize=4)  # many cells of a sweep share them
def _combinations(steps, error, asymptote):
    """Unit vectors over the layers for each xi of the grid: the exponential, less its part along the asymptote, and the
    direction in which it moves with xi, less its parts along both: whatever a and b are, the fit's equation for xi says
    that the mean's component along it is zero."""
    steps, error = np.array(steps), np.array(error)
    decay = np.exp(-steps / GRID[:, None])
    vectors = [np.broadcast_to(1.0 / error, decay.shape)] if asymptote else []
    vectors += [decay / error, steps * decay / error]
    found = []
    for vector in vectors:
        for _ in range(2):  # twice is enough (Kahan)
            for other in found:
                vector = vector - (vector * other).sum(1, keepdims=True) * other
        norm = np.linalg.norm(vector, axis=1, keepdims=True)
        found.append(vector / np.where(norm > 0, norm, 1.0))
    return found[-2], found[-1]


def _ends(scores, level):
    """Ends of the xi at which the networks' scores (network, xi) have a mean compatible with zero."""
    n = len(scores)
    mean, spread = scores.mean(0), scores.std(0, ddof=1) / np.sqrt(n)
    kept = np.abs(mean) <= student_factor(n, level) * spread
    passes = np.flatnonzero(mean[1:] * mean[:-1] < 0)  # zero, between two of the grid
    kept[passes] = kept[passes + 1] = True
    kept = np.flatnonzero(kept)
    if kept.size == 0:
        return np.nan, np.nan
    first, last = kept[0], kept[-1]
    step = np.sqrt(GRID[1] / GRID[0])
    return (GRID[first] / step if first > 0 else 0.0), (GRID[last] * step if last < len(GRID) - 1 else np.inf)


def _best(decay, scaled):
    """xi of the smallest sum of squares, between the grid's points by a parabola; NaN at the grid's ends."""
    explained = (decay @ scaled) ** 2
    best = int(explained.argmax())
    if not 0 < best < len(GRID) - 1:
        return np.nan
    left, middle, right = explained[best - 1:best + 2]
    bend = left - 2 * middle + right
    offset = 0.5 * (left - right) / bend if bend != 0 else 0.0
    return GRID[best] * (GRID[1] / GRID[0]) ** offset

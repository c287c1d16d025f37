"""Intervals over realizations: Student's t of a mean, and what a bootstrap of any function of means needs."""

from __future__ import annotations

import numpy as np
import scipy.stats
import xarray as xr

REALIZATION = "realization"


def mean_interval(array: xr.DataArray, level: float = 0.95) -> xr.Dataset:
    """`mean` over realizations, its Student-t interval `low`..`high`, its standard `error`, and `count`.

    NaN is left out; with fewer than two values there is no interval (NaN). Without the dimension
    `realization` the array itself is the mean.
    """
    if REALIZATION not in array.dims:
        nothing = xr.full_like(array, np.nan)
        return xr.Dataset({"mean": array, "low": nothing, "high": nothing, "error": nothing,
                           "count": array.notnull().astype(int)})
    count = array.notnull().sum(REALIZATION)
    mean = array.mean(REALIZATION, skipna=True)
    several = count.where(count > 1)
    deviation = (array - mean) ** 2
    error = np.sqrt(deviation.sum(REALIZATION) / (several - 1) / several)
    half = error * scipy.stats.t.ppf(0.5 + level / 2, several - 1)
    return xr.Dataset({"mean": mean, "low": mean - half, "high": mean + half, "error": error, "count": count})


def resampled_means(values: np.ndarray, resamples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Means over axis 0 (networks), and as many bootstrap means as `resamples` along a new axis 0.

    NaN is left out of each. One matrix product draws for the whole sweep: its cells are resampled together.
    """
    n = values.shape[0]
    flat = values.reshape(n, -1)
    present = np.isfinite(flat)
    filled = np.where(present, flat, 0.0)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), size=resamples).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = filled.sum(0) / present.sum(0)
        samples = (weights @ filled) / (weights @ present)
    return means.reshape(values.shape[1:]), samples.reshape(resamples, *values.shape[1:])


def expanded_percentiles(samples: np.ndarray, n: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper percentile of axis 0 of bootstrap draws from `n` networks; NaN where n < 2.

    They are pushed out so that a mean of n normal values is covered as by Student's t: Hesterberg (2015), "What teachers
    should know about the bootstrap", section 5. `n` is one number, or one for each of the other axes' entries.
    """
    shape = samples.shape[1:]
    low, high = np.full(shape, np.nan), np.full(shape, np.nan)
    n = np.broadcast_to(n, shape)
    for count in np.unique(n[n > 1]):
        tail = scipy.stats.norm.cdf(-np.sqrt(count / (count - 1)) * scipy.stats.t.ppf(0.5 + level / 2, count - 1))
        here = n == count
        drawn = np.moveaxis(samples, 0, -1)[here]
        some = np.isfinite(drawn).any(-1)
        limits = np.full((2, len(drawn)), np.nan)
        limits[:, some] = np.nanpercentile(drawn[some], [100 * tail, 100 * (1 - tail)], axis=-1)
        low[here], high[here] = limits
    return low, high

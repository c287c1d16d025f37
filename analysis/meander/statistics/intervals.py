"""Intervals over realizations: Student's t of a mean, and of any smooth function of means by a jackknife."""

from __future__ import annotations

import warnings

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


def note_unused(resamples, seed):
    """Scripts written for the bootstrap that was here go on: nothing is drawn now, and they are told."""
    if resamples is not None or seed is not None:
        warnings.warn("resamples and seed are not used any more (intervals are Student's t, nothing is drawn); leave them out",
                      DeprecationWarning, stacklevel=3)


def student_factor(count, level: float):
    """Standard errors between an estimate from `count` networks and either end of its interval; NaN below two networks."""
    freedom = np.asarray(count, float) - 1
    return scipy.stats.t.ppf(0.5 + level / 2, np.where(freedom > 0, freedom, np.nan))


def perturbed_means(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means over axis 0 (networks), the same means once more for each network, moved by what it contributes, and counts.

    Network i moves a mean m of n values by (m - x_i) / sqrt(n (n - 1)): leaving it out moves it sqrt(n / (n - 1)) times as
    far. So the squares of a function's changes add up to the square of its standard error (the jackknife's, which knows
    that one network's layers, widths and points belong together), whatever is missing where, and positive means stay
    positive. NaN is left out of each mean and moves nothing; where only one value is left every moved mean is NaN.
    """
    present = np.isfinite(values)
    count = present.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(present, values, 0.0).sum(0) / count
        step = np.where(present, mean - values, 0.0) / np.sqrt(count * (count - 1.0))
    return mean, mean + step, count


def jackknife_error(value: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """Standard error of a function of means: its value at the means, and at the moved ones along axis 0."""
    return np.sqrt(((moved - value) ** 2).sum(0))

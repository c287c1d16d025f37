"""Growth rates over layers and extrapolations in width, with intervals over realizations."""

from __future__ import annotations

import numpy as np
import xarray as xr

from meander import archive
from meander.statistics.intervals import REALIZATION, jackknife_error, note_unused, perturbed_means, student_factor


def growth_rates(dataset: xr.Dataset, array: str = "length", layers: tuple[int, int] | None = None,
                 level: float = 0.95, resamples: int | None = None, seed: int | None = None) -> xr.Dataset:
    """Growth factors per layer of `array`, with intervals over realizations and theory beside.

    `ratio(..., layer)` is the mean at a layer over the mean at the layer before (for `length`, layer 1
    is compared with `input_length`); `rate(...)` is exp of the least-squares slope of ln mean against
    layer over `layers` = (first, last), both included; all layers if left out. Each comes with `_low`
    and `_high`, and with `_theory` (NaN where there is none). Sweep dimensions are kept.

    The intervals are Student's t of the logarithm, its standard error a jackknife over realizations: layers
    of one network are not independent. They hold what they promise from two realizations on, as long as the
    networks scatter by up to half of their mean; where single networks outweigh the rest they cover less
    (0.90 where log-normal networks scatter by as much as their mean). With one realization they are NaN, and
    where a ratio's sign is not the same whichever network is weighed less. (`resamples` and `seed` are not used.)
    """
    note_unused(resamples, seed)
    _require(dataset, array, "layer")
    chain, first = _chain(dataset, array, archive.usable(dataset, array))
    expected = archive.theory(dataset, array)
    positions = chain["layer"].values
    low, high = (layers if layers is not None else (max(first, 1), int(positions[-1])))
    window = (positions >= low) & (positions <= high)
    if window.sum() < 2:
        raise ValueError(f"layers {low} to {high} hold {window.sum()} of the layers {first} to {positions[-1]} "
                         "(a slope needs two)")

    def logarithms(values, sign):
        """ln |ratio|, where it has the sign given, and ln rate of means whose layers come last."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.log(sign * values[..., 1:] / values[..., :-1])
            logs = np.log(np.where(values[..., window] > 0, values[..., window], np.nan))
        centred = positions[window] - positions[window].mean()
        return ratio, logs @ centred / (centred @ centred)

    dims = [dim for dim in chain.dims if dim not in (REALIZATION, "layer")]
    means, moved, count = perturbed_means(chain.transpose(REALIZATION, *dims, "layer").values)
    counts = np.minimum(count[..., 1:], count[..., :-1]), count[..., window].min(-1)
    result = xr.Dataset(coords={name: value for name, value in chain.coords.items() if REALIZATION not in value.dims})
    result = result.isel(layer=slice(1, None))
    with np.errstate(divide="ignore", invalid="ignore"):
        sign = np.sign(means[..., 1:] / means[..., :-1])
    names = (("ratio", (*dims, "layer")), ("rate", tuple(dims)))
    for (name, named), value, draws, n, s in zip(names, logarithms(means, sign), logarithms(moved, sign), counts, (sign, 1.0)):
        half = student_factor(n, level) * jackknife_error(value, draws)
        ends = np.sort([s * np.exp(value - half), s * np.exp(value + half)], axis=0)
        result[name] = (named, s * np.exp(value), {"long_name": f"growth of {array} per layer", "units": "1"})
        result[f"{name}_low"], result[f"{name}_high"] = (named, ends[0]), (named, ends[1])
    if expected is not None:
        line = _broadcast(_chain(dataset, array, expected)[0].mean(REALIZATION), chain.isel({REALIZATION: 0}), (*dims, "layer"))
        with np.errstate(divide="ignore", invalid="ignore"):
            values = line[..., 1:] / line[..., :-1], np.exp(logarithms(line, 1.0)[1])
    else:
        values = (np.full(result["ratio"].shape, np.nan), np.full(result["rate"].shape, np.nan))
    for (name, named), value in zip(names, values):
        result[f"{name}_theory"] = (named, value)
    result.attrs = {"array": array, "first_layer": int(low), "last_layer": int(high), "level": level}
    return result


def width_extrapolation(dataset: xr.Dataset, array: str = "length", resamples: int | None = None, seed: int | None = None,
                        level: float = 0.95) -> xr.Dataset:
    """Fits mean / theory = intercept + a / width at every layer, each width weighted by itself.

    (The variance of measured / theory falls like 1 / width, so these weights are near the best, and they are
    known: weights estimated from a few networks make errors that are far too small.) Gives `intercept` and
    `slope` (the a), their standard errors `_error` from a jackknife over realizations (which knows that widths
    share their random numbers), Student-t intervals `_low`..`_high`, the number of networks `count`, and
    `intercept_covariance` over (layer, layer_other). A joint test of p layers is Hotelling's: the intercepts'
    squared distance from one in that covariance, times (n - p) / (p (n - 1)), against F(p, n - p), n = `count`.
    Needs two widths or more and two realizations or more; a layer's fit is over the widths that have values.
    (`resamples` and `seed` are not used.)
    """
    note_unused(resamples, seed)
    _require(dataset, array, "width")
    expected = archive.theory(dataset, array)
    if expected is None:
        raise ValueError(f"the archive holds no theory of `{array}`")
    measured = archive.usable(dataset, array)
    if REALIZATION not in measured.dims or measured.sizes[REALIZATION] < 2 or measured.sizes["width"] < 2:
        raise ValueError("an extrapolation in width needs two widths and two realizations")
    if REALIZATION in expected.dims:
        expected = expected.where(measured.notnull()).mean(REALIZATION)
    relative = measured / expected
    dims = [dim for dim in relative.dims if dim not in (REALIZATION, "width")]
    widths = relative["width"].values.astype(float)
    means, moved, count = perturbed_means(relative.transpose(REALIZATION, *dims, "width").values)
    usable = count > 1
    weight = np.where(usable, widths, 0.0)

    def fit(values):
        values = np.where(usable, values, 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            x_mean = (weight / widths).sum(-1) / weight.sum(-1)
            centred = 1.0 / widths - x_mean[..., None]
            slope = (weight * centred * values).sum(-1) / (weight * centred**2).sum(-1)
            # Of one width no line is told; rounding must not tell one.
            slope = np.where(usable.sum(-1) > 1, slope, np.nan)
            return (weight * values).sum(-1) / weight.sum(-1) - slope * x_mean, slope

    coords = {name: value for name, value in relative.coords.items()
              if REALIZATION not in value.dims and "width" not in value.dims}
    result = xr.Dataset(coords=coords, attrs={"array": array, "level": level})
    networks = np.where(usable, count, count.max(initial=0)).min(-1)
    draws = fit(moved)
    for name, value, drawn in zip(("intercept", "slope"), fit(means), draws):
        error = jackknife_error(value, drawn)
        half = student_factor(networks, level) * error
        for suffix, column in (("", value), ("_error", error), ("_low", value - half), ("_high", value + half)):
            result[name + suffix] = (dims, column)
    result["count"] = (dims, networks)
    if "layer" in dims:
        steps = np.moveaxis(draws[0] - result["intercept"].values, 1 + dims.index("layer"), -1)
        covariance = np.einsum("b...i,b...j->...ij", steps, steps)
        others = [dim for dim in dims if dim != "layer"]
        result["intercept_covariance"] = ((*others, "layer", "layer_other"), covariance)
    return result


def _require(dataset, array, dimension):
    if array not in dataset:
        raise ValueError(f"no array `{array}` (there are {', '.join(map(str, dataset.data_vars))})")
    if dimension not in dataset[array].dims:
        raise ValueError(f"`{array}` has no dimension `{dimension}` (it has {', '.join(map(str, dataset[array].dims))})")


def _chain(dataset, array, values):
    """The values with a layer 0 in front (the input's length for `length`, else NaN), and the first
    layer that means something."""
    start, first = xr.full_like(values.isel(layer=0), np.nan), 1
    if array == "length" and "input_length" in dataset:
        start, first = archive.usable(dataset, "input_length"), 0
    chain = xr.concat([start.assign_coords(layer=0), values], dim="layer", coords="minimal", compat="override")
    return chain if REALIZATION in chain.dims else chain.expand_dims(REALIZATION), first


def _broadcast(values, like, order):
    return xr.broadcast(values, like)[0].transpose(*order).values

"""Growth rates over layers and extrapolations in width, with intervals over realizations."""

from __future__ import annotations

import numpy as np
import xarray as xr

from meander import archive
from meander.statistics.intervals import REALIZATION, expanded_percentiles, mean_interval, resampled_means

SAMPLES_AT_ONCE = 20_000_000  # bootstrap means held in memory: 160 MB


def growth_rates(dataset: xr.Dataset, array: str = "length", layers: tuple[int, int] | None = None,
                 level: float = 0.95, resamples: int = 2000, seed: int = 0) -> xr.Dataset:
    """Growth factors per layer of `array`, with bootstrap intervals over realizations and theory beside.

    `ratio(..., layer)` is the mean at a layer over the mean at the layer before (for `length`, layer 1
    is compared with `input_length`); `rate(...)` is exp of the least-squares slope of ln mean against
    layer over `layers` = (first, last), both included; all layers if left out. Each comes with `_low`
    and `_high`, and with `_theory` (NaN where there is none). Sweep dimensions are kept.

    Realizations are resampled together for the whole sweep, because its cells share their random
    numbers. The intervals are percentile intervals, widened for few realizations as Hesterberg (2015),
    "What teachers should know about the bootstrap", section 5, does; with one realization they are NaN.
    """
    _require(dataset, array, "layer")
    chain, first = _chain(dataset, array, archive.usable(dataset, array))
    expected = archive.theory(dataset, array)
    positions = chain["layer"].values
    low, high = (layers if layers is not None else (max(first, 1), int(positions[-1])))
    window = (positions >= low) & (positions <= high)
    if window.sum() < 2:
        raise ValueError(f"layers {low} to {high} hold {window.sum()} of the layers {first} to {positions[-1]} "
                         "(a slope needs two)")

    def factors(values):  # layers last
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = values[..., 1:] / values[..., :-1]
            logs = np.log(np.where(values[..., window] > 0, values[..., window], np.nan))
        centred = positions[window] - positions[window].mean()
        return ratio, np.exp(logs @ centred / (centred @ centred))

    dims = [dim for dim in chain.dims if dim not in (REALIZATION, "layer")]
    ordered = chain.transpose(REALIZATION, *dims, "layer")
    shape = ordered.shape[1:-1]
    values = ordered.values.reshape(ordered.shape[0], -1, len(positions))
    pieces = []
    for points in np.array_split(np.arange(values.shape[1]), -(-values[0].size * resamples // SAMPLES_AT_ONCE)):
        means, samples = resampled_means(values[:, points], resamples, seed)
        count = np.isfinite(values[:, points]).any(-1).sum(0)
        for_each = zip(factors(means), factors(samples), (count[:, None], count))
        pieces.append([(value, *expanded_percentiles(drawn, n, level)) for value, drawn, n in for_each])
    result = xr.Dataset(coords={name: value for name, value in chain.coords.items() if REALIZATION not in value.dims})
    result = result.isel(layer=slice(1, None))
    names = (("ratio", (*dims, "layer")), ("rate", tuple(dims)))
    for i, (name, named) in enumerate(names):
        for j, suffix in enumerate(("", "_low", "_high")):
            joined = np.concatenate([piece[i][j] for piece in pieces])
            result[name + suffix] = (named, joined.reshape((*shape, *joined.shape[1:])))
        result[name].attrs = {"long_name": f"growth of {array} per layer", "units": "1"}
    if expected is not None:
        line = _chain(dataset, array, expected)[0].mean(REALIZATION)
        values = factors(_broadcast(line, chain.isel({REALIZATION: 0}), (*dims, "layer")))
    else:
        values = (np.full(result["ratio"].shape, np.nan), np.full(result["rate"].shape, np.nan))
    for (name, named), value in zip(names, values):
        result[f"{name}_theory"] = (named, value)
    result.attrs = {"array": array, "first_layer": int(low), "last_layer": int(high), "level": level,
                    "resamples": resamples, "seed": seed}
    return result


def width_extrapolation(dataset: xr.Dataset, array: str = "length", resamples: int = 2000,
                        seed: int = 0) -> xr.Dataset:
    """Fits mean / theory = intercept + a / width, weighted by the standard errors, at every layer.

    Gives `intercept`, `slope` (the a), their standard errors `_error` from the bootstrap over
    realizations (which knows that widths share their random numbers), and `intercept_covariance` over
    (layer, layer_other) for a joint test. Needs two widths or more and two realizations or more.
    """
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
    error = mean_interval(relative)["error"].transpose(*dims, "width").values
    with np.errstate(divide="ignore"):
        weight = np.where(error > 0, 1.0 / error, np.nan)
    design = 1.0 / relative["width"].values.astype(float)
    means, samples = resampled_means(relative.transpose(REALIZATION, *dims, "width").values, resamples, seed)

    def fit(values):
        square = np.where(np.isfinite(values * weight), weight**2, 0.0)
        total = square.sum(-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            x_mean = (square * design).sum(-1) / total
            y_mean = (square * np.nan_to_num(values)).sum(-1) / total
            centred = design - x_mean[..., None]
            slope = (square * centred * np.nan_to_num(values)).sum(-1) / (square * centred**2).sum(-1)
        return y_mean - slope * x_mean, slope

    coords = {name: value for name, value in relative.coords.items()
              if REALIZATION not in value.dims and "width" not in value.dims}
    result = xr.Dataset(coords=coords)
    drawn = fit(samples)
    for name, value, draws in zip(("intercept", "slope"), fit(means), drawn):
        result[name] = (dims, value)
        result[f"{name}_error"] = (dims, draws.std(0, ddof=1))
    if "layer" in dims:
        draws = np.moveaxis(drawn[0], 1 + dims.index("layer"), -1)
        centred = draws - draws.mean(0)
        covariance = np.einsum("b...i,b...j->...ij", centred, centred) / (resamples - 1)
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

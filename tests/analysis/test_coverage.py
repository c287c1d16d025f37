"""Intervals hold what they promise: simulated coverage of everything in the package that gives a 95 % interval or an error,
on networks like those of archives (layers of one network belong together, widths and points share their random numbers).
The same functions on the program's own archives, with many networks as truth, cover alike; that takes minutes."""

import numpy as np
import pytest
import scipy.stats
import xarray as xr

import meander
from meander.figures import Request, draw
from meander.figures.activation_spectrum import _length_of_mean
from meander.figures.base.series import positive_interval

FEW = [2, 3, 5, 10, 30]
EXPERIMENTS = 3000


def assert_covers(low, truth, high, slack=0.0):
    """0.93 to 0.97 of the experiments (along axis 0), each column by itself. 3000 experiments tell it to 0.004."""
    inside = (low <= truth) & (truth <= high)
    share = np.asarray(inside.mean(axis=0))
    assert (share >= 0.93).all() and (share <= 0.97 + slack).all(), share


def networks(rng, experiments, realizations, depth, common=0.2, step=0.08):
    """Log-normal networks: a factor of each network's own and one more with every layer, so that layers are correlated
    and the scatter grows; mean 1 at every layer."""
    factor = common * rng.normal(size=(experiments, realizations, 1)) - common**2 / 2
    steps = (step * rng.normal(size=(experiments, realizations, depth)) - step**2 / 2).cumsum(-1)
    return np.exp(factor + steps)


@pytest.mark.parametrize("realizations", FEW)
def test_growth_rates_and_ratios(realizations):
    layer = np.arange(1, 9)
    values = np.exp(0.3 * layer) * networks(np.random.default_rng(realizations), EXPERIMENTS, realizations, len(layer))
    dataset = xr.Dataset({"length": (("experiment", "realization", "layer"), values)}, coords={"layer": layer})
    growth = meander.growth_rates(dataset)
    assert_covers(growth.rate_low.values, np.exp(0.3), growth.rate_high.values)
    ratio = growth.sel(layer=slice(2, None))
    assert_covers(ratio.ratio_low.values, np.exp(0.3), ratio.ratio_high.values)
    few = meander.growth_rates(dataset, layers=(2, 4))
    assert_covers(few.rate_low.values, np.exp(0.3), few.rate_high.values)


def test_growth_rates_with_networks_missing_here_and_there():
    """A failed network is missing in its cell; five of six are left in every second experiment."""
    layer = np.arange(1, 9)
    values = np.exp(0.3 * layer) * networks(np.random.default_rng(8), EXPERIMENTS, 6, len(layer))
    values[::2, 2] = np.nan
    growth = meander.growth_rates(xr.Dataset({"length": (("experiment", "realization", "layer"), values)}, coords={"layer": layer}))
    assert_covers(growth.rate_low.values[::2], np.exp(0.3), growth.rate_high.values[::2])
    assert_covers(growth.rate_low.values[1::2], np.exp(0.3), growth.rate_high.values[1::2])
    wider = (growth.rate_high - growth.rate_low).values
    assert wider[::2].mean() > 1.1 * wider[1::2].mean()


def extrapolated(realizations, experiments=EXPERIMENTS, sign=1.0, missing=False):
    """Counts over theory at four widths and three layers: 1 + a / width and scatter of the size 1 / sqrt(width), half of
    which a network shares between widths and layers, as coupling = "common" makes it."""
    rng = np.random.default_rng(100 + realizations)
    widths, layers = np.array([50, 100, 200, 400]), np.arange(1, 4)
    shape = (experiments, len(widths), realizations, len(layers))
    shared = rng.normal(size=(experiments, 1, realizations, 1))
    noise = (shared + rng.normal(size=shape).cumsum(-1)) / np.sqrt(2.0 * widths[:, None, None])
    theory = 10.0 * layers
    measured = theory * (1 - 2.0 * layers / widths[:, None, None] + sign * noise)
    if missing:
        measured[:, 1, 0] = np.nan
    dataset = xr.Dataset({"transitions": (("experiment", "width", "realization", "layer"), measured),
                          "transitions_theory": ("layer", theory)}, coords={"width": widths, "layer": layers})
    return meander.width_extrapolation(dataset, "transitions"), -2.0 * layers


@pytest.mark.parametrize("realizations", FEW)
def test_width_extrapolation(realizations):
    fit, slope = extrapolated(realizations)
    assert_covers(fit.intercept_low.values, 1.0, fit.intercept_high.values)
    assert_covers(fit.slope_low.values, slope, fit.slope_high.values)
    # The error itself is neither too small nor too large: it is the scatter over experiments.
    for name in ("intercept", "slope"):
        rms = np.sqrt((fit[f"{name}_error"] ** 2).mean("experiment"))
        np.testing.assert_allclose(rms, fit[name].std("experiment"), rtol=0.06)


def test_width_extrapolation_with_a_network_missing_at_one_width():
    fit, slope = extrapolated(4, missing=True)
    assert (fit["count"] == 3).all()
    assert_covers(fit.intercept_low.values, 1.0, fit.intercept_high.values, slack=0.02)  # at the others there are four


@pytest.mark.parametrize("realizations", [5, 10, 30])
def test_hotellings_test_of_the_intercepts(realizations):
    fit, _ = extrapolated(realizations)
    off = fit.intercept.values - 1.0
    distance = np.einsum("ei,eij,ej->e", off, np.linalg.inv(fit.intercept_covariance.values), off)
    n, p = realizations, off.shape[1]
    statistic = distance * (n - p) / (p * (n - 1))
    assert_covers(np.zeros(len(off)), statistic, np.full(len(off), scipy.stats.f.ppf(0.95, p, n - p)))


def correlated_pairs(star, realizations, experiments, noise, xi=6.0, depth=40):
    """c of networks around star + b exp(-layer / xi). Networks fluctuate about c* for good, and alike in neighbouring
    layers; where c tends to 1 they fluctuate in proportion, more and more so with depth, and by unequal factors."""
    rng = np.random.default_rng(round(1000 * star) + realizations)
    layer = np.arange(1, depth + 1)
    theory = star + (0.5 - star) * np.exp(-(layer - 1) / xi)
    if star == 1.0:
        measured = 1 - (1 - theory) * networks(rng, experiments, realizations, depth, common=noise, step=noise)
    else:
        drift = rng.normal(size=(experiments, realizations, depth))
        for i in range(1, depth):
            drift[..., i] = 0.7 * drift[..., i - 1] + np.sqrt(1 - 0.7**2) * drift[..., i]
        measured = theory + noise * (drift + rng.normal(size=(experiments, realizations, 1)))
    cells = ("experiment",)
    one = np.ones(experiments)
    return xr.Dataset({"c": (("experiment", "realization", "layer"), measured), "c_theory": (("layer",), theory),
                       "c_star": (cells, star * one), "xi_c": (cells, xi * one)}, coords={"layer": layer}).pipe(
        lambda d: d.assign(c_theory=d.c_theory.expand_dims(experiment=experiments)))


@pytest.mark.parametrize("realizations", FEW)
@pytest.mark.parametrize("star, noise", [(0.3, 0.005), (1.0, 0.08)])
def test_depth_scales(star, noise, realizations):
    data = correlated_pairs(star, realizations, 1500, noise * np.sqrt(realizations) if star < 1 else noise)
    found = meander.depth_scales(data)
    # At two networks the test contradicts so little that the ends of the set's pieces, which are given, hold more.
    assert_covers(found.xi_low.values, 6.0, found.xi_high.values, slack={2: 0.03, 3: 0.02}.get(realizations, 0.0))
    if realizations >= 5:
        assert np.isfinite(found.xi_high).mean() > 0.9  # not for want of an end
        assert (found.xi_high / found.xi_low).median() < 4


def test_depth_scales_that_few_networks_do_not_tell_have_open_ends():
    found = meander.depth_scales(correlated_pairs(0.3, 3, 1000, 0.2))
    inside = (found.xi_low <= 6.0) & (6.0 <= found.xi_high)
    assert inside.mean() > 0.93
    assert np.isinf(found.xi_high).mean() > 0.5
    assert found.xi.isnull().any()


@pytest.mark.parametrize("realizations", FEW)
def test_decay_lengths_of_the_figure(realizations):
    data = correlated_pairs(0.3, realizations, 1500, 0.004).expand_dims(sigma_w=[2.0])
    ends = np.array([_length_of_mean(data.isel(experiment=k), (0.02, 0.2)) for k in range(data.sizes["experiment"])])
    assert_covers(ends[:, 1], 6.0, ends[:, 2], slack=0.005)


@pytest.mark.parametrize("realizations", FEW)
def test_intervals_of_means(realizations):
    rng = np.random.default_rng(realizations)
    table = meander.mean_interval(xr.DataArray(rng.normal(3.0, 2.0, (EXPERIMENTS, realizations)), dims=("x", "realization")))
    assert_covers(table.low.values, 3.0, table.high.values)
    # On logarithmic axes figures draw the interval that is symmetric there.
    values = networks(rng, EXPERIMENTS, realizations, 8)[..., -1]
    table = meander.mean_interval(xr.DataArray(values, dims=("x", "realization")))
    low, high = positive_interval(table["mean"].values, table.high.values)
    assert_covers(low, 1.0, high)


def test_one_network_has_no_interval_and_figures_say_so():
    rng = np.random.default_rng(1)
    layer = np.arange(1, 9)
    values = np.exp(0.3 * layer) * networks(rng, 4, 1, len(layer))
    growth = meander.growth_rates(xr.Dataset({"length": (("x", "realization", "layer"), values)}, coords={"layer": layer}))
    assert growth.rate.notnull().all() and growth.rate_low.isnull().all() and growth.ratio_high.isnull().all()
    data = correlated_pairs(0.3, 1, 4, 0.01).rename(experiment="c0").assign_coords(c0=[0.2, 0.4, 0.6, 0.8])
    data = data.assign(status=(("c0", "realization"), np.ones((4, 1), "int8"))).assign_attrs(measure="signal_propagation")
    _, notes = draw(data, Request())
    assert notes[0].startswith("Points: one random network, no interval")

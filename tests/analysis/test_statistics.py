"""Intervals and growth rates against closed forms."""

import numpy as np
import pytest
import scipy.stats
import xarray as xr

import meander
from conftest import length_archive, transitions_archive
from meander.archive import OUT_OF_RANGE


def replicated(points, realizations, sd, seed):
    """`points` independent experiments as a sweep: length = exp(0.3 layer) with normal scatter."""
    layer = np.arange(1, 7)
    noise = np.random.default_rng(seed).normal(size=(points, realizations, len(layer)))
    values = np.exp(0.3 * layer) * (1 + sd * noise)
    return xr.Dataset({"length": (("experiment", "realization", "layer"), values)},
                      coords={"experiment": np.arange(points), "layer": layer})


def test_mean_interval_is_students():
    values = xr.DataArray([1.0, 2.0, 4.0, np.nan], dims="realization")
    table = meander.mean_interval(values)
    low, high = scipy.stats.t.interval(0.95, 2, loc=7 / 3, scale=scipy.stats.sem([1.0, 2.0, 4.0]))
    assert float(table["mean"]) == pytest.approx(7 / 3)
    assert (float(table["low"]), float(table["high"])) == pytest.approx((low, high))
    assert int(table["count"]) == 3


def test_one_realization_has_no_interval():
    table = meander.mean_interval(xr.DataArray([[3.0]], dims=("x", "realization")))
    assert float(table["mean"]) == 3.0
    assert np.isnan(table["low"]).all()
    assert np.isnan(table["high"]).all()


def test_exact_exponential_has_its_rate():
    layer = np.arange(1, 9)
    values = np.stack([2.0 * rate**layer for rate in (1.5, 0.7)])[:, None, :].repeat(3, axis=1)
    dataset = xr.Dataset({"length": (("sigma_w", "realization", "layer"), values)},
                         coords={"sigma_w": [2.0, 1.0], "layer": layer})
    growth = meander.growth_rates(dataset)
    np.testing.assert_allclose(growth["rate"], [1.5, 0.7], rtol=1e-12)
    np.testing.assert_allclose(growth["rate_low"], [1.5, 0.7], rtol=1e-12)
    np.testing.assert_allclose(growth["rate_high"], [1.5, 0.7], rtol=1e-12)
    np.testing.assert_allclose(growth["ratio"].sel(layer=slice(2, 8)), np.array([[1.5], [0.7]]).repeat(7, 1), rtol=1e-12)
    assert np.isnan(growth["ratio"].sel(layer=1)).all()  # without the input's length
    assert np.isnan(growth["rate_theory"]).all()


def test_layer_range():
    layer = np.arange(1, 9)
    values = np.where(layer <= 4, 3.0**layer, 3.0**4 * 2.0 ** (layer - 4))
    dataset = xr.Dataset({"length": (("realization", "layer"), values[None].repeat(2, 0))}, coords={"layer": layer})
    assert float(meander.growth_rates(dataset, layers=(1, 4))["rate"]) == pytest.approx(3.0)
    assert float(meander.growth_rates(dataset, layers=(4, 8))["rate"]) == pytest.approx(2.0)
    with pytest.raises(ValueError, match="a slope needs two"):
        meander.growth_rates(dataset, layers=(8, 9))


def test_interval_width_follows_the_known_scatter():
    realizations, sd = 400, 0.05
    growth = meander.growth_rates(replicated(200, realizations, sd, seed=4))
    half = (np.log(growth["rate_high"]) - np.log(growth["rate_low"])) / 2
    centred = np.arange(1, 7) - 3.5
    expected = scipy.stats.norm.ppf(0.975) * sd / np.sqrt(realizations) / np.sqrt((centred**2).sum())
    # The scatter of 400 networks is known to 4 % a point, to 0.3 % over 200 points; first order in sd.
    assert float(half.mean()) == pytest.approx(expected, rel=0.03)


def test_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(1).normal(3.0, 1.0, (7, 5))
    values[2, 1] = values[4, 1] = np.nan
    mean, moved, count = meander.statistics.perturbed_means(values)
    np.testing.assert_array_equal(count, [7, 5, 7, 7, 7])
    np.testing.assert_allclose(mean, np.nanmean(values, axis=0), rtol=1e-14)
    expected = [scipy.stats.sem(column[np.isfinite(column)]) for column in values.T]
    np.testing.assert_allclose(meander.statistics.jackknife_error(mean, moved), expected, rtol=1e-12)


def test_ratio_whose_sign_is_not_told_has_no_interval():
    values = np.array([[[1.0, 0.3], [1.2, 0.5]], [[1.0, -3.0], [1.0, 2.0]], [[1.0, -0.3], [1.2, -0.5]]])
    growth = meander.growth_rates(xr.Dataset({"c": (("x", "realization", "layer"), values)}, coords={"layer": [1, 2]}), "c")
    ratio = growth.sel(layer=2)
    np.testing.assert_allclose(ratio["ratio"], [0.8 / 2.2, -0.5, -0.8 / 2.2], rtol=1e-14)
    np.testing.assert_allclose(ratio["ratio_low"], [ratio["ratio_low"][0], np.nan, -ratio["ratio_high"][0]], rtol=1e-14)
    assert float(ratio["ratio_low"][0]) < 0.8 / 2.2 < float(ratio["ratio_high"][0])


def test_scripts_of_the_bootstrap_go_on():
    dataset = replicated(3, 8, 0.1, seed=1)
    with pytest.warns(DeprecationWarning, match="not used any more"):
        old = meander.growth_rates(dataset, resamples=100, seed=7)
    assert old.identical(meander.growth_rates(dataset))


def test_archive_with_theory(lengths):
    dataset = meander.open(lengths)
    growth = meander.growth_rates(dataset, "length")
    expected = 0.9 * np.sqrt([1.0, 2.0, 3.0, 4.0])
    assert growth["rate"].dims == ("width", "depth", "sigma_w", "activation")
    np.testing.assert_allclose(growth["rate_theory"].sel(width=500).squeeze(), expected, rtol=1e-12)
    np.testing.assert_allclose(growth["ratio_theory"].sel(layer=1, width=500).squeeze(), expected, rtol=1e-12)
    inside = (growth["ratio_low"] <= growth["ratio_theory"]) & (growth["ratio_theory"] <= growth["ratio_high"])
    assert float(inside.mean()) > 0.8  # 95 % of 64 ratios, neighbours correlated
    assert growth["ratio"].sizes["layer"] == 8  # layer 1 against the input's length


def test_counts_use_their_own_theory(transitions):
    growth = meander.growth_rates(meander.open(transitions), "transitions")
    np.testing.assert_allclose(growth["rate_theory"].sel(width=100).squeeze(), np.sqrt([1.0, 2.0, 4.0]), rtol=1e-12)


def test_missing_cells_do_not_bias(tmp_path):
    def edit(arrays, status):  # the failed networks would double every length
        status[..., :4] = 2
        arrays["length"][1][..., :4, :] *= 2

    growth = meander.growth_rates(meander.open(length_archive(tmp_path / "a.h5", edit=edit)))
    np.testing.assert_allclose(growth["ratio"].sel(layer=1), growth["ratio_theory"].sel(layer=1), rtol=0.05)


def test_overflow_hides_the_rate(tmp_path):
    def edit(arrays, status):
        status[0, 0, 3, 0, 2] = OUT_OF_RANGE
        arrays["length"][1][0, 0, 3, 0, 2, 4:] = np.nan

    growth = meander.growth_rates(meander.open(length_archive(tmp_path / "a.h5", edit=edit)))
    assert np.isnan(growth["rate"].sel(width=100, sigma_w=4.0)).all()
    assert np.isfinite(meander.growth_rates(meander.open(tmp_path / "a.h5"), layers=(1, 4))["rate"]).all()


def test_width_extrapolation_finds_intercept_and_slope():
    widths = np.array([100, 200, 400, 800])
    layers = np.arange(1, 4)
    slope = np.array([-2.0, -5.0, -9.0])
    noise = np.random.default_rng(2).normal(size=(4, 60, 3))
    theory = 10.0 * layers
    measured = theory * (1 + slope / widths[:, None, None]) * (1 + 0.01 * noise)
    dataset = xr.Dataset({"transitions": (("width", "realization", "layer"), measured), "transitions_theory": ("layer", theory)},
                         coords={"width": widths, "layer": layers})
    fit = meander.width_extrapolation(dataset, "transitions")
    assert (abs(fit["intercept"] - 1) < 4 * fit["intercept_error"]).all()
    assert (abs(fit["slope"] - slope) < 4 * fit["slope_error"]).all()
    # The weighted mean less the slope times the mean of 1 / width is a known combination of the widths.
    x, w = 1 / widths, widths / widths.sum()
    centred = x - w @ x
    combination = w - (w @ x) * w * centred / (w @ centred**2)
    textbook = 0.01 / np.sqrt(60) * np.sqrt((combination**2).sum())
    np.testing.assert_allclose(fit["intercept_error"], textbook, rtol=0.25)  # the scatter of 60 is known to 9 %
    np.testing.assert_allclose(np.sqrt(np.diag(fit["intercept_covariance"])), fit["intercept_error"], rtol=1e-10)


def test_errors_name_the_array(tmp_path):
    dataset = meander.open(transitions_archive(tmp_path / "a.h5"))
    with pytest.raises(ValueError, match="no array `lengths`"):
        meander.growth_rates(dataset, "lengths")
    with pytest.raises(ValueError, match="`input_length` has no dimension `layer`"):
        meander.growth_rates(dataset, "input_length")
    with pytest.raises(ValueError, match="holds no theory of `length`"):
        meander.width_extrapolation(dataset, "length")

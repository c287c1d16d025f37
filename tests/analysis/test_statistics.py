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


def covered_within_sampling(hits, level):
    """A binomial count of hits is compatible with the level (four standard deviations)."""
    n = hits.size
    return abs(hits.mean() - level) < 4 * np.sqrt(level * (1 - level) / n)


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
    growth = meander.growth_rates(dataset, resamples=50)
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
    assert float(meander.growth_rates(dataset, layers=(1, 4), resamples=10)["rate"]) == pytest.approx(3.0)
    assert float(meander.growth_rates(dataset, layers=(4, 8), resamples=10)["rate"]) == pytest.approx(2.0)
    with pytest.raises(ValueError, match="a slope needs two"):
        meander.growth_rates(dataset, layers=(8, 9))


@pytest.mark.parametrize("realizations", [6, 24])
def test_intervals_cover(realizations):
    growth = meander.growth_rates(replicated(1500, realizations, sd=0.05, seed=3), resamples=600, seed=5)
    truth = np.exp(0.3)
    # One set of resampling weights serves all experiments, so hits are not quite independent; four
    # standard deviations of independent ones still hold, and the plain percentile interval (0.88 at 6
    # realizations) is far outside.
    assert covered_within_sampling(((growth["rate_low"] < truth) & (truth < growth["rate_high"])).values, 0.95)
    ratio = growth.sel(layer=3)
    assert covered_within_sampling(((ratio["ratio_low"] < truth) & (truth < ratio["ratio_high"])).values, 0.95)


def test_interval_width_follows_the_known_scatter():
    realizations, sd = 400, 0.05
    growth = meander.growth_rates(replicated(200, realizations, sd, seed=4), resamples=800)
    half = (np.log(growth["rate_high"]) - np.log(growth["rate_low"])) / 2
    centred = np.arange(1, 7) - 3.5
    expected = scipy.stats.norm.ppf(0.975) * sd / np.sqrt(realizations) / np.sqrt((centred**2).sum())
    # Percentiles of 800 draws scatter by 5 % a point, by 0.4 % over 200 points; first order in sd.
    assert float(half.mean()) == pytest.approx(expected, rel=0.03)


def test_same_seed_same_numbers():
    dataset = replicated(3, 8, 0.1, seed=1)
    once, again = (meander.growth_rates(dataset, resamples=100, seed=7) for _ in range(2))
    other = meander.growth_rates(dataset, resamples=100, seed=8)
    assert once.identical(again)
    assert not np.array_equal(once["rate_low"], other["rate_low"])
    np.testing.assert_array_equal(once["rate"], other["rate"])


def test_pieces_of_a_large_sweep_give_the_same(monkeypatch):
    dataset = replicated(7, 8, 0.1, seed=1)
    whole = meander.growth_rates(dataset, resamples=100)
    monkeypatch.setattr(meander.statistics.growth, "SAMPLES_AT_ONCE", 1500)
    xr.testing.assert_allclose(meander.growth_rates(dataset, resamples=100), whole, rtol=1e-12)


def test_archive_with_theory(lengths):
    dataset = meander.open(lengths)
    growth = meander.growth_rates(dataset, "length", resamples=300)
    expected = 0.9 * np.sqrt([1.0, 2.0, 3.0, 4.0])
    assert growth["rate"].dims == ("width", "depth", "sigma_w", "activation")
    np.testing.assert_allclose(growth["rate_theory"].sel(width=500).squeeze(), expected, rtol=1e-12)
    np.testing.assert_allclose(growth["ratio_theory"].sel(layer=1, width=500).squeeze(), expected, rtol=1e-12)
    inside = (growth["ratio_low"] <= growth["ratio_theory"]) & (growth["ratio_theory"] <= growth["ratio_high"])
    assert float(inside.mean()) > 0.8  # 95 % of 64 ratios, neighbours correlated
    assert growth["ratio"].sizes["layer"] == 8  # layer 1 against the input's length


def test_counts_use_their_own_theory(transitions):
    growth = meander.growth_rates(meander.open(transitions), "transitions", resamples=100)
    np.testing.assert_allclose(growth["rate_theory"].sel(width=100).squeeze(), np.sqrt([1.0, 2.0, 4.0]), rtol=1e-12)


def test_missing_cells_do_not_bias(tmp_path):
    def edit(arrays, status):  # the failed networks would double every length
        status[..., :4] = 2
        arrays["length"][1][..., :4, :] *= 2

    growth = meander.growth_rates(meander.open(length_archive(tmp_path / "a.h5", edit=edit)), resamples=100)
    np.testing.assert_allclose(growth["ratio"].sel(layer=1), growth["ratio_theory"].sel(layer=1), rtol=0.05)


def test_overflow_hides_the_rate(tmp_path):
    def edit(arrays, status):
        status[0, 0, 3, 0, 2] = OUT_OF_RANGE
        arrays["length"][1][0, 0, 3, 0, 2, 4:] = np.nan

    growth = meander.growth_rates(meander.open(length_archive(tmp_path / "a.h5", edit=edit)), resamples=50)
    assert np.isnan(growth["rate"].sel(width=100, sigma_w=4.0)).all()
    assert np.isfinite(meander.growth_rates(meander.open(tmp_path / "a.h5"), layers=(1, 4), resamples=50)["rate"]).all()


def test_width_extrapolation_finds_intercept_and_slope():
    widths = np.array([100, 200, 400, 800])
    layers = np.arange(1, 4)
    slope = np.array([-2.0, -5.0, -9.0])
    noise = np.random.default_rng(2).normal(size=(4, 60, 3))
    theory = 10.0 * layers
    measured = theory * (1 + slope / widths[:, None, None]) * (1 + 0.01 * noise)
    dataset = xr.Dataset({"transitions": (("width", "realization", "layer"), measured), "transitions_theory": ("layer", theory)},
                         coords={"width": widths, "layer": layers})
    fit = meander.width_extrapolation(dataset, "transitions", resamples=1000)
    assert (abs(fit["intercept"] - 1) < 4 * fit["intercept_error"]).all()
    assert (abs(fit["slope"] - slope) < 4 * fit["slope_error"]).all()
    # Equal weights 1/(0.01²/60): the textbook error of an intercept.
    x = 1 / widths
    textbook = 0.01 / np.sqrt(60) * np.sqrt(1 / 4 + x.mean() ** 2 / ((x - x.mean()) ** 2).sum())
    np.testing.assert_allclose(fit["intercept_error"], textbook, rtol=0.25)  # the weights are estimated from 60
    np.testing.assert_allclose(np.sqrt(np.diag(fit["intercept_covariance"])), fit["intercept_error"], rtol=1e-10)


def test_errors_name_the_array(tmp_path):
    dataset = meander.open(transitions_archive(tmp_path / "a.h5"))
    with pytest.raises(ValueError, match="no array `lengths`"):
        meander.growth_rates(dataset, "lengths")
    with pytest.raises(ValueError, match="`input_length` has no dimension `layer`"):
        meander.growth_rates(dataset, "input_length")
    with pytest.raises(ValueError, match="holds no theory of `length`"):
        meander.width_extrapolation(dataset, "length")

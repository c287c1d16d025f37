"""Statistics of archives: intervals over networks, growth rates, depth scales, speed-up of a scaling archive."""

from meander.statistics.depth_scale import depth_scales
from meander.statistics.growth import growth_rates, width_extrapolation
from meander.statistics.intervals import REALIZATION, expanded_percentiles, mean_interval, resampled_means
from meander.statistics.speedup import scaling, scaling_text

__all__ = ["REALIZATION", "depth_scales", "expanded_percentiles", "growth_rates", "mean_interval", "resampled_means", "scaling",
           "scaling_text", "width_extrapolation"]

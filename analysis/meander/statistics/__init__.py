"""Statistics of archives: intervals over networks, growth rates, depth scales, speed-up of a scaling archive."""

from meander.statistics.depth_scale import depth_scales
from meander.statistics.growth import growth_rates, width_extrapolation
from meander.statistics.intervals import REALIZATION, jackknife_error, mean_interval, perturbed_means, student_factor
from meander.statistics.speedup import scaling, scaling_text

__all__ = ["REALIZATION", "depth_scales", "growth_rates", "jackknife_error", "mean_interval", "perturbed_means", "scaling",
           "scaling_text", "student_factor", "width_extrapolation"]

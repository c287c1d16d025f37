"""Analysis of meander's archives: open one as an xarray.Dataset, fit growth rates, draw figures."""

from meander.archive import ArchiveError, decode_status, open, theory, usable
from meander.statistics import depth_scales, growth_rates, mean_interval, scaling, scaling_text, width_extrapolation

__version__ = "0.1.0"
__all__ = ["ArchiveError", "decode_status", "depth_scales", "growth_rates", "mean_interval", "open", "scaling", "scaling_text",
           "theory", "usable", "width_extrapolation"]

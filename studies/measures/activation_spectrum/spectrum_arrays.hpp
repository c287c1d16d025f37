// The arrays of activation_spectrum, by family.
#pragma once

#include <vector>

#include "pipeline/measure/layout.hpp"

namespace meander {

/// Of networks: q, c, exponent and log_growth by layer; for random ones also their decay_length.
std::vector<ArraySpec> measured_spectrum_arrays(bool with_decay);
/// The same at infinite width.
std::vector<ArraySpec> theory_spectrum_arrays();
std::vector<ArraySpec> fixed_point_arrays();
std::vector<ArraySpec> spectrum_arrays();

/// The dimensions order, parity and law.
std::vector<OwnDimension> spectrum_dimensions(int orders);

}  // namespace meander

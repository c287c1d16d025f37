// What the measures of a Jacobian share: square networks, the Gaussian point at which the Jacobian is taken, and free
// probability's spectrum of the same ensemble.
#pragma once

#include <optional>
#include <vector>

#include "kernels/mean_field/free_probability.hpp"
#include "kernels/networks/network.hpp"
#include "pipeline/measure/measure.hpp"

namespace meander {

/// [sweep] parameters of random networks without a readout, and [input] dimension, q0.
std::vector<Key> jacobian_point_keys();
/// Complains of what no square product J can be made of, of contradicting parameters and of `q0` without fixed point.
/// False where the networks themselves are in doubt: nothing else of the study can be decoded then.
bool check_jacobian_point(const Study& study, Diagnostics& diagnostics);

/// The input x^0 of a task, its mean square q0 met exactly: the first Gaussian point of the realization's stream.
std::vector<double> jacobian_input(const Point& point, StreamKey key);

/// The ensemble whose spectrum is known; nothing for other laws.
std::optional<WeightEnsemble> weight_ensemble(const Point& point);
/// The spectrum at infinite width under an ensemble; nothing where q leaves the range of numbers or all slopes vanish.
std::optional<FreeSpectrum> jacobian_theory(const Point& point, WeightEnsemble ensemble);
/// Free probability needs depth << width (finite-width corrections of the edge grow with their ratio).
bool is_wide_enough(const Point& point);

}  // namespace meander

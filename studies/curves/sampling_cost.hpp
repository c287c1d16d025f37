// What a curve through a network costs, sampled or exact, on one core of a current machine.
#pragma once

#include <optional>
#include <vector>

#include "kernels/linear_regions/exact_curve.hpp"
#include "kernels/networks/activation.hpp"
#include "kernels/networks/network.hpp"
#include "kernels/trajectories/sampled_curve.hpp"
#include "pipeline/measure/measure.hpp"

namespace meander {

struct SampledTask {
  int input_dimension = 0;
  std::vector<int> widths;
  long samples = 0;
  Precision precision = Precision::double_;
  std::optional<WeightLaw> law;  // nothing: stored
  double element = 0.0;          // seconds of a neuron's activation at a sample
};

Cost sampling_cost(const SampledTask& task);

struct ExactTask {
  int input_dimension = 0;
  std::vector<int> widths;
  std::vector<double> transitions;  // expected, by layer
  std::optional<WeightLaw> law;     // nothing: stored
  double steepness = 1.0;           // of a neuron along its strongest path, a layer: sigma_w
  bool patterns = true;
  bool events = false;
};

/// Transitions in each layer of a network of these widths, of `theory`'s at infinite width (NaN where nothing is
/// predicted: a few a neuron). However large sigma_w is, their number cannot grow by more than about 0.6 sqrt(fan_in) a
/// layer, of which infinite width does not know (Raghu et al. 2017, theorem 4, has sqrt(width)): inverse cubes of both
/// growths add, which describes hard-tanh networks of 2 to 32 neurons and sigma_w from 1.5 to 50 to a fifth.
/// Every run of stretches that rise or fall together takes the curve there and back, so that the bound grows with their
/// number (sawteeth with eight grow sixfold a layer at width 1); `activation`: nothing where it is not known.
std::vector<double> expected_transitions(const std::vector<double>& theory, const std::vector<int>& widths,
                                         const Activation* activation = nullptr);

Cost exact_cost(const ExactTask& task);

}  // namespace meander

// What a curve through a network costs, sampled or exact, on one core of a current machine.
#pragma once

#include <optional>
#include <vector>

#include "kernels/linear_regions/exact_curve.hpp"
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
};

Cost sampling_cost(const SampledTask& task);

struct ExactTask {
  int input_dimension = 0;
  std::vector<int> widths;
  std::vector<double> transitions;  // expected, by layer
  std::optional<WeightLaw> law;     // nothing: stored
  bool patterns = true;
  bool events = false;
};

Cost exact_cost(const ExactTask& task);

}  // namespace meander

// What sampling a curve through a network costs on one core of a current machine.
#pragma once

#include <vector>

#include "kernels/network.hpp"
#include "kernels/sampled_curve.hpp"
#include "pipeline/measure.hpp"

namespace meander {

struct SampledTask {
  int input_dimension = 0;
  std::vector<int> widths;
  long samples = 0;
  Precision precision = Precision::double_;
  WeightLaw::Kind law = WeightLaw::Kind::gaussian;
  bool stored = false;
};

Cost sampling_cost(const SampledTask& task);

}  // namespace meander

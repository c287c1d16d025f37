// The declaration of theory that assumes Gaussian pre-activations: where the weights' law is too far from that, it is
// missing, and the archive says how far it is.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "studies/declare/array_spec.hpp"

namespace meander {

/// gaussian_correction of layers 1..depth (GaussianCorrection::layers).
inline ArraySpec gaussian_correction_array() {
  return undefined("q is no number",
                   infinite("an average that it corrects is 0",
                            array("gaussian_correction", ArrayType::float64,
                                  "relative correction that the weights' law makes to averages over a Gaussian (first "
                                  "of Edgeworth's series, in absolute values); 0 for Gaussian weights; theory is "
                                  "missing from the first layer on where it exceeds 0.05, but for second moments of "
                                  "that layer's pre-activations",
                                  {"layer"})));
}

/// The arrays, with what they are missing for, and gaussian_correction behind them.
inline std::vector<ArraySpec> limited_by_law(std::vector<ArraySpec> arrays) {
  for (ArraySpec& spec : arrays) {
    spec.undefined_where +=
        std::string(spec.undefined_where.empty() ? "" : ", or where ") + "gaussian_correction says so";
  }
  arrays.push_back(gaussian_correction_array());
  return arrays;
}

}  // namespace meander

// Two inputs' correlation through the layers, kept as what it lacks of 1 or of -1 where it is near either: c = 1 repels
// in the chaotic phase (for odd activations c = -1 too), and every layer would amplify the rounding of c.
#pragma once

#include <optional>

#include "kernels/networks/activation.hpp"

namespace meander {

/// Mean squares of the two inputs' components, and the mean of their product.
struct InputCovariance {
  double q00 = 1.0;
  double q11 = 1.0;
  double q01 = 0.0;
  /// 1 - c and 1 + c where q00 = q11 and they are known better than q01 tells, which has been rounded.
  struct Lacks {
    double one_minus, one_plus;
  };
  std::optional<Lacks> lacks = {};
};

/// Two inputs of mean square q: of correlation c, or an angle apart.
InputCovariance inputs_of_correlation(double q, double c);
InputCovariance inputs_at_angle(double q, double angle);

struct LayerParameters {
  double sigma_w = 1.0;
  double sigma_b = 0.0;
  /// Dropout's keep probability; masks of the two inputs are independent, the input layer is not masked.
  double keep = 1.0;
};

/// Pre-activations of two inputs in one layer at infinite width.
struct CorrelationState {
  double q00 = 0.0, q11 = 0.0, q01 = 0.0;
  /// c = q01 / sqrt(q00 q11), NaN where a variance is zero, with 1 - c and 1 + c: the small one of the two has an
  /// accuracy of its own where q00 = q11.
  double c = 0.0, one_minus = 0.0, one_plus = 0.0;
};

/// Layer 1: q^1 = sigma_w^2 q^0 + sigma_b^2 and the same of q01.
CorrelationState first_correlation(const LayerParameters& layer, const InputCovariance& inputs);

/// The next layer: q^l = (sigma_w^2 / keep) E phi^2 + sigma_b^2 (Poole et al. 2016, equation 3; Schoenholz et al. 2017,
/// section 5) and q01^l = sigma_w^2 E phi phi + sigma_b^2: independent masks leave no 1 / keep here. Of equal lengths,
/// with the chord of correlation_average.hpp and m = (1 / keep - 1) sigma_w^2 E phi^2,
///   1 - c^l = (sigma_w^2 q (1 - c) chord(1 - c) + m) / q^l   near c = 1,
///   1 + c^l = (sigma_w^2 q (1 + c) chord(1 + c) + m + 2 sigma_b^2) / q^l   near c = -1 where phi is odd:
/// sums of positive terms, so that both keep their digits however small they are; 0 stays 0 where the terms are. Of
/// unequal lengths c has the accuracy of covariance_map, and so has 1 - c, absolutely.
CorrelationState next_correlation(const Activation& activation, const LayerParameters& layer,
                                  const CorrelationState& before);

}  // namespace meander

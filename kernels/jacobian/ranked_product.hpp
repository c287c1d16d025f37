// A product of layers' Jacobians whose rank the weights decide as they were drawn, and rounding does not.
#pragma once

#include "kernels/base/scaled_number.hpp"
#include "kernels/spectra/graded_product.hpp"
#include "kernels/spectra/modular_image.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace meander {

/// How the rank of weights is known. `full`: every matrix of the law and every product of them has the rank that its
/// shape allows, with probability one: J's is that of the layer with the fewest open neurons. `exact`: it is found from
/// the numbers as they were drawn, in modular arithmetic (ModularImage).
enum class WeightRank { full, exact };

/// GradedProduct, and under `exact` what it needs for factors of any rank. Rows that are combinations of others would
/// be rounding in it, of the size of the largest singular value, where J has zeros: so the product goes on with a basis
/// of J's rows, and the others are told by a matrix in front (RowBasis).
///
/// Zeros among the weights and slopes of very different sizes may leave a singular value to be carried by entries that
/// rounding of larger ones hides. A bound does not see that from what matters little; so under `exact` a second product
/// is made of weights that differ from the first one's in their last bits, and what the two do not agree on is not
/// known.
class RankedProduct {
 public:
  /// The identity.
  RankedProduct(int columns, WeightRank rank);

  /// J <- diag(scale) B J as in GradedProduct.
  void multiply(const std::vector<ScaledNumber>& scale, const std::vector<double>& b);

  /// Natural logarithms of the singular values that are not zero, descending: as many as are known of `rank`.
  struct Spectrum {
    std::vector<double> log;
    std::int64_t rank = 0;
    bool converged = true;
  };
  /// Ends the product.
  Spectrum singular_values();

 private:
  struct Copy {
    GradedProduct product;
    /// J = basis times the product, (rows, product.rows()), where rows were dependent; else empty.
    std::vector<double> basis;
  };

  std::vector<Copy> copies_;
  std::optional<ModularImage> image_;
};

}  // namespace meander

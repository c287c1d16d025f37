// Declarations of jacobian_spectrum's keys and arrays.
#include "studies/measures/jacobian_spectrum/jacobian_spectrum_keys.hpp"

#include <string>
#include <utility>

#include "studies/declare/array_spec.hpp"

namespace meander {
std::vector<ArraySpec> jacobian_arrays() {
  const auto number = [](const char* name, const char* long_name, std::vector<std::string> dimensions) {
    return array(name, ArrayType::float64, long_name, std::move(dimensions));
  };
  std::vector<ArraySpec> arrays{
      number("singular_values",
             "singular values of J, descending; below 1e-308 subnormal or 0 (log_singular_values has them)", {"index"}),
      number(
          "log_singular_values",
          "natural logarithms of the singular values, over any range; -infinity for exact zeros, from place `rank` on; "
          "missing in a cell that has not converged, where rounding hides them",
          {"index"}),
      array("rank", ArrayType::int64,
            "singular values that are not exactly zero: the rank of the product of the matrices as they were drawn, "
            "decided by gates and, of sparse and rademacher weights, in modular arithmetic",
            {}),
      number("mean", "mean of lambda, the N eigenvalues of JJ'", {}),
      number("variance", "variance of lambda / mean", {}),
      number("fraction_near_one", "fraction of the N singular values within 1 - eps and 1 + eps", {"eps"}),
      number("density", "eigenvalues per unit of lambda over N, exact zeros left out", {"bin"}),
      number("slope_square", "mean of phi'(h)^2 over the layer's neurons (0/1 gates: the open fraction)", {"layer"})};
  for (ArraySpec& spec : arrays) {
    if (spec.name == "log_singular_values") spec.infinite_where = "the singular value is exactly 0 (-infinity)";
    if (spec.name == "variance") spec.undefined_where = "every lambda is 0";
    if (spec.name == "density") spec.undefined_where = "the point has no lambda axis";
  }
  return arrays;
}

std::vector<ArraySpec> jacobian_theory_arrays(bool universal) {
  const auto number = [](const char* name, const char* long_name, std::vector<std::string> dimensions) {
    return array(name, ArrayType::float64, long_name, std::move(dimensions));
  };
  std::vector<ArraySpec> arrays{
      number("lambda", "bin centre on the lambda axis", {"bin"}),
      number("density_theory", "density at infinite width, averaged over the bin, atoms left out", {"bin"}),
      number("lambda_max_theory", "upper end of the spectrum, its atom included; infinite for unbounded slopes", {}),
      number("singular_value_max_theory", "square root of lambda_max_theory", {}),
      number("mean_theory", "mean of lambda at infinite width", {}),
      number("variance_theory", "variance of lambda / mean at infinite width", {}),
      number("fraction_near_one_theory", "weight of singular values within 1 - eps and 1 + eps, atoms included",
             {"eps"}),
      number("zero_weight_theory", "weight of the atom at lambda = 0", {}),
      number("atom_theory", "place of the uppermost atom above 0; missing where there is none", {}),
      number("atom_weight_theory", "its weight; 0 where there is none", {}),
      array("theory_valid", ArrayType::int8, "0 where depth/width > 0.05, or no theory is known", {})};
  if (universal) {
    arrays.push_back(number("density_universal",
                            "density of the universal limit of the same mean and variance (orthogonal weights), its "
                            "atom left out",
                            {"bin"}));
    arrays.push_back(number("lambda_max_universal", "its upper end, its atom included", {}));
    arrays.push_back(
        number("atom_universal", "place of its atom, of gates that are 0 or 1 and a variance below 1", {}));
    arrays.push_back(number("atom_weight_universal", "its weight, 1 - variance; 0 where there is none", {}));
  }
  for (ArraySpec& spec : arrays) {
    if (spec.name == "lambda" || spec.name == "theory_valid") continue;
    spec.undefined_where = "no theory is known for the weights, or sigma_w is 0";
    if (spec.name == "atom_theory") spec.undefined_where += "; where there is no atom above 0";
    if (spec.name.find("universal") != std::string::npos) {
      spec.undefined_where = "the weights are not orthogonal, lambda does not vary, or slopes are of neither class";
      if (spec.name == "atom_universal") spec.undefined_where += "; where it has no atom";
    }
    if (spec.name.find("_max_") != std::string::npos) spec.infinite_where = "the activation's slopes are not bounded";
  }
  return arrays;
}

SpectrumKeys::SpectrumKeys(Declaration& declare) {
  declare(bins, {.section = "jacobian_spectrum",
                 .name = "bins",
                 .description = "bins of the lambda axis",
                 .default_value = Value(100),
                 .minimum = 1,
                 .maximum = 100000});
  declare(range,
          {.section = "jacobian_spectrum",
           .name = "range",
           .description = "[a, b], ends of the lambda axis at every point; 0 to 1.1 lambda_max_theory of each "
                          "point if left out (Gaussian weights' theory where the weights' distribution has none, "
                          "or mean + 4 deviations for unbounded slopes)",
           .minimum = 0});
  declare(eps, {.section = "jacobian_spectrum",
                .name = "eps",
                .description = "half widths around 1 of which fraction_near_one tells",
                .default_value = Value(List{Value(0.05), Value(0.1), Value(0.2)}),
                .minimum = 0,
                .maximum = 1,
                .minimum_exclusive = true});
  declare(universal, {.section = "jacobian_spectrum",
                      .name = "universal",
                      .description = "add the universal limits' densities",
                      .default_value = Value(false)});
}

}  // namespace meander

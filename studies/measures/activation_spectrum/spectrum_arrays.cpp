#include "studies/measures/activation_spectrum/spectrum_arrays.hpp"

#include <string>
#include <utility>

#include "studies/declare/array_spec.hpp"
#include "studies/inputs/law_limits.hpp"

namespace meander {
namespace {

ArraySpec real(std::string name, std::string long_name, std::vector<std::string> dimensions,
               std::string undefined_where = "", std::string infinite_where = "") {
  ArraySpec spec = array(std::move(name), ArrayType::float64, std::move(long_name), std::move(dimensions));
  spec.undefined_where = std::move(undefined_where);
  spec.infinite_where = std::move(infinite_where);
  return spec;
}

ArraySpec in_layers(ArraySpec spec) {
  spec.units = "layers";
  return spec;
}

std::vector<Value> numbers(int last) {
  std::vector<Value> values;
  for (int n = 0; n <= last; ++n) values.emplace_back(n);
  return values;
}

}  // namespace

std::vector<ArraySpec> measured_spectrum_arrays(bool with_decay) {
  std::vector<ArraySpec> arrays{
      real("q", "mean square of the pre-activations", {"layer"}),
      real("c", "correlation of a pair's pre-activations", {"layer"}, "one of them is 0"),
      real("exponent", "mean logarithm of the growth of perturbations in the layer", {"layer"},
           "a perturbation has died before", "a perturbation dies in it (-infinity)"),
      real("log_growth", "logarithm of the rms growth of perturbations since the input", {"layer"}, "",
           "all perturbations have died (-infinity)")};
  if (with_decay) {
    arrays.push_back(
        in_layers(real("decay_length", "length at which c approaches c_star, fitted to the layers of decay_range", {},
                       "there is no c_star, or fewer than two layers lie in decay_range")));
  }
  return arrays;
}

std::vector<ArraySpec> theory_spectrum_arrays() {
  return limited_by_law(
      {real("q_theory", "mean square of the pre-activations at infinite width", {"layer"}),
       real("c_theory", "correlation of a pair's pre-activations at infinite width", {"layer"}, "q_theory is 0"),
       real("exponent_theory", "(1/2) ln chi_1 at the layer's own q", {"layer"}, "", "chi_1 is 0 (-infinity)"),
       real("log_growth_theory", "sum of (1/2) ln chi_1 over layers 1 to l", {"layer"}, "",
            "chi_1 is 0 in one of them (-infinity)"),
       in_layers(real("decay_length_theory", "decay_length of c_theory, fitted to the same layers", {},
                      "there is no c_star, or fewer than two layers lie in decay_range"))});
}

std::vector<ArraySpec> fixed_point_arrays() {
  std::vector<ArraySpec> arrays{
      real("q_star", "fixed point of the length map that the input's q0 leads to", {}),
      real("q_star_slope", "slope of the length map there; below 1 it is stable", {}),
      real("basin_low", "lower edge of the lengths q of layer 1 that lead there", {}),
      real("basin_high", "upper edge of the lengths q of layer 1 that lead there; inf where every longer one does", {},
           "", "every longer one leads there"),
      real("c_star", "stable fixed point of the correlation map", {},
           "q_star is 0, or the correlation map is the identity"),
      in_layers(real("xi_q", "decay length of q towards q_star; inf at criticality", {}, "there is nothing to approach",
                     "the approach is slower than exponential")),
      in_layers(real("xi_c", "decay length of c towards c_star; inf at criticality", {}, "c_star is",
                     "the approach is slower than exponential"))};
  return arrays;
}

std::vector<ArraySpec> spectrum_arrays() {
  std::vector<ArraySpec> arrays{
      real("spectrum_q", "variance of the pre-activations at which the spectrum is taken", {}),
      real("coefficient", "Hermite coefficient f_n = E phi(sqrt(q) z) He_n(z) / sqrt(n!)", {"order"}),
      real("energy", "f_n^2", {"order"}),
      real("energy_held", "share of E phi^2 in orders 0 to n", {"order"}, "E phi^2 is 0"),
      real("chi_1", "sigma_w^2 E phi'^2", {}),
      real("chi_1_q", "chi_1 times q, from E phi'^2", {}),
      real("chi_1_q_series", "sigma_w^2 sum n f_n^2 over orders 0 to n, which tends to chi_1 q", {"order"}),
      real("parity_energy", "share of E phi^2 in the even and in the odd orders, all of them", {"parity"},
           "E phi^2 is 0"),
      array("highest_order", ArrayType::int64,
            "highest order of each parity, up to the largest kept, whose coefficient is above rounding (1e-11 of the "
            "root of E phi^2); -1 where none is",
            {"parity"}),
      real("decay", "fitted decay of |f_n|: exponent p of n^-p, rates r of exp(-r sqrt(n)) and exp(-r n)",
           {"parity", "law"}, "fewer than three coefficients are above rounding"),
      real("decay_residual", "root mean square of ln |f_n| about the fit", {"parity", "law"},
           "fewer than three coefficients are above rounding")};
  return arrays;
}

std::vector<OwnDimension> spectrum_dimensions(int orders) {
  return {{.name = "order",
           .size = static_cast<std::size_t>(orders) + 1,
           .long_name = "order n of the Hermite polynomial",
           .coordinates = numbers(orders)},
          {.name = "parity", .size = 2, .long_name = "even or odd orders", .coordinates = {"even", "odd"}},
          {.name = "law",
           .size = 3,
           .long_name = "fitted decay of |f_n|: n^-p, exp(-r sqrt(n)) or exp(-r n)",
           .coordinates = {"power", "stretched", "geometric"}}};
}

}  // namespace meander

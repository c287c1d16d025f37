#include "studies/networks/network_keys.hpp"

#include <utility>

namespace meander {
namespace {

/// One layer of this many neurons fills the memory of any node; beyond it, sizes would overflow.
constexpr double most_neurons = 1 << 24;
constexpr double most_layers = 1 << 20;

Key sigma_w_key() {
  return {.section = "sweep",
          .name = "sigma_w",
          .description = "standard deviation of the weights times sqrt(fan_in)",
          .minimum = 0};
}

Key sigma_b_key() {
  return {.section = "sweep",
          .name = "sigma_b",
          .description = "standard deviation of the biases",
          .default_value = Value(0.0),
          .minimum = 0};
}

Key activation_key() {
  return {.section = "sweep",
          .name = "activation",
          .description =
              "phi: a name (linear relu hard_tanh tanh erf sigmoid gelu swish leaky_relu elu selu softplus sin), "
              "{ activation = \"leaky_relu\", slope = 0.2 }, { activation = \"elu\", alpha = 0.5 }, { breakpoints, "
              "slopes, value }, { hermite = [c0, c1, ...] } or { expression = \"x * erf(x)\" }; a table may hold "
              "name = \"...\", which coordinates and legends use"};
}

}  // namespace

MeanFieldKeys::MeanFieldKeys(Declaration& declare) {
  declare(sigma_w, sigma_w_key());
  declare(sigma_b, sigma_b_key());
  declare(activation, activation_key());
}

NetworkKeys::NetworkKeys(Declaration& declare, const Wanted& wanted) {
  declare(width, {.section = "sweep",
                  .name = "width",
                  .units = "neurons",
                  .description = "neurons in each layer",
                  .minimum = 1,
                  .maximum = most_neurons});
  declare(depth, {.section = "sweep",
                  .name = "depth",
                  .units = "layers",
                  .description = "number of layers",
                  .minimum = 1,
                  .maximum = most_layers});
  declare(widths,
          {.section = "sweep",
           .name = "widths",
           .units = "neurons",
           .description = "neurons in each layer, one number a layer, instead of width and depth: [[500, 50, 500]]",
           .minimum = 1,
           .maximum = most_neurons});
  declare(sigma_w, sigma_w_key());
  declare(sigma_b, sigma_b_key());
  declare(activation, activation_key());
  declare(weights, {.section = "sweep",
                    .name = "weights",
                    .description =
                        "distribution of the weights, always of variance sigma_w^2/fan_in: gaussian orthogonal uniform "
                        "rademacher, { law = \"student_t\", dof = 4 } (dof > 2) or { law = \"sparse\", density = 0.1 }",
                    .default_value = Value("gaussian")});
  if (wanted.readout) {
    const bool usual = wanted.readout_description.empty();
    declare(readout_sigma,
            {.section = "readout",
             .name = "sigma",
             .description = usual ? "adds one linear output without bias to random networks: standard deviation of its "
                                    "weights times sqrt(fan_in)"
                                  : wanted.readout_description,
             .minimum = 0,
             .minimum_exclusive = true});
  }
  if (wanted.stored) {
    declare(file,
            {.section = "network",
             .name = "file",
             .description = "measures the network in this HDF5 file (filetype \"meander_network\") instead of random "
                            "ones",
             .hint = "a network of your own in HDF5; `meander export` writes one as an example"});
  }
}

}  // namespace meander

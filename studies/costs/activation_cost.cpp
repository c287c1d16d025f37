// A table of measured shares of one transcendental function, by the name of the activation.
#include "studies/costs/activation_cost.hpp"

#include <array>
#include <string_view>

#include "kernels/base/machine_rates.hpp"

namespace meander {
namespace {

/// In units of MachineRates::function.
struct Named {
  std::string_view name;
  double alone, row, derivatives;
};

/// apply and apply_with_derivatives by name (tests/benchmarks/costs.cpp shows where they are off).
constexpr std::array<Named, 9> named{
    Named{"tanh", 1.4, 1.4, 0.13}, Named{"erf", 1.5, 0.9, 1.2},      Named{"sigmoid", 1.3, 0.3, 1.8},
    Named{"gelu", 1.3, 0.85, 1.2}, Named{"swish", 1.3, 0.3, 1.9},    Named{"selu", 1.8, 0.4, 1.0},
    Named{"elu", 1.8, 0.4, 1.0},   Named{"softplus", 1.0, 1.3, 1.3}, Named{"sin", 0.9, 0.7, 1.15}};

const Named* find(const Activation& activation) {
  for (const Named& entry : named) {
    if (activation.text().find(entry.name) != std::string::npos && activation.range()) return &entry;
  }
  return nullptr;
}

}  // namespace

double evaluation_seconds(const Activation& activation) {
  const Named* known = find(activation);
  return machine_rates().function * (known != nullptr ? known->alone : activation.pieces() != nullptr ? 0.3 : 2.7);
}

double node_seconds(const Activation& activation) {
  const Named* known = find(activation);
  return machine_rates().function * (known != nullptr ? 0.15 + known->derivatives / 3.0 : 2.2);
}

double row_seconds(const Activation& activation) {
  const MachineRates& rates = machine_rates();
  if (activation.pieces() != nullptr)
    return activation.pieces()->breakpoints.size() > 2 ? 6.0 * rates.step : 0.2 * rates.step;
  const Named* known = find(activation);
  if (known != nullptr) return known->row * rates.function;
  if (const auto* series = activation.hermite_series()) return 2.0 * rates.step * static_cast<double>(series->size());
  return 1.7 * rates.function;
}

double row_seconds_with_derivatives(const Activation& activation) {
  const MachineRates& rates = machine_rates();
  if (activation.pieces() != nullptr) return 4.0 * rates.step;
  const Named* known = find(activation);
  if (known != nullptr) return known->derivatives * rates.function;
  if (const auto* series = activation.hermite_series()) return 6.0 * rates.step * static_cast<double>(series->size());
  return 11.0 * rates.function;
}

}  // namespace meander

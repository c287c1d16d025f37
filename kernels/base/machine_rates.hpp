// What the pieces of work take that cost models count, on one idle core of a current machine.
#pragma once

namespace meander {

/// Seconds each. Between what a core with AVX2 and one with AVX-512 take, which differ by two in products.
/// tests/benchmarks/costs.cpp measures those of the machine at hand and holds every cost model against its tasks.
struct MachineRates {
  /// One multiplication and addition in a large product of matrices, in double and in single precision.
  double product = 3.2e-11;
  double product_single = 1.6e-11;
  /// The same in factorisations of dense matrices, half of which is matrix times vector.
  double factorisation = 1.2e-10;
  /// The same in a product of a matrix with one vector, which streams from memory.
  double streamed = 3e-10;
  /// A normally distributed weight drawn.
  double draw = 1.1e-9;
  /// A transcendental function of one number, tanh for instance.
  double function = 1.0e-8;
  /// A step of plain code on one number: compare, add, store.
  double step = 0.7e-9;
  /// A task, whatever its size.
  double task = 1.5e-5;
};

/// Those that cost models go by.
const MachineRates& machine_rates();
/// Those by which the faster of two ways is chosen, on every machine: results' last digits depend on the way. Never to
/// be changed without raising the version of every measure that chooses.
constexpr MachineRates rates_of_choices() {
  return {.product = 5e-11, .factorisation = 2e-10, .streamed = 8e-10, .step = 1.0 / 1.5e9};
}
/// For a benchmark that has measured others. Not while another thread asks.
void set_machine_rates(const MachineRates& rates);

}  // namespace meander

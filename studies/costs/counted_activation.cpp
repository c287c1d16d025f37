// The functions of an activation, each with a counter in front.
#include "studies/costs/counted_activation.hpp"

namespace meander {
namespace {

Activation counting(const Activation& activation, const std::shared_ptr<std::uint64_t>& count) {
  if (has_closed_averages(activation)) return activation;
  const auto counted = [&](auto function) {
    return [function, activation, count](double x) {
      ++*count;
      return function(activation, x);
    };
  };
  return Activation::custom(counted([](const Activation& phi, double x) { return phi(x); }),
                            counted([](const Activation& phi, double x) { return phi.derivative(x); }),
                            counted([](const Activation& phi, double x) { return phi.second_derivative(x); }),
                            {.range = activation.range(),
                             .odd = activation.odd(),
                             .homogeneous = activation.homogeneous(),
                             .kinks = activation.kinks()});
}

}  // namespace

bool has_closed_averages(const Activation& activation) {
  return activation.pieces() != nullptr || activation.hermite_series() != nullptr || activation.is_sine();
}

CountedActivation::CountedActivation(const Activation& activation)
    : count_(std::make_shared<std::uint64_t>(0)), activation_(counting(activation, count_)) {}

}  // namespace meander

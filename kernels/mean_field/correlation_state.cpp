// Both roads: what is lacking, from chords; and the covariance, where neither 1 - c nor 1 + c is small.
#include "kernels/mean_field/correlation_state.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/gaussian_averages/correlation_average.hpp"
#include "kernels/mean_field/correlation_map.hpp"
#include "kernels/mean_field/length_map.hpp"

namespace meander {
namespace {

/// Below this 1 -+ c is carried: above it the covariance loses a digit at most.
constexpr double near = 0.1;

bool are_equal(double a, double b) {
  return std::abs(a - b) <= 4e-15 * std::max(a, b);
}

/// c, 1 - c and 1 + c from the covariance.
void set_from_covariance(CorrelationState& state) {
  const double size = std::sqrt(state.q00) * std::sqrt(state.q11);
  state.c = size > 0.0 ? state.q01 / size : std::numeric_limits<double>::quiet_NaN();
  // Not to be left to the rounding of roots.
  if (size > 0.0 && state.q00 == state.q11 && std::abs(state.q01) == state.q00) state.c = state.q01 > 0.0 ? 1.0 : -1.0;
  state.one_minus = 1.0 - state.c;
  state.one_plus = 1.0 + state.c;
}

void set_one_minus(CorrelationState& state, double one_minus) {
  state.one_minus = one_minus;
  state.c = 1.0 - one_minus;
  state.one_plus = 2.0 - one_minus;
}

void set_one_plus(CorrelationState& state, double one_plus) {
  state.one_plus = one_plus;
  state.c = one_plus - 1.0;
  state.one_minus = 2.0 - one_plus;
}

void set_covariance(CorrelationState& state) {
  state.q01 = state.c * std::sqrt(state.q00) * std::sqrt(state.q11);
}

/// q lack chord(lack): half of E (phi(u1) - phi(u2))^2.
double half_distance2(const Activation& activation, double q, double lack) {
  return lack == 0.0 ? 0.0 : q * lack * correlation_chord(activation, q, lack).chord;
}

}  // namespace

InputCovariance inputs_of_correlation(double q, double c) {
  return {q, q, q * c, InputCovariance::Lacks{1.0 - c, 1.0 + c}};
}

InputCovariance inputs_at_angle(double q, double angle) {
  const double sine = std::sin(0.5 * angle);
  const double cosine = std::cos(0.5 * angle);
  // Multiples of pi have no exact doubles; what they miss by is none of the angle that is meant.
  const auto square = [](double x) { return std::abs(x) < 1e-14 ? 0.0 : x * x; };
  return {q, q, q * std::cos(angle), InputCovariance::Lacks{2.0 * square(sine), 2.0 * square(cosine)}};
}

CorrelationState first_correlation(const LayerParameters& layer, const InputCovariance& inputs) {
  const double gain = layer.sigma_w * layer.sigma_w;
  const double floor = layer.sigma_b * layer.sigma_b;
  CorrelationState state;
  state.q00 = gain * inputs.q00 + floor;
  state.q11 = gain * inputs.q11 + floor;
  state.q01 = gain * inputs.q01 + floor;
  set_from_covariance(state);
  if (inputs.q00 != inputs.q11 || !(inputs.q00 > 0.0) || !(state.q00 > 0.0)) return state;
  // q01 may have been rounded beyond what is possible.
  const double apart = inputs.lacks ? inputs.q00 * inputs.lacks->one_minus : std::max(0.0, inputs.q00 - inputs.q01);
  const double sum = inputs.lacks ? inputs.q00 * inputs.lacks->one_plus : std::max(0.0, inputs.q00 + inputs.q01);
  const double one_minus = gain * apart / state.q00;
  const double one_plus = (gain * sum + 2.0 * floor) / state.q00;
  if (one_minus < near) set_one_minus(state, one_minus);
  if (one_plus < near) set_one_plus(state, one_plus);
  return state;
}

CorrelationState next_correlation(const Activation& activation, const LayerParameters& layer,
                                  const CorrelationState& before) {
  const double gain = layer.sigma_w * layer.sigma_w;
  const double floor = layer.sigma_b * layer.sigma_b;
  const double masked_sigma_w = layer.sigma_w / std::sqrt(layer.keep);
  CorrelationState state;
  state.q00 = length_map(activation, masked_sigma_w, layer.sigma_b, before.q00);
  state.q11 = before.q11 == before.q00 ? state.q00 : length_map(activation, masked_sigma_w, layer.sigma_b, before.q11);
  const bool equal = are_equal(before.q00, before.q11) && before.q00 > 0.0 && state.q00 > 0.0;
  // (sigma_w^2 / keep - sigma_w^2) E phi^2, which masks of its own take from what two inputs share.
  const double masked = layer.keep == 1.0 ? 0.0 : (1.0 - layer.keep) * (state.q00 - floor);
  if (equal && before.one_minus < near) {
    set_one_minus(state, (gain * half_distance2(activation, before.q00, before.one_minus) + masked) / state.q00);
    set_covariance(state);
  } else if (equal && before.one_plus < near && activation.odd() == true) {
    const double sum = gain * half_distance2(activation, before.q00, before.one_plus) + masked + 2.0 * floor;
    set_one_plus(state, sum / state.q00);
    set_covariance(state);
  } else {
    state.q01 = covariance_map(activation, layer.sigma_w, layer.sigma_b, before.q00, before.q11, before.q01);
    set_from_covariance(state);
  }
  return state;
}

}  // namespace meander

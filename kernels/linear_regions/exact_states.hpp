// The thresholds of a piecewise-linear activation, its breakpoints and zero, and the states of a neuron
// between them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kernels/networks/activation.hpp"

namespace meander {

/// State s of a neuron: h lies between thresholds s - 1 and s.
struct StateTable {
  struct Threshold {
    double value = 0.0;
    bool is_sign = false;
    bool is_breakpoint = false;
    double image = 0.0;  // phi there
  };
  struct State {
    double lower, upper;      // infinite at the ends
    double slope, intercept;  // phi(h) = slope h + intercept
    int piece;
  };
  std::vector<Threshold> thresholds;  // ascending
  std::vector<State> states;          // one more

  /// Breakpoints and zero.
  explicit StateTable(const LinearPieces& pieces);
  /// Zero alone, for a readout.
  static StateTable of_sign();

  const State& operator[](int state) const { return states[static_cast<std::size_t>(state)]; }
  /// phi(h) for an h that a network computes: exactly 0 on a piece that is 0.
  double image(double h) const;
  /// Whether a layer's output vanishes where its input does.
  bool keeps_zero(std::span<const double> bias) const;
  int count() const { return static_cast<int>(states.size()); }
  bool is_threshold(double h) const;
  /// Whether h is within the tolerance of a threshold.
  bool is_within(double tolerance, double h) const;
  /// The state of a neuron with value `h` and derivatives `first` and `second` at the beginning of a curve; where h
  /// equals a threshold within `tolerance`, the one right after.
  int at_start(double h, double first, double second, double tolerance) const;
};

}  // namespace meander

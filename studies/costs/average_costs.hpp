// What mean-field theory takes: Gaussian averages cost between a microsecond and a second, by activation, gain and
// correlation, so that they are counted before they are promised.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <utility>

#include "kernels/networks/activation.hpp"
#include "kernels/networks/network.hpp"
#include "studies/costs/counted_activation.hpp"

namespace meander {

/// Seconds of the averages of one activation over one Gaussian and over two, on one idle core (machine_rates.hpp). The
/// first question of a kind takes such averages, with a function that counts how often it is asked, at a place nearby:
/// half octaves of the variance and of the distance from full correlation. A result depends on the arguments alone.
///
/// Not for several threads at once: what was counted is kept.
class AverageCosts {
 public:
  explicit AverageCosts(const Activation& activation);

  /// One gaussian_moments at q, and its E phi^2, roughly.
  double moments(double q) const;
  double mean_square(double q) const;
  /// One pair_averages at q11 = q22 = q, or correlation_chord at 1 - c.
  double pair(double q, double c) const;
  /// E phi phi / E phi^2 there, roughly.
  double correlation(double q, double c) const;

  /// What says where theory holds for a law of weights that is not Gaussian (gaussian_correction), through `layers`.
  double law_correction(const std::optional<WeightLaw>& law, int layers) const;
  /// The length and covariance maps through `layers` layers from (q, c) of the first, all rounded: to a thirty-second
  /// of an octave, and the distance from full correlation to a quarter.
  double iteration(double sigma_w, double sigma_b, double q, double c, int layers) const;
  /// The attractor of the length map from q; and, rounded, with the correlation map's fixed point (phase_point).
  double attractor(double sigma_w, double sigma_b, double q) const;
  double phase_point(double sigma_w, double sigma_b, double q) const;

 private:
  struct Moments {
    double seconds = 0.0, mean_square = 0.0, growth = 0.0;
  };
  struct Pair {
    double seconds = 0.0;
    double at = 0.0, correlation = 0.0, slope = 0.0;  // E phi phi / E phi^2 at c = at, and its derivative in c
    double gap = 0.0;                                 // (1 - E phi phi / E phi^2) / (1 - c)
  };
  double iterated(double sigma_w, double sigma_b, double q, double c, int layers) const;
  double phased(double sigma_w, double sigma_b, double q) const;
  const Moments& moments_near(double q) const;
  const Pair& pair_near(double q, double c) const;
  /// Follows the length map from q to where it leads; false where it collapses or diverges.
  bool settle(double sigma_w, double sigma_b, double& q) const;
  double mehler_seconds(double q, double c, double& evaluations) const;

  const Activation& phi() const { return counted_.activation(); }

  CountedActivation counted_;
  double alone_, in_rows_;  // seconds of an evaluation
  mutable std::map<int, Moments> moments_;
  mutable std::map<std::pair<int, int>, Pair> pairs_;
  mutable std::map<std::array<int, 6>, double> iterations_;
  mutable std::map<std::array<int, 3>, double> phase_points_;
};

/// One for each activation of a study.
class TheoryCosts {
 public:
  /// `activation` is the study's own, which stays where it is.
  const AverageCosts& operator()(const Activation& activation) const {
    return costs_.try_emplace(&activation, activation).first->second;
  }

 private:
  mutable std::map<const Activation*, AverageCosts> costs_;
};

}  // namespace meander

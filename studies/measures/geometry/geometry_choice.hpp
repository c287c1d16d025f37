// What a study of `geometry` wants besides metric and length, and the arrays that follow from it.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "pipeline/measure/layout.hpp"
#include "pipeline/study/study.hpp"
#include "studies/curves/curve_study.hpp"

namespace meander {

/// Of the singular values, as in the figures of Poole et al. 2016.
inline constexpr std::size_t most_fractions = 5;

struct GeometryWishes {
  bool curvature = true;
  bool autocorrelation = true;
  /// Distances between points on the circle, in units of 2 pi / `divisions`: 0, step, 2 step, ...
  long divisions = 0;
  long step = 1;
  std::vector<int> component_layers;
  int components = 3;
  std::size_t most_samples = 0;

  static GeometryWishes of(const Study& study, const CurveStudy& curves);
  /// The distances as angles; none without autocorrelation.
  std::vector<double> deltas() const;
};

/// A boolean setting, where it is given.
std::optional<bool> asked(const Study& study, const char* key);

/// True where any (every) activation of the study has kinks.
struct Kinks {
  bool any = false;
  bool all = true;

  static Kinks of(const Study& study, const CurveStudy& curves);
};

std::vector<ArraySpec> geometry_measured_arrays(const GeometryWishes& wishes);
std::vector<ArraySpec> geometry_theory_arrays(const GeometryWishes& wishes);

}  // namespace meander

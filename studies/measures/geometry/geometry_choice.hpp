// What a study of `geometry` wants besides metric and length, and the arrays that follow from it.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "pipeline/measure/layout.hpp"
#include "studies/curves/curve_study.hpp"
#include "studies/declare/declaration.hpp"

namespace meander {

/// Of the singular values, as in the figures of Poole et al. 2016.
inline constexpr std::size_t most_fractions = 5;

/// [geometry]
struct GeometryKeys {
  explicit GeometryKeys(Declaration& declare);

  std::optional<bool> curvature, autocorrelation;
  long deltas = 250;
  std::vector<int> component_layers;
  int components = 3;
};

struct GeometryWishes {
  bool curvature = true;
  bool autocorrelation = true;
  /// Distances between points on the circle, in units of 2 pi / `divisions`: 0, step, 2 step, ...
  long divisions = 0;
  long step = 1;
  std::vector<int> component_layers;  // ascending
  int components = 3;
  std::size_t most_samples = 0;

  /// What a study of these curves can have of what it asks for. Complains of what it cannot.
  static GeometryWishes of(const Study& study, const GeometryKeys& keys, const CurveStudy& curves,
                           Diagnostics& diagnostics);
  /// The distances as angles; none without autocorrelation.
  std::vector<double> deltas() const;
};

std::vector<ArraySpec> geometry_measured_arrays(const GeometryWishes& wishes);
std::vector<ArraySpec> geometry_theory_arrays(const GeometryWishes& wishes);

}  // namespace meander

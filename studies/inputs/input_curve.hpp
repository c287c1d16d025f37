// The curve through input space that a study asks for: between random points, between points of a
// data set, or stored in a file.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/random/random_stream.hpp"
#include "pipeline/inputs/images.hpp"
#include "pipeline/study/study.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "pipeline/values/keys.hpp"

namespace meander {

/// [input] dimension, images, labels, q0 and [curve] kind, span, orthonormal, samples, pair, classes,
/// file.
std::vector<Key> input_curve_keys();

/// What a study says of its inputs, decoded.
class InputCurve {
 public:
  /// `network_inputs` is the input dimension of a stored network, or 0. Mistakes go to
  /// `diagnostics`; the object must not be used where there were any.
  InputCurve(const Study& study, int network_inputs, Diagnostics& diagnostics);

  int dimension() const { return dimension_; }
  bool is_circle() const { return (stored_ ? stored_->kind : kind_) == CurveKind::circle; }
  /// True where a realization draws its curve: random points, or a random pair of data.
  bool is_drawn() const;
  /// True where every realization's curve has one theory: it is not drawn, or a circle or arc between
  /// orthonormal points of given length (random points always have one).
  bool has_one_theory() const;

  /// The curve of a point and a realization's stream. Throws std::invalid_argument where the two
  /// points of the data span no circle.
  Curve curve(const Point& point, StreamKey key) const;
  /// A curve with the theory that all realizations share (has_one_theory).
  Curve typical_curve(const Point& point) const;

 private:
  using Pair = std::pair<std::size_t, std::size_t>;

  void read_files(const Study& study, Diagnostics& diagnostics);
  void read_pair(const Study& study, Diagnostics& diagnostics);
  void read_classes(const Study& study, Diagnostics& diagnostics);
  void find_dimension(const Study& study, int network_inputs, Diagnostics& diagnostics);

  Pair draw_pair(StreamKey key) const;
  std::vector<std::size_t> members(int label) const;
  Curve between(std::vector<double> x0, std::vector<double> x1, const std::optional<double>& q0) const;

  int dimension_ = 0;
  CurveKind kind_ = CurveKind::circle;
  double begin_ = 0.0;
  double end_ = 0.0;
  bool orthonormal_ = false;
  bool length_given_ = false;
  std::optional<Curve> stored_;
  std::optional<Images> images_;
  std::vector<std::uint8_t> labels_;
  std::optional<Pair> pair_;
  /// The images to choose the first and the second point from; empty: all.
  std::optional<std::pair<std::vector<std::size_t>, std::vector<std::size_t>>> classes_;
};

/// q0 of a point; nothing where the inputs keep their own scale.
std::optional<double> q0_of(const Point& point);

/// Checks q0 = "fixed_point" at every point of the sweep.
void check_fixed_point(const Study& study, Diagnostics& diagnostics);

}  // namespace meander

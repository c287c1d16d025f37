// The curve through input space that a study asks for: between random points, between points of a
// data set, or stored in a file.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/mean_field/gaussian_correction.hpp"
#include "kernels/random/random_stream.hpp"
#include "pipeline/inputs/images.hpp"
#include "studies/inputs/input_keys.hpp"
#include "studies/inputs/input_scale.hpp"
#include "studies/networks/network_source.hpp"

namespace meander {

/// What a study says of its inputs, decoded.
class InputCurve {
 public:
  /// `networks` may be null where they were complained of. Mistakes go to `diagnostics`; the object must not be used
  /// where there were any.
  InputCurve(const Study& study, const InputKeys& input, const CurveKeys& curve,
             const std::shared_ptr<const NetworkSource>& networks, Diagnostics& diagnostics);

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
  /// Of `curve`, a realization's own or the typical one, which stands for all that may be drawn.
  Participation participation(const Curve& curve) const;

 private:
  using Pair = std::pair<std::size_t, std::size_t>;

  void read_files(const Study& study, const InputKeys& input, const CurveKeys& curve, Diagnostics& diagnostics);
  void check_labels(const Study& study, const InputKeys& input, const CurveKeys& curve, Diagnostics& diagnostics) const;
  void read_pair(const Study& study, const CurveKeys& curve, Diagnostics& diagnostics);
  void read_classes(const Study& study, const InputKeys& input, const CurveKeys& curve, Diagnostics& diagnostics);
  void find_dimension(const Study& study, const InputKeys& input, const CurveKeys& curve, int network_inputs,
                      Diagnostics& diagnostics);

  Pair draw_pair(StreamKey key) const;
  std::vector<std::size_t> members(int label) const;
  Curve between(std::vector<double> x0, std::vector<double> x1, const std::optional<double>& q0) const;

  InputScale scale_;
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

}  // namespace meander

// The points of input space that a study asks for: random, or drawn from a data set.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "kernels/mean_field/gaussian_correction.hpp"
#include "kernels/random/random_stream.hpp"
#include "pipeline/inputs/images.hpp"
#include "studies/inputs/input_keys.hpp"
#include "studies/inputs/input_scale.hpp"
#include "studies/networks/network_source.hpp"

namespace meander {

/// The keys of a measure of single points: networks without a readout, their inputs, and those of its own.
template <class Own>
struct PointStudyKeys {
  explicit PointStudyKeys(Declaration& declare)
      : networks(declare, {.readout = false}), input(declare, points_wanted()), own(declare) {}

  NetworkKeys networks;
  InputKeys input;
  Own own;
};

/// Means over up to 100 images, evenly spread; tangents are taken to be like images.
Participation image_participation(const Images& images);

/// What a study says of its points, decoded.
class InputPoints {
 public:
  /// `needed` is the most points that a task draws; `networks` may be null where they were complained of. Mistakes go
  /// to `diagnostics`; the object must not be used where there were any.
  InputPoints(const Study& study, const InputKeys& keys, const std::shared_ptr<const NetworkSource>& networks,
              std::size_t needed, Diagnostics& diagnostics);

  int dimension() const { return dimension_; }
  /// The mean square of the points' components.
  const InputScale& scale() const { return scale_; }
  bool has_data() const { return images_.has_value(); }
  std::size_t data_count() const { return images_ ? images_->count : 0; }
  /// `count` points of a realization's stream: Gaussian and rescaled to q0 exactly, or distinct images (at
  /// their own scale unless q0 is given). The first of more points are the same.
  std::vector<std::vector<double>> draw(const Point& point, StreamKey key, std::size_t count) const;
  /// Of a point that may be drawn.
  Participation typical_participation() const;
  /// The images of these numbers, scaled alike.
  std::vector<std::vector<double>> images(const Point& point, const std::vector<std::size_t>& indices) const;

 private:
  InputScale scale_;
  int dimension_ = 0;
  std::optional<Images> images_;
};

}  // namespace meander

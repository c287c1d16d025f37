// Reads [input] and draws points: Gaussian ones row by row of the stream, images without repetition.
#include "studies/inputs/input_points.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "kernels/curves/curve.hpp"

namespace meander {

Participation image_participation(const Images& images) {
  const std::size_t count = std::min<std::size_t>(images.count, 100);
  double mean = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    mean += participation(images.point(i * images.count / count)).position / static_cast<double>(count);
  }
  return {mean, mean, mean};
}

InputPoints::InputPoints(const Study& study, const InputKeys& keys,
                         const std::shared_ptr<const NetworkSource>& networks, std::size_t needed,
                         Diagnostics& diagnostics)
    : scale_(study, keys.q0, networks, diagnostics), dimension_(networks ? networks->input_dimension() : 0) {
  const StudyFile* file = keys.images;
  if (file != nullptr && file->bytes != nullptr) {
    try {
      images_ = read_images(*file->bytes, file->path);
    } catch (const BadInput& error) {
      diagnostics.error(study.place("input.images"), error.what());
    }
  }
  const auto agree = [&](const char* path, int found, const char* what) {
    if (dimension_ == 0) dimension_ = found;
    if (dimension_ == found) return;
    diagnostics.error(study.place(path), fmt::format("{} has dimension {} ({} is expected) the dimensions of network "
                                                     "and input must agree",
                                                     what, found, dimension_));
  };
  if (images_) agree("input.images", static_cast<int>(images_->dimension), "an image");
  if (keys.dimension && file != nullptr) {
    diagnostics.error(study.place("input.dimension"),
                      "'dimension' has no meaning here ([input] images fixes the dimension) remove one of them");
  } else if (keys.dimension) {
    agree("input.dimension", *keys.dimension, "the input");
  }
  if (dimension_ == 0 && file == nullptr && study.file("network.file") == nullptr) {
    diagnostics.error(study.place("input"),
                      "'dimension' is missing (random points need it) write dimension = 784, or name data: images = "
                      "\"FILE\", in [input]");
  }
  if (images_ && images_->count < needed) {
    diagnostics.error(study.place("input.images"), fmt::format("{} holds {} images ({} points are drawn) name a larger "
                                                               "file or take fewer points",
                                                               file->path, images_->count, needed));
  }
}

std::vector<std::vector<double>> InputPoints::draw(const Point& point, StreamKey key, std::size_t count) const {
  if (!images_) {
    std::vector<std::vector<double>> points;
    for (std::size_t p = 0; p < count; ++p) {
      points.push_back(gaussian_point(key, static_cast<std::uint32_t>(p), dimension_));
      rescale(points.back(), scale_(point).value_or(1.0));
    }
    return points;
  }
  // The substream of images, as for curves; 64 bits make the remainder's bias negligible.
  const RandomStream stream(key, Purpose::points, 0, 1);
  std::vector<std::size_t> chosen;
  for (std::size_t p = 0; p < count; ++p) {
    std::array<std::uint32_t, 2> words{};
    stream.words(0, static_cast<std::uint32_t>(2 * p), words);
    const std::uint64_t word = std::uint64_t{words[0]} << 32 | words[1];
    auto index = static_cast<std::size_t>(word % (images_->count - p));
    // The index-th of those not chosen yet.
    std::vector<std::size_t> taken = chosen;
    std::sort(taken.begin(), taken.end());
    for (const std::size_t other : taken) index += other <= index ? 1 : 0;
    chosen.push_back(index);
  }
  return images(point, chosen);
}

Participation InputPoints::typical_participation() const {
  return images_ ? Participation{image_participation(*images_).position} : random_point_participation(dimension_);
}

std::vector<std::vector<double>> InputPoints::images(const Point& point,
                                                     const std::vector<std::size_t>& indices) const {
  std::vector<std::vector<double>> points;
  for (const std::size_t index : indices) {
    points.push_back(images_->point(index));
    if (const auto q0 = scale_(point)) rescale(points.back(), *q0);
  }
  return points;
}

}  // namespace meander

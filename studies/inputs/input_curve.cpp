// Reads [input] and [curve], and draws the curve of a realization.
#include "studies/inputs/input_curve.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "pipeline/inputs/arrays.hpp"
#include "studies/declare/sweep.hpp"
#include "studies/inputs/input_points.hpp"
#include "studies/networks/stored_networks.hpp"

namespace meander {
namespace {

/// Complains of each key that is given but means nothing beside `reason`.
void refuse_keys(const Study& study, std::initializer_list<const char*> paths, const std::string& reason,
                 Diagnostics& diagnostics) {
  for (const std::string path : paths) {
    const std::string name = path.substr(path.find('.') + 1);
    const bool swept = name == "q0" && is_swept(study, name);
    if (study.setting(path) == nullptr && !swept) continue;
    diagnostics.error(study.place(swept ? "sweep." + name : path),
                      fmt::format("'{}' has no meaning here ({}) remove one of them", name, reason));
  }
}

void check_span(const Study& study, const CurveKeys& curve, Diagnostics& diagnostics) {
  const bool from_file = curve.file != nullptr;
  const bool arc = curve.kind == CurveKind::arc;
  if (curve.span && curve.kind.value_or(from_file ? CurveKind::arc : CurveKind::circle) != CurveKind::arc) {
    diagnostics.error(
        study.place("curve.span"),
        "'span' belongs to an arc (circles and lines have their own range) add kind = \"arc\" or remove it");
  } else if (curve.span && (curve.span->size() != 2 || !((*curve.span)[0] < (*curve.span)[1]))) {
    diagnostics.error(
        study.place("curve.span"),
        fmt::format("'span' is [{}] (it must be [a, b] with a < b, in radians)", fmt::join(*curve.span, ", ")));
  } else if (arc && !curve.span && !from_file) {
    diagnostics.error(study.place("curve.kind"),
                      "an arc needs its 'span' (the range of t) write for instance span = [0, 1.5]");
  }
}

}  // namespace

InputCurve::InputCurve(const Study& study, const InputKeys& input, const CurveKeys& curve,
                       const std::shared_ptr<const NetworkSource>& networks, Diagnostics& diagnostics)
    : scale_(study, input.q0, networks, diagnostics), kind_(curve.kind.value_or(CurveKind::circle)) {
  check_span(study, curve, diagnostics);
  if (curve.span && curve.span->size() == 2) {
    begin_ = (*curve.span)[0];
    end_ = (*curve.span)[1];
  }
  read_files(study, input, curve, diagnostics);
  read_pair(study, curve, diagnostics);
  read_classes(study, input, curve, diagnostics);
  find_dimension(study, input, curve, networks ? networks->input_dimension() : 0, diagnostics);
  if (kind_ == CurveKind::line && curve.file == nullptr) {
    refuse_keys(study, {"curve.orthonormal"}, "a line joins its points as they are", diagnostics);
  } else {
    orthonormal_ = curve.orthonormal.value_or(input.images == nullptr);
  }
  length_given_ = scale_.is_given();
  if (orthonormal_ && dimension_ == 1 && !stored_) {
    diagnostics.error(
        study.place("input.dimension"),
        "'dimension' is 1 (two orthonormal points need two dimensions) raise it, or take kind = \"line\"");
  }
}

void InputCurve::read_files(const Study& study, const InputKeys& input, const CurveKeys& curve,
                            Diagnostics& diagnostics) {
  const auto read = [&](const char* path, const StudyFile* file, const auto& use) {
    if (file == nullptr || file->bytes == nullptr) return;
    try {
      use(std::span<const std::byte>(*file->bytes), file->path);
    } catch (const BadInput& error) {
      diagnostics.error(study.place(path), error.what());
    }
  };
  read("curve.file", curve.file, [&](auto bytes, const std::string& name) {
    stored_ = curve_from(read_arrays(bytes, name), name, {curve.kind, curve.span});
  });
  read("input.images", input.images, [&](auto bytes, const std::string& name) {
    images_ = read_images(bytes, name);
    labels_ = images_->labels;
  });
  read("input.labels", input.labels, [&](auto bytes, const std::string& name) { labels_ = read_labels(bytes, name); });

  if (curve.file != nullptr) {
    refuse_keys(study, {"input.images", "input.labels", "input.q0", "curve.orthonormal", "curve.pair", "curve.classes"},
                "[curve] file fixes the curve", diagnostics);
  } else if (input.images == nullptr) {
    refuse_keys(study, {"input.labels", "curve.pair", "curve.classes"}, "there is no [input] images", diagnostics);
  } else {
    refuse_keys(study, {"input.dimension"}, "[input] images fixes the dimension", diagnostics);
  }
  if (images_ && images_->count < 2) {
    diagnostics.error(
        study.place("input.images"),
        fmt::format("{} holds {} image (a curve joins two) name a larger file", input.images->path, images_->count));
  }
  check_labels(study, input, curve, diagnostics);
}

void InputCurve::check_labels(const Study& study, const InputKeys& input, const CurveKeys& curve,
                              Diagnostics& diagnostics) const {
  if (!images_ || input.labels == nullptr) return;
  if (!images_->labels.empty()) {
    diagnostics.error(study.place("input.labels"),
                      "'labels' has no meaning here (the images are CIFAR-10 binary, which brings labels) remove it");
  } else if (labels_.size() != images_->count) {
    diagnostics.error(study.place("input.labels"),
                      fmt::format("{} holds {} labels (the image file holds {} images) name the labels of those images",
                                  input.labels->path, labels_.size(), images_->count));
  } else if (!curve.classes) {
    diagnostics.error(study.place("input.labels"),
                      "'labels' is not used (only [curve] classes needs it) add classes or remove it");
  }
}

void InputCurve::read_pair(const Study& study, const CurveKeys& curve, Diagnostics& diagnostics) {
  if (!curve.pair) return;
  const std::vector<int>& pair = *curve.pair;
  const Place place = study.place("curve.pair");
  if (curve.classes) {
    diagnostics.error(place, "'pair' stands beside 'classes' (both choose the two points) remove one of them");
  }
  if (pair.size() != 2) {
    diagnostics.error(place,
                      fmt::format("'pair' has {} numbers (it names two images) write pair = [i, j]", pair.size()));
    return;
  }
  if (pair[0] == pair[1]) {
    diagnostics.error(place,
                      fmt::format("'pair' names image {} twice (a curve joins two points) choose another", pair[0]));
  }
  for (const int index : pair) {
    if (!images_ || static_cast<std::size_t>(index) < images_->count) continue;
    diagnostics.error(place, fmt::format("'pair' names image {} (the file holds images 0 to {}) choose another", index,
                                         images_->count - 1));
  }
  pair_ = Pair(static_cast<std::size_t>(pair[0]), static_cast<std::size_t>(pair[1]));
}

std::vector<std::size_t> InputCurve::members(int label) const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    if (labels_[i] == label) out.push_back(i);
  }
  return out;
}

void InputCurve::read_classes(const Study& study, const InputKeys& input, const CurveKeys& curve,
                              Diagnostics& diagnostics) {
  if (!curve.classes) return;
  const std::vector<int>& classes = *curve.classes;
  const Place place = study.place("curve.classes");
  if (classes.size() != 2) {
    diagnostics.error(
        place, fmt::format("'classes' has {} numbers (it names the classes of two points) write classes = [a, b]",
                           classes.size()));
    return;
  }
  if (!images_) return;
  if (labels_.empty()) {
    if (input.labels != nullptr) return;  // its own error was reported
    diagnostics.error(place,
                      "'classes' needs labels (the image file has none) name the file of labels: [input] labels");
    return;
  }
  classes_.emplace(members(classes[0]), members(classes[1]));
  for (const auto& [label, found] :
       {std::pair(classes[0], classes_->first.size()), std::pair(classes[1], classes_->second.size())}) {
    const std::size_t least = classes[0] == classes[1] ? 2 : 1;
    if (found >= least) continue;
    diagnostics.error(
        place, fmt::format("'classes' names class {} (the data hold {} images of it, {} needed) choose another", label,
                           found, least == 1 ? "one is" : "two are"));
  }
}

void InputCurve::find_dimension(const Study& study, const InputKeys& input, const CurveKeys& curve, int network_inputs,
                                Diagnostics& diagnostics) {
  const auto agree = [&](const char* path, int found, const char* what) {
    if (dimension_ == 0) dimension_ = found;
    if (dimension_ == found) return;
    diagnostics.error(
        study.place(path),
        fmt::format("{} has dimension {} ({} is expected) the dimensions of network, curve and input must agree", what,
                    found, dimension_));
  };
  dimension_ = network_inputs;
  if (stored_) agree("curve.file", stored_->dimension(), "the curve");
  if (images_ && !stored_) agree("input.images", static_cast<int>(images_->dimension), "an image");
  const bool from_data = input.images != nullptr;
  if (input.dimension && !from_data) agree("input.dimension", *input.dimension, "the input");
  const bool from_file = curve.file != nullptr || study.file("network.file") != nullptr || from_data;
  if (dimension_ == 0 && !from_file) {
    diagnostics.error(
        study.place("input"),
        "'dimension' is missing (random inputs need it) write dimension = 784, or name data: images = \"FILE\", "
        "in [input]");
  }
}

bool InputCurve::is_drawn() const {
  return !stored_ && !pair_;
}

bool InputCurve::has_one_theory() const {
  return !is_drawn() || ((!images_ || length_given_) && orthonormal_ && kind_ != CurveKind::line);
}

InputCurve::Pair InputCurve::draw_pair(StreamKey key) const {
  if (pair_) return *pair_;
  // Apart from the Gaussian points (substream 0). 64 bits make the remainder's bias negligible.
  std::array<std::uint32_t, 4> words{};
  RandomStream(key, Purpose::points, 0, 1).words(0, 0, words);
  const auto below = [&](std::size_t i, std::size_t count) {
    return static_cast<std::size_t>((std::uint64_t{words[2 * i]} << 32 | words[2 * i + 1]) % count);
  };
  if (classes_) {
    const auto& [first, second] = *classes_;
    const std::size_t chosen = first[below(0, first.size())];
    if (first != second) return {chosen, second[below(1, second.size())]};
    const std::size_t other = second[below(1, second.size() - 1)];
    return {chosen, other == chosen ? second.back() : other};
  }
  const std::size_t chosen = below(0, images_->count);
  const std::size_t other = below(1, images_->count - 1);
  return {chosen, other == chosen ? images_->count - 1 : other};
}

Curve InputCurve::between(std::vector<double> x0, std::vector<double> x1, const std::optional<double>& q0) const {
  if (orthonormal_) make_orthonormal(x0, x1);
  if (q0) {
    rescale(x0, *q0);
    rescale(x1, *q0);
  }
  Curve curve = curve_between(kind_, x0, x1);
  if (kind_ == CurveKind::arc) {
    curve.begin = begin_;
    curve.end = end_;
  }
  return curve;
}

Curve InputCurve::curve(const Point& point, StreamKey key) const {
  if (stored_) return *stored_;
  if (!images_) {
    return between(gaussian_point(key, 0, dimension_), gaussian_point(key, 1, dimension_), scale_(point).value_or(1.0));
  }
  const auto [first, second] = draw_pair(key);
  return between(images_->point(first), images_->point(second), scale_(point));
}

Curve InputCurve::typical_curve(const Point& point) const {
  if (!is_drawn()) return curve(point, StreamKey{});
  std::vector<double> x0(static_cast<std::size_t>(dimension_), 0.0);
  std::vector<double> x1 = x0;
  x0[0] = x1[1] = 1.0;
  return between(std::move(x0), std::move(x1), scale_(point).value_or(1.0));
}

Participation InputCurve::participation(const Curve& curve) const {
  if (!is_drawn() || !has_one_theory()) return meander::participation(curve);
  return images_ ? image_participation(*images_) : random_curve_participation(dimension_);
}

}  // namespace meander

#include "studies/inputs/input_keys.hpp"

namespace meander {
namespace {

std::optional<std::string> check_q0(const Value& value) {
  if (value.is_number() && value.number() > 0) return std::nullopt;
  if (value == Value("fixed_point")) return std::nullopt;
  return value.toml() + " is no mean square (it must be a number greater than 0, or \"fixed_point\")";
}

std::string text_or(const std::string& text, const char* usual) {
  return text.empty() ? usual : text;
}

std::string mnist_hint(const std::string& what, const std::string& file) {
  return what + "; for MNIST, get the file " + file +
         " of Yann LeCun's MNIST database or one of its mirrors and put it under data/";
}

}  // namespace

void KeyTraits<MeanSquare>::complete(Key& key) {
  if (!key.check) key.check = check_q0;
}

MeanSquare KeyTraits<MeanSquare>::decode(const Value& value) {
  if (value.is_number()) return {value.number(), false};
  return {1.0, true};
}

InputKeys::InputKeys(Declaration& declare, const Wanted& wanted) {
  declare(dimension, {.section = "input",
                      .name = "dimension",
                      .description = text_or(wanted.dimension_description, "components of a random input"),
                      .minimum = 1,
                      .maximum = 1 << 24});
  if (wanted.images) {
    declare(images, {.section = "input",
                     .name = "images",
                     .description = text_or(wanted.images_description,
                                            "data set whose points the curve joins: IDX (MNIST) or CIFAR-10 binary, "
                                            "gzip-compressed or not"),
                     .hint = mnist_hint("images in IDX or CIFAR-10 binary format", "t10k-images-idx3-ubyte.gz")});
  }
  if (wanted.labels) {
    declare(labels, {.section = "input",
                     .name = "labels",
                     .description = "labels of IDX images, for [curve] classes",
                     .hint = mnist_hint("labels in IDX format", "t10k-labels-idx1-ubyte.gz")});
  }
  declare(q0, {.section = "input",
               .name = "q0",
               .description = text_or(wanted.q0_description,
                                      "mean square of an input's components, met exactly: a number (1 for random "
                                      "points if left out; data keep their own scale) or \"fixed_point\", which starts "
                                      "layer 1 at q*")});
}

InputKeys::Wanted points_wanted() {
  return {
      .labels = false,
      .images_description = "data set to draw the points from: IDX (MNIST) or CIFAR-10 binary, gzip-compressed or not"};
}

CurveKeys::CurveKeys(Declaration& declare) {
  declare(kind,
          {.section = "curve",
           .name = "kind",
           .description = "circle: x0 cos t + x1 sin t, t in [0, 2 pi); arc: the same for t in span; line: x0 + t "
                          "(x1 - x0), t in [0, 1]; circle if left out, or what the file says"});
  declare(span,
          {.section = "curve", .name = "span", .units = "rad", .description = "[a, b], the range of t of an arc"});
  declare(orthonormal,
          {.section = "curve",
           .name = "orthonormal",
           .description = "circles and arcs: make x1 perpendicular to x0 and of equal norm; true for random points, "
                          "false for data if left out"});
  declare(samples, {.section = "curve",
                    .name = "samples",
                    .units = "samples",
                    .description = "points on the curve between which counts and lengths are taken; a circle's last is "
                                   "joined to its first",
                    .default_value = Value(1000),
                    .optional = true,
                    .minimum = 3,
                    .maximum = 1e9});
  declare(pair, {.section = "curve",
                 .name = "pair",
                 .description = "[i, j], the images that the curve joins, counted from 0",
                 .minimum = 0,
                 .maximum = 2e9});
  declare(classes, {.section = "curve",
                    .name = "classes",
                    .description = "[a, b], the classes of the two images that each realization draws",
                    .minimum = 0,
                    .maximum = 255});
  declare(file,
          {.section = "curve",
           .name = "file",
           .description = "HDF5 file with the curve itself: /curve/center, /curve/u and, unless a line, /curve/v; "
                          "may be the network's file",
           .hint = "a curve of your own in HDF5; `meander export` writes one as an example"});
}

}  // namespace meander

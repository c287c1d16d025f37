// The declaration of [input] and [curve].
#include <optional>
#include <string>
#include <utility>

#include "studies/inputs/input_curve.hpp"

namespace meander {
namespace {

Key optional_key(std::string section, std::string name, KeyType type, std::string description) {
  Key key;
  key.section = std::move(section);
  key.name = std::move(name);
  key.type = type;
  key.description = std::move(description);
  key.optional = true;
  return key;
}

std::optional<std::string> check_q0(const Value& value) {
  if (value.is_number() && value.number() > 0) return std::nullopt;
  const std::string* text = value.get_if<std::string>();
  if (text != nullptr && *text == "fixed_point") return std::nullopt;
  return value.toml() + " is no mean square (it must be a number greater than 0, or \"fixed_point\")";
}

std::vector<Key> input_keys() {
  Key dimension = optional_key("input", "dimension", KeyType::integer, "components of a random input");
  dimension.minimum = 1;
  dimension.maximum = 1 << 24;
  Key images =
      optional_key("input", "images", KeyType::file,
                   "data set whose points the curve joins: IDX (MNIST) or CIFAR-10 binary, gzip-compressed or not");
  images.hint =
      "images in IDX or CIFAR-10 binary format; for MNIST, get the file t10k-images-idx3-ubyte.gz of Yann LeCun's "
      "MNIST database "
      "or one of its mirrors and put it under data/";
  Key labels = optional_key("input", "labels", KeyType::file, "labels of IDX images, for [curve] classes");
  labels.hint =
      "labels in IDX format; for MNIST, get the file t10k-labels-idx1-ubyte.gz of Yann LeCun's MNIST database or one "
      "of its "
      "mirrors and put it under data/";
  Key q0 = optional_key(
      "input", "q0", KeyType::any,
      "mean square of an input's components, met exactly: a number (1 for random points if left out; data keep "
      "their own scale) or \"fixed_point\", which starts layer 1 at q*");
  q0.sweepable = true;
  q0.check = check_q0;
  return {dimension, images, labels, q0};
}

std::vector<Key> curve_keys() {
  Key kind = optional_key(
      "curve", "kind", KeyType::string,
      "circle: x0 cos t + x1 sin t, t in [0, 2 pi); arc: the same for t in span; line: x0 + t (x1 - x0), t in "
      "[0, 1]; circle if left out, or what the file says");
  kind.choices = {"circle", "arc", "line"};
  Key span = optional_key("curve", "span", KeyType::numbers, "[a, b], the range of t of an arc");
  span.units = "rad";
  Key orthonormal =
      optional_key("curve", "orthonormal", KeyType::boolean,
                   "circles and arcs: make x1 perpendicular to x0 and of equal norm; true for random points, false "
                   "for data if left out");
  Key samples =
      optional_key("curve", "samples", KeyType::integer,
                   "points on the curve between which counts and lengths are taken; a circle's last is joined to its "
                   "first");
  samples.units = "samples";
  samples.minimum = 3;
  samples.maximum = 1e9;
  samples.default_value = Value(1000);
  samples.sweepable = true;
  Key pair =
      optional_key("curve", "pair", KeyType::integers, "[i, j], the images that the curve joins, counted from 0");
  pair.minimum = 0;
  pair.maximum = 2e9;
  Key classes = optional_key("curve", "classes", KeyType::integers,
                             "[a, b], the classes of the two images that each realization draws");
  classes.minimum = 0;
  classes.maximum = 255;
  Key file =
      optional_key("curve", "file", KeyType::file,
                   "HDF5 file with the curve itself: /curve/center, /curve/u and, unless a line, /curve/v; may be the "
                   "network's file");
  file.hint = "a curve of your own in HDF5; `meander export` writes one as an example";
  return {kind, span, orthonormal, samples, pair, classes, file};
}

}  // namespace

std::vector<Key> input_curve_keys() {
  std::vector<Key> keys = input_keys();
  for (Key& key : curve_keys()) keys.push_back(std::move(key));
  return keys;
}

}  // namespace meander

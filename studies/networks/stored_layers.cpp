// Reads each layer after the ones before, so that shapes can be checked with the paths of what is wrong in them.
#include "studies/networks/stored_layers.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>

#include "pipeline/values/diagnostics.hpp"
#include "studies/networks/activation_value.hpp"
#include "studies/networks/stored_arrays.hpp"

namespace meander {
namespace {

constexpr std::int64_t largest = std::numeric_limits<int>::max();
constexpr const char* weight_of_dense = "a dense layer has a weight (out, in)";
constexpr const char* weight_of_convolution = "a convolution has a weight (out, in / groups, rows, columns)";

/// What the table of docs/format.md lets a kind have.
struct Parts {
  std::vector<std::string> datasets;
  std::vector<std::string> attributes;
};

Parts parts_of(const LayerKind& kind) {
  struct {
    Parts operator()(const Dense&) const { return {{"weight", "bias"}, {}}; }
    Parts operator()(const Convolution&) const {
      return {{"weight", "bias"}, {"stride", "dilation", "padding", "groups"}};
    }
    Parts operator()(const AveragePool&) const { return {{}, {"window", "stride", "padding"}}; }
    Parts operator()(const MaxPool&) const { return {{}, {"window", "stride", "padding"}}; }
    Parts operator()(const ScaleShift&) const { return {{"scale", "shift"}, {}}; }
    Parts operator()(const Flatten&) const { return {}; }
    Parts operator()(const Add&) const { return {{}, {"from"}}; }
  } parts;
  Parts out = std::visit(parts, kind);
  out.attributes.insert(out.attributes.begin(), {"kind", "activation"});
  return out;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Activations by their texts, each made once.
class Activations {
 public:
  Activations(const NamedArrays& arrays, const std::string& name) : arrays_(arrays), name_(name) {}

  /// That of the attribute at `path` ("activation", "/layers/0/activation"), or nothing where it is absent.
  std::optional<LayerActivation> at(const std::string& path) {
    if (arrays_.integers.contains(path) || arrays_.other_attributes.contains(path)) {
      refuse_file(name_, fmt::format("attribute {} is no text (it names phi) write \"relu\" for instance", path));
    }
    const auto text = arrays_.texts.find(path);
    if (text == arrays_.texts.end()) return std::nullopt;
    const auto known = known_.find(text->second);
    if (known != known_.end()) return known->second;
    try {
      Activation phi = activation_from(activation_value(text->second));
      const std::string settled = phi.text();  // one spelling for one function: "silu" is "swish"
      return known_.emplace(text->second, LayerActivation{std::move(phi), settled}).first->second;
    } catch (const std::invalid_argument& error) {
      refuse_file(name_, fmt::format("attribute {}: {}", path, error.what()));
    }
  }

 private:
  const NamedArrays& arrays_;
  const std::string& name_;
  std::map<std::string, LayerActivation> known_;
};

/// One group /layers/i.
class LayerReader {
 public:
  /// `shapes`: of the network's input, where it is known, and of all outputs before.
  LayerReader(const NamedArrays& arrays, int minor, const std::string& name, int index,
              const std::vector<Shape>& shapes)
      : arrays_(arrays), minor_(minor), name_(name), group_(layer_name(index)), shapes_(shapes) {}

  StoredNetwork::Entry read(Activations& activations, const std::optional<LayerActivation>& root) {
    entry_.kind = kind();
    check_parts();
    if (auto* dense = std::get_if<Dense>(&entry_.kind)) read_dense(*dense);
    if (auto* convolution = std::get_if<Convolution>(&entry_.kind)) read_convolution(*convolution);
    if (auto* pool = std::get_if<AveragePool>(&entry_.kind)) read_pool(*pool);
    if (auto* pool = std::get_if<MaxPool>(&entry_.kind)) read_pool(*pool);
    if (auto* scale = std::get_if<ScaleShift>(&entry_.kind)) read_scale(*scale);
    if (auto* add = std::get_if<Add>(&entry_.kind)) add->from = integers("from", 1, -1, std::nullopt)[0];
    entry_.activation = activations.at(group_ + "/activation");
    if (!entry_.activation && has_weights(entry_.kind)) {
      if (!root) {
        refuse(
            fmt::format("{0} has no activation (neither it nor the root has the attribute) add it to one of them, "
                        "\"linear\" for none",
                        group_));
      }
      entry_.activation = root;
    }
    return std::move(entry_);
  }

 private:
  [[noreturn]] void refuse(const std::string& problem) const { refuse_file(name_, problem); }

  LayerKind kind() const {
    const std::string path = group_ + "/kind";
    if (arrays_.integers.contains(path) || arrays_.other_attributes.contains(path)) {
      refuse(fmt::format("attribute {} is no text (it must be one of {}) write it again", path,
                         fmt::join(kind_names(), ", ")));
    }
    const auto text = arrays_.texts.find(path);
    if (text == arrays_.texts.end()) return Dense();
    if (const auto known = kind_named(text->second)) return *known;
    const std::string near = nearest(text->second, kind_names());
    refuse(fmt::format("attribute {} is \"{}\" ({}layers are {}) take one of them", path, text->second,
                       near.empty() ? "" : fmt::format("did you mean \"{}\"? ", near), fmt::join(kind_names(), ", ")));
  }

  /// Refuses what would be passed over in silence otherwise.
  void check_parts() const {
    if (minor_ == 0) return;
    const Parts parts = parts_of(entry_.kind);
    const std::string inside = group_ + "/";
    for (auto at = arrays_.arrays.lower_bound(inside); at != arrays_.arrays.end() && at->first.starts_with(inside);
         ++at) {
      if (contains(parts.datasets, at->first.substr(inside.size()))) continue;
      refuse(fmt::format("dataset {} belongs to no {} ({}) remove it", at->first, kind_name(entry_.kind),
                         parts.datasets.empty() ? std::string("it has no datasets")
                                                : fmt::format("it has {}", fmt::join(parts.datasets, ", "))));
    }
    const auto check = [&](const std::string& path) {
      if (!path.starts_with(inside)) return;
      const std::string bare = path.substr(inside.size());
      if (bare.find('/') != std::string::npos || bare.starts_with('_') || (bare[0] >= 'A' && bare[0] <= 'Z')) return;
      if (contains(parts.attributes, bare)) return;
      refuse(fmt::format("attribute {} belongs to no {} (it has {}) remove it", path, kind_name(entry_.kind),
                         fmt::join(parts.attributes, ", ")));
    };
    for (const auto& [path, text] : arrays_.texts) check(path);
    for (const auto& [path, values] : arrays_.integers) check(path);
    for (const std::string& path : arrays_.other_attributes) check(path);
  }

  /// `count` whole numbers of at least `least`; `otherwise` each where the attribute is absent.
  std::vector<int> integers(const char* attribute, std::size_t count, int least, std::optional<int> otherwise) const {
    const std::string path = group_ + "/" + attribute;
    const auto found = arrays_.integers.find(path);
    if (found == arrays_.integers.end()) {
      if (arrays_.texts.contains(path) || arrays_.other_attributes.contains(path)) {
        refuse(fmt::format("attribute {} is no whole number (it must be {}) write it again", path,
                           count == 1 ? "one" : fmt::format("{} of them", count)));
      }
      if (otherwise) return std::vector<int>(count, *otherwise);
      refuse(fmt::format("attribute {} is missing (a layer of kind {} needs it) add it", path, kind_name(entry_.kind)));
    }
    const std::vector<std::int64_t>& values = found->second;
    if (values.size() != count) {
      refuse(fmt::format("attribute {} is [{}] (it must have {} number{}) write it again", path,
                         fmt::join(values, ", "), count, count == 1 ? "" : "s"));
    }
    for (const std::int64_t value : values) {
      if (value >= least && value <= largest) continue;
      refuse(fmt::format("attribute {} is [{}] ({} is out of range: {} to {}) choose another", path,
                         fmt::join(values, ", "), value, least, largest));
    }
    return {values.begin(), values.end()};
  }

  Extents extents(const char* attribute, std::optional<Extents> otherwise) const {
    if (otherwise && !is_given(attribute)) return *otherwise;
    const std::vector<int> values = integers(attribute, 2, 1, std::nullopt);
    return {values[0], values[1]};
  }
  bool is_given(const char* attribute) const {
    const std::string path = group_ + "/" + attribute;
    return arrays_.integers.contains(path) || arrays_.texts.contains(path) || arrays_.other_attributes.contains(path);
  }
  Padding padding() const {
    const std::vector<int> values = integers("padding", 4, 0, 0);
    return {values[0], values[1], values[2], values[3]};
  }

  /// The weight with `rank` extents, all sound.
  const NamedArray& weight(std::size_t rank, const char* what, const char* extents) const {
    const NamedArray& array = require_array(arrays_, group_ + "/weight", name_, what);
    const bool sound =
        array.shape.size() == rank && std::all_of(array.shape.begin(), array.shape.end(), [](std::size_t extent) {
          return extent >= 1 && extent <= static_cast<std::size_t>(largest);
        });
    if (!sound) {
      refuse(fmt::format("{}/weight has shape {} (it must be {}, {} at least 1)", group_, shape_text(array), extents,
                         rank == 2 ? "both" : "all"));
    }
    return array;
  }

  void take_weight(const NamedArray& weight) {
    entry_.weight = weight.values;
    entry_.bias.assign(weight.shape[0], 0.0);
    if (minor_ > 0 && arrays_.find(group_ + "/bias") == nullptr) return;
    const NamedArray& bias = require_array(arrays_, group_ + "/bias", name_, "write zeros for a layer without bias");
    if (bias.shape != std::vector<std::size_t>{weight.shape[0]}) {
      refuse(fmt::format("shapes do not chain ({0}/bias is {1}, {0}/weight is {2}) the bias must have {3} numbers",
                         group_, shape_text(bias), shape_text(weight), weight.shape[0]));
    }
    entry_.bias = bias.values;
  }

  void read_dense(Dense& dense) {
    const NamedArray& array = weight(2, weight_of_dense, "(out, in)");
    const bool vector = !shapes_.empty() && shapes_.back().size() == 1;
    if (vector && array.shape[1] != static_cast<std::size_t>(shapes_.back()[0])) {
      refuse(fmt::format("shapes do not chain ({}/weight is {}, {} {}) its second extent must be {}", group_,
                         shape_text(array), shapes_.size() == 1 ? "the input has" : "the layer before has",
                         shapes_.size() == 1 ? fmt::format("{} numbers", shapes_.back()[0])
                                             : fmt::format("{} outputs", shapes_.back()[0]),
                         shapes_.back()[0]));
    }
    dense.outputs = static_cast<int>(array.shape[0]);
    take_weight(array);
  }

  void read_convolution(Convolution& convolution) {
    const NamedArray& array = weight(4, weight_of_convolution, "(out, in / groups, rows, columns)");
    const auto extent = [&](std::size_t i) { return static_cast<int>(array.shape[i]); };
    convolution.channels = extent(0);
    convolution.kernel = {extent(2), extent(3)};
    convolution.stride = extents("stride", Extents{1, 1});
    convolution.dilation = extents("dilation", Extents{1, 1});
    convolution.padding = padding();
    convolution.groups = integers("groups", 1, 1, 1)[0];
    const bool picture = !shapes_.empty() && shapes_.back().size() == 3;
    if (picture && std::int64_t{extent(1)} * convolution.groups != shapes_.back()[0]) {
      refuse(fmt::format(
          "shapes do not chain ({0}/weight is {1}, the input has {2} channels in {3} group{4}) its second "
          "extent must be {2} / {3}",
          group_, shape_text(array), shapes_.back()[0], convolution.groups, convolution.groups == 1 ? "" : "s"));
    }
    take_weight(array);
  }

  template <class Pool>
  void read_pool(Pool& pool) {
    pool.window = extents("window", std::nullopt);
    pool.stride = extents("stride", pool.window);
    pool.padding = padding();
  }

  void read_scale(ScaleShift& layer) {
    for (const auto& [dataset, values] : {std::pair("scale", &layer.scale), std::pair("shift", &layer.shift)}) {
      const NamedArray& array = require_array(arrays_, group_ + "/" + dataset, name_,
                                              "a scale_shift has one per channel, or per component of a vector");
      if (array.shape.size() != 1) {
        refuse(fmt::format("{}/{} has shape {} (it must be a vector, one per channel or component)", group_, dataset,
                           shape_text(array)));
      }
      *values = array.values;
    }
  }

  const NamedArrays& arrays_;
  int minor_;
  const std::string& name_;
  std::string group_;
  const std::vector<Shape>& shapes_;
  StoredNetwork::Entry entry_;
};

/// Version 1.0 knows no kinds, and would take every layer for a dense one.
void refuse_kinds(const NamedArrays& arrays, const std::string& name) {
  const auto check = [&](const std::string& path) {
    for (const char* attribute : {"kind", "activation"}) {
      if (!path.starts_with("/layers/") || !path.ends_with(std::string("/") + attribute)) continue;
      refuse_file(name, fmt::format("attribute {} needs version [1, 1] (the file says [1, 0]) write that", path));
    }
  };
  for (const auto& [path, text] : arrays.texts) check(path);
}

/// "12" as 12, and nothing else as a number.
std::optional<int> layer_number(const std::string& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || std::to_string(number) != text) return std::nullopt;
  return number;
}

/// Refuses what stands where a network's numbers do and is none: a bias would silently be taken for zeros.
void refuse_others(const NamedArrays& arrays) {
  for (const auto& [path, message] : arrays.others) {
    if (path.starts_with("/layers") || path.starts_with("/readout")) throw BadInput(message);
  }
}

/// The number of layers; refuses gaps, which would silently cut the network short.
int count_layers(const NamedArrays& arrays, int minor, const std::string& name) {
  constexpr std::string_view root = "/layers/";
  std::map<int, std::string> found;  // with what is there
  const auto take = [&](const char* what, const std::string& path) {
    if (!path.starts_with(root)) return;
    const std::string text = path.substr(root.size(), path.find('/', root.size()) - root.size());
    const std::optional<int> number = layer_number(text);
    if (!number || *number < 0) {
      refuse_file(
          name, fmt::format("{} {} belongs to no layer (layers are /layers/0, /layers/1, ...) rename it", what, path));
    }
    found.emplace(*number, fmt::format("{} {}", what, path));
  };
  for (const auto& [path, array] : arrays.arrays) take("dataset", path);
  for (const std::string& path : arrays.groups) take("group", path);
  if (minor > 0) {
    for (const auto& [path, text] : arrays.texts) take("attribute", path);
    for (const auto& [path, values] : arrays.integers) take("attribute", path);
  }
  int count = 0;
  for (const auto& [number, what] : found) {
    if (number != count) {
      refuse_file(name, fmt::format("{} belongs to no layer (layers are /layers/0, /layers/1, ... without gaps, and "
                                    "/layers/{} is missing)",
                                    what, count));
    }
    ++count;
  }
  if (count == 0) refuse_file(name, "no layers (group /layers/0 is missing) add them");
  return count;
}

/// The root's input_shape, where it is there.
std::optional<Shape> input_shape_of(const NamedArrays& arrays, const std::string& name) {
  const auto given = arrays.integers.find("input_shape");
  if (given == arrays.integers.end()) {
    if (arrays.texts.contains("input_shape") || arrays.other_attributes.contains("input_shape")) {
      refuse_file(name,
                  "attribute input_shape is no whole number (it is [n] or [channels, rows, columns]) write it again");
    }
    return std::nullopt;
  }
  const std::vector<std::int64_t>& values = given->second;
  std::int64_t size = 1;
  bool sound = values.size() == 1 || values.size() == 3;
  for (const std::int64_t extent : values) {
    sound = sound && extent >= 1 && extent <= largest / size;
    if (sound) size *= extent;
  }
  if (!sound) {
    refuse_file(name, fmt::format("attribute input_shape is [{}] (it must be [n] or [channels, rows, columns], each at "
                                  "least 1, at most {} numbers in all) write it again",
                                  fmt::join(values, ", "), largest));
  }
  return Shape(values.begin(), values.end());
}

}  // namespace

StoredLayers layers_from(const NamedArrays& arrays, int minor, const std::string& name) {
  refuse_others(arrays);
  Activations activations(arrays, name);
  const std::optional<LayerActivation> root = activations.at("activation");
  if (!root && minor == 0) {
    refuse_file(name, "attribute activation is missing (it names phi) add it, \"relu\" for instance");
  }
  if (minor == 0) refuse_kinds(arrays, name);
  const int count = count_layers(arrays, minor, name);
  std::vector<Shape> shapes;
  if (minor > 0) {
    if (const auto given = input_shape_of(arrays, name)) shapes.push_back(*given);
  }
  StoredLayers layers;
  for (int index = 0; index < count; ++index) {
    StoredNetwork::Entry entry = LayerReader(arrays, minor, name, index, shapes).read(activations, root);
    if (shapes.empty()) {
      // A first dense layer says by itself what it takes.
      if (!std::holds_alternative<Dense>(entry.kind)) {
        refuse_file(name,
                    fmt::format("attribute input_shape is missing (/layers/0 is of kind {}, and only a dense layer "
                                "says itself what it takes) add it, [channels, rows, columns] or [n]",
                                kind_name(entry.kind)));
      }
      shapes.push_back({static_cast<int>(arrays.find("/layers/0/weight")->shape[1])});
    }
    try {
      shapes.push_back(output_shape(entry.kind, shapes));
    } catch (const std::invalid_argument& error) {
      refuse_file(name, error.what());
    }
    layers.entries.push_back(std::move(entry));
  }
  layers.input_shape = shapes.front();
  layers.output = shapes.back();
  return layers;
}

}  // namespace meander

// The keys of random networks, and the code that turns a point of the sweep into a network's
// parameters.
#include "studies/networks/random_networks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "studies/networks/activation_value.hpp"

namespace meander {
namespace {

constexpr std::array<std::string_view, 7> network_keys{"width",   "depth",      "widths", "sigma_w",
                                                       "sigma_b", "activation", "weights"};
/// One layer of this many neurons fills the memory of any node; beyond it, sizes would overflow.
constexpr double most_neurons = 1 << 24;
constexpr double most_layers = 1 << 20;

Key sweep_key(std::string name, KeyType type, std::string description) {
  Key key;
  key.section = "sweep";
  key.name = std::move(name);
  key.type = type;
  key.description = std::move(description);
  key.optional = true;
  key.sweepable = true;
  return key;
}

std::string sweep_path(const Study& study, std::string_view name) {
  return study.dimension(name) != nullptr || study.dimension("point") == nullptr ? fmt::format("sweep.{}", name)
                                                                                 : "sweep.point";
}

/// True where some point of the sweep gives `name`.
bool is_mentioned(const Study& study, std::string_view name) {
  if (study.dimension(name) != nullptr) return true;
  const SweepDimension* points = study.dimension("point");
  if (points == nullptr) return false;
  return std::any_of(points->values.begin(), points->values.end(), [&](const Value& value) {
    const Table* table = value.get_if<Table>();
    return table != nullptr && table->find(name) != nullptr;
  });
}

void require(const Study& study, std::string_view name, std::string_view example, Diagnostics& diagnostics) {
  if (is_swept(study, name)) return;
  const char* problem = is_mentioned(study, name) ? "is given for some points only" : "is missing";
  diagnostics.error(
      study.place(sweep_path(study, name)),
      fmt::format("'{}' {} (a random network needs it) write for instance {} in [sweep]", name, problem, example));
}

}  // namespace

std::vector<Key> random_network_keys() {
  Key width = sweep_key("width", KeyType::integer, "neurons in each layer");
  width.units = "neurons";
  width.minimum = 1;
  width.maximum = most_neurons;
  Key depth = sweep_key("depth", KeyType::integer, "number of layers");
  depth.units = "layers";
  depth.minimum = 1;
  depth.maximum = most_layers;
  Key widths = sweep_key("widths", KeyType::integers,
                         "neurons in each layer, one number a layer, instead of width and depth: [[500, 50, 500]]");
  widths.units = "neurons";
  widths.minimum = 1;
  widths.maximum = most_neurons;
  Key sigma_w = sweep_key("sigma_w", KeyType::number, "standard deviation of the weights times sqrt(fan_in)");
  sigma_w.minimum = 0;
  Key sigma_b = sweep_key("sigma_b", KeyType::number, "standard deviation of the biases");
  sigma_b.minimum = 0;
  sigma_b.default_value = Value(0.0);
  Key activation =
      sweep_key("activation", KeyType::any,
                "phi: a name (linear relu hard_tanh tanh erf sigmoid gelu swish), { breakpoints, slopes, value }, "
                "{ hermite = [c0, c1, ...] } or { expression = \"x * erf(x)\" }");
  activation.check = check_activation;
  Key weights =
      sweep_key("weights", KeyType::any,
                "law of the weights, all of variance sigma_w^2/fan_in: gaussian orthogonal uniform rademacher, "
                "{ law = \"student_t\", dof = 4 } (dof > 2) or { law = \"sparse\", density = 0.1 }");
  weights.default_value = Value("gaussian");
  weights.check = check_weight_law;
  Key readout;
  readout.section = "readout";
  readout.name = "sigma";
  readout.description =
      "adds one linear output without bias to random networks: standard deviation of its weights times sqrt(fan_in)";
  readout.minimum = 0;
  readout.minimum_exclusive = true;
  readout.optional = true;
  return {width, depth, widths, sigma_w, sigma_b, activation, weights, readout};
}

bool is_swept(const Study& study, std::string_view name) {
  if (study.dimension(name) != nullptr) return true;
  const SweepDimension* points = study.dimension("point");
  if (points == nullptr) return false;
  return std::all_of(points->values.begin(), points->values.end(), [&](const Value& value) {
    const Table* table = value.get_if<Table>();
    return table != nullptr && table->find(name) != nullptr;
  });
}

std::vector<Point> distinct_points(const Study& study, const std::vector<std::string_view>& names) {
  std::vector<std::vector<std::size_t>> combinations{std::vector<std::size_t>(study.sweep.size(), 0)};
  for (std::size_t d = 0; d < study.sweep.size(); ++d) {
    const SweepDimension& dimension = study.sweep[d];
    if (dimension.name != "point" && std::find(names.begin(), names.end(), dimension.name) == names.end()) continue;
    std::vector<std::vector<std::size_t>> longer;
    for (std::vector<std::size_t>& indices : combinations) {
      for (indices[d] = 0; indices[d] < dimension.values.size(); ++indices[d]) longer.push_back(indices);
    }
    combinations = std::move(longer);
  }
  std::vector<Point> points;
  points.reserve(combinations.size());
  for (std::vector<std::size_t>& indices : combinations) points.emplace_back(study, std::move(indices));
  return points;
}

void check_random_networks(const Study& study, Diagnostics& diagnostics) {
  if (is_mentioned(study, "widths")) {
    for (const char* other : {"width", "depth"}) {
      if (!is_mentioned(study, other)) continue;
      diagnostics.error(
          study.place(sweep_path(study, other)),
          fmt::format("'{}' stands beside 'widths' (widths already says how wide and how deep) remove one of them",
                      other));
    }
    require(study, "widths", "widths = [[500, 50, 500]]", diagnostics);
  } else {
    require(study, "width", "width = [100, 500]", diagnostics);
    require(study, "depth", "depth = 10", diagnostics);
  }
  require(study, "sigma_w", "sigma_w = [1.0, 2.0]", diagnostics);
  require(study, "activation", "activation = \"hard_tanh\"", diagnostics);
}

void refuse_random_networks(const Study& study, Diagnostics& diagnostics) {
  for (const std::string_view name : network_keys) {
    if (!is_mentioned(study, name)) continue;
    diagnostics.error(
        study.place(sweep_path(study, name)),
        fmt::format("'{}' stands beside [network] file (the file fixes the network) remove one of them", name));
  }
  if (has_readout(study)) {
    diagnostics.error(
        study.place("readout.sigma"),
        "'sigma' stands beside [network] file (a stored network brings its own readout, or has none) remove "
        "[readout]");
  }
}

std::vector<int> widths_of(const Point& point) {
  if (const Value* widths = point.find("widths")) {
    std::vector<int> out;
    for (const Value& width : *widths->get_if<List>()) out.push_back(static_cast<int>(width.number()));
    return out;
  }
  return std::vector<int>(static_cast<std::size_t>(point.integer("depth")), static_cast<int>(point.integer("width")));
}

int max_depth(const Study& study) {
  std::size_t deepest = 0;
  for (const Point& point : distinct_points(study, {"depth", "widths"})) {
    const Value* widths = point.find("widths");
    deepest = std::max(
        deepest, widths != nullptr ? widths->get_if<List>()->size() : static_cast<std::size_t>(point.integer("depth")));
  }
  return static_cast<int>(deepest);
}

bool has_readout(const Study& study) {
  return study.setting("readout.sigma") != nullptr;
}

RandomNetwork::Parameters network_parameters(const Point& point, int input_dimension) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = input_dimension;
  parameters.widths = widths_of(point);
  if (const Value* activation = point.find("activation")) parameters.activation = activation_from(*activation);
  parameters.sigma_w = point.number("sigma_w");
  const Value* sigma_b = point.find("sigma_b");
  parameters.sigma_b = sigma_b == nullptr ? 0.0 : sigma_b->number();
  const Value* weights = point.find("weights");
  if (weights != nullptr) parameters.law = weight_law_from(*weights);
  if (has_readout(point.study())) parameters.readout_sigma = point.study().setting("readout.sigma")->number();
  return parameters;
}

}  // namespace meander

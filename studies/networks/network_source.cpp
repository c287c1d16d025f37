#include "studies/networks/network_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "pipeline/inputs/arrays.hpp"
#include "studies/declare/sweep.hpp"
#include "studies/networks/stored_networks.hpp"

namespace meander {
namespace {

constexpr std::array<std::string_view, 7> network_keys{"width",   "depth",      "widths", "sigma_w",
                                                       "sigma_b", "activation", "weights"};

void require(const Study& study, std::string_view name, std::string_view example, Diagnostics& diagnostics) {
  if (is_swept(study, name)) return;
  const char* problem = is_mentioned(study, name) ? "is given for some points only" : "is missing";
  diagnostics.error(
      study.place(sweep_path(study, name)),
      fmt::format("'{}' {} (a random network needs it) write for instance {} in [sweep]", name, problem, example));
}

/// Complains of missing and of contradicting parameters.
void check_random(const Study& study, Diagnostics& diagnostics) {
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

/// The network of a file, the same for every task.
class StoredNetworks final : public NetworkSource {
 public:
  explicit StoredNetworks(StoredNetwork network)
      : network_(std::make_shared<const StoredNetwork>(std::move(network))) {}

  std::shared_ptr<const StoredNetwork> stored() const override { return network_; }
  int depth() const override { return network_->depth(); }
  int input_dimension() const override { return network_->input_dimension(); }
  std::vector<int> widths(const Point&) const override {
    std::vector<int> widths;
    for (int layer = 1; layer <= network_->depth(); ++layer) widths.push_back(network_->width(layer));
    return widths;
  }
  const Activation& activation(const Point&) const override { return network_->activation(); }
  std::string activation_text(const Point&) const override { return std::string(network_->activation_text(1)); }
  int readout_outputs() const override { return network_->readout_outputs(); }
  std::shared_ptr<const Network> network(const Point&, StreamKey, int) const override { return network_; }
  std::optional<WeightLaw> law(const Point&) const override { return std::nullopt; }

 private:
  std::shared_ptr<const StoredNetwork> network_;
};

std::shared_ptr<const NetworkSource> stored_source(const Study& study, const StudyFile& file, LayersTaken taken,
                                                   Diagnostics& diagnostics) {
  if (file.bytes == nullptr) return nullptr;
  try {
    StoredNetwork network = network_from(read_arrays(*file.bytes, file.path), file.path);
    const auto problem = taken == LayersTaken::dense ? one_activation_problem(network, study.measure) : std::nullopt;
    if (problem) throw BadInput(file.path + ": " + *problem);
    return std::make_shared<StoredNetworks>(std::move(network));
  } catch (const BadInput& error) {
    diagnostics.error(study.place("network.file"), error.what());
    return nullptr;
  }
}

}  // namespace

RandomNetworks::RandomNetworks(NetworkKeys keys) : keys_(std::move(keys)) {}

int RandomNetworks::depth() const {
  int deepest = 0;
  for (const std::vector<int>& widths : keys_.widths.values()) {
    deepest = std::max(deepest, static_cast<int>(widths.size()));
  }
  for (const int depth : keys_.depth.values()) deepest = std::max(deepest, depth);
  return deepest;
}

std::vector<int> RandomNetworks::widths(const Point& point) const {
  if (const std::vector<int>* widths = keys_.widths.find(point)) return *widths;
  return std::vector<int>(static_cast<std::size_t>(keys_.depth(point)), keys_.width(point));
}

const Activation& RandomNetworks::activation(const Point& point) const {
  const Activation* activation = keys_.activation.find(point);
  return activation != nullptr ? *activation : linear_;
}

std::optional<WeightLaw> RandomNetworks::law(const Point& point) const {
  return keys_.weights.value_or(point, WeightLaw{});
}

RandomNetwork::Parameters RandomNetworks::parameters(const Point& point, int inputs) const {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = inputs;
  parameters.widths = widths(point);
  parameters.activation = activation(point);
  parameters.sigma_w = sigma_w(point);
  parameters.sigma_b = sigma_b(point);
  parameters.law = keys_.weights.value_or(point, WeightLaw{});
  if (keys_.readout_sigma) parameters.readout_sigma = *keys_.readout_sigma;
  return parameters;
}

std::shared_ptr<const Network> RandomNetworks::network(const Point& point, StreamKey key, int inputs) const {
  return std::make_shared<RandomNetwork>(parameters(point, inputs), key);
}

void refuse_random_networks(const Study& study, Diagnostics& diagnostics) {
  for (const std::string_view name : network_keys) {
    if (!is_mentioned(study, name)) continue;
    diagnostics.error(
        study.place(sweep_path(study, name)),
        fmt::format("'{}' stands beside [network] file (the file fixes the network) remove one of them", name));
  }
  if (study.setting("readout.sigma") != nullptr) {
    diagnostics.error(
        study.place("readout.sigma"),
        "'sigma' stands beside [network] file (a stored network brings its own readout, or has none) remove "
        "[readout]");
  }
}

std::shared_ptr<const NetworkSource> network_source(const Study& study, const NetworkKeys& keys,
                                                    Diagnostics& diagnostics, LayersTaken taken) {
  if (keys.file != nullptr) {
    refuse_random_networks(study, diagnostics);
    return stored_source(study, *keys.file, taken, diagnostics);
  }
  check_random(study, diagnostics);
  return diagnostics.failed() ? nullptr : std::make_shared<RandomNetworks>(keys);
}

std::vector<Point> activation_points(const Study& study, const NetworkSource& networks) {
  if (networks.random() != nullptr) return distinct_points(study, {"activation"});
  return distinct_points(study, {});
}

void require_linear_pieces(const Study& study, const NetworkSource& networks, const std::string& why,
                           Diagnostics& diagnostics) {
  for (const Point& point : activation_points(study, networks)) {
    if (networks.activation(point).pieces() != nullptr) continue;
    const char* path = networks.random() != nullptr ? "sweep.activation" : "network.file";
    diagnostics.error(study.place(path),
                      fmt::format("activation {} has no linear pieces ({}) take relu, hard_tanh or linear pieces of "
                                  "your own",
                                  networks.activation(point).label(), why));
  }
}

void warn_of_repetition(const Study& study, const std::string& what, Diagnostics& diagnostics) {
  if (study.realizations == 1) return;
  diagnostics.warning(study.place("realizations"),
                      fmt::format("all {} realizations will be the same ({}) one is enough", study.realizations, what));
}

}  // namespace meander

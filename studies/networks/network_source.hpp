// Where the network of a task comes from: drawn at random with the parameters of its point, or stored in a file.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/networks/network.hpp"
#include "kernels/random/random_stream.hpp"
#include "pipeline/measure/measure.hpp"
#include "studies/networks/network_keys.hpp"

namespace meander {

class RandomNetworks;

/// The networks of a study, decoded.
class NetworkSource {
 public:
  virtual ~NetworkSource() = default;
  NetworkSource(const NetworkSource&) = delete;
  NetworkSource& operator=(const NetworkSource&) = delete;

  /// Parameters of random networks, for theory; null where there are none.
  virtual const RandomNetworks* random() const { return nullptr; }
  /// The network itself where it is the same for all tasks; null where tasks draw theirs.
  virtual std::shared_ptr<const StoredNetwork> stored() const { return nullptr; }

  /// The deepest network's depth.
  virtual int depth() const = 0;
  /// Inputs that every network has; 0 where the study chooses.
  virtual int input_dimension() const = 0;
  virtual std::vector<int> widths(const Point& point) const = 0;
  virtual const Activation& activation(const Point& point) const = 0;
  /// As an archive or a network file names it.
  virtual std::string activation_text(const Point& point) const = 0;
  virtual int readout_outputs() const = 0;
  /// The network of a point and a realization's stream, with `inputs` inputs where that is not fixed.
  virtual std::shared_ptr<const Network> network(const Point& point, StreamKey key, int inputs) const = 0;
  /// The distribution that a point's weights are drawn from; nothing where they are not drawn.
  virtual std::optional<WeightLaw> law(const Point& point) const = 0;

 protected:
  NetworkSource() = default;
};

class RandomNetworks final : public NetworkSource {
 public:
  /// The keys give what a network needs (see network_source).
  explicit RandomNetworks(NetworkKeys keys);

  const RandomNetworks* random() const override { return this; }
  int depth() const override;
  int input_dimension() const override { return 0; }
  std::vector<int> widths(const Point& point) const override;
  /// Linear where the study names none (its measure makes its own).
  const Activation& activation(const Point& point) const override;
  std::string activation_text(const Point& point) const override { return activation(point).text(); }
  int readout_outputs() const override { return keys_.readout_sigma ? 1 : 0; }
  std::shared_ptr<const Network> network(const Point& point, StreamKey key, int inputs) const override;
  std::optional<WeightLaw> law(const Point& point) const override;

  double sigma_w(const Point& point) const { return keys_.sigma_w(point); }
  double sigma_b(const Point& point) const { return keys_.sigma_b.value_or(point, 0.0); }
  RandomNetwork::Parameters parameters(const Point& point, int inputs) const;

 private:
  NetworkKeys keys_;
  Activation linear_ = Activation::named("linear");
};

/// What a measure takes of stored networks: dense layers with one activation, or whatever the forward pass can do.
enum class LayersTaken { dense, all };

/// The source that a study's keys ask for. Complains of parameters that are missing, that contradict each other or that
/// stand beside a file, of a file that is no network, and of one whose layers are others than dense ones with one
/// activation, by their names; null where there is none then.
std::shared_ptr<const NetworkSource> network_source(const Study& study, const NetworkKeys& keys,
                                                    Diagnostics& diagnostics, LayersTaken taken = LayersTaken::dense);

/// Complains of parameters of random networks in a study of a stored one.
void refuse_random_networks(const Study& study, Diagnostics& diagnostics);

/// Complains where an activation of the study has no linear pieces; `why` completes "(...)".
void require_linear_pieces(const Study& study, const NetworkSource& networks, const std::string& why,
                           Diagnostics& diagnostics);

/// Whether a property holds for any, and for every activation of a study.
struct Extent {
  bool any = false;
  bool all = true;
};
template <class Property>
Extent activations_with(const Study& study, const NetworkSource& networks, const Property& property);

/// Points that differ in their activation: one where it is stored.
std::vector<Point> activation_points(const Study& study, const NetworkSource& networks);

/// Warns where several realizations would repeat each other: nothing is drawn.
void warn_of_repetition(const Study& study, const std::string& what, Diagnostics& diagnostics);

/// The stream of a task's realization.
inline StreamKey task_stream(const Task& task) {
  return stream_key(task.seed, task.realization, task.salt);
}

template <class Property>
Extent activations_with(const Study& study, const NetworkSource& networks, const Property& property) {
  Extent extent;
  for (const Point& point : activation_points(study, networks)) {
    const bool holds = property(networks.activation(point));
    extent.any = extent.any || holds;
    extent.all = extent.all && holds;
  }
  return extent;
}

}  // namespace meander

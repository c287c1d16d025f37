// Networks are lists of layers: fully connected ones h^l = W^l x^(l-1) + b^l, x^l = phi(h^l) drawn from a weight law,
// and stored ones of every kind of layer.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/networks/activation.hpp"
#include "kernels/networks/layer.hpp"
#include "kernels/random/random_stream.hpp"

namespace meander {

/// The law of a weight matrix. Every law has mean zero and variance sigma_w^2 / fan_in.
struct WeightLaw {
  enum class Kind { gaussian, orthogonal, uniform, rademacher, student_t, sparse };
  Kind kind = Kind::gaussian;
  /// Degrees of freedom of student_t (> 2), density of sparse (0 < density <= 1); else unused.
  double parameter = 0.0;
};

/// Which entries of a network's list make up a layer as the papers count it: one with weights and the activation that
/// follows it, whichever entry holds that; what stands behind, up to the next entry with weights, belongs to it too.
struct LayerParts {
  int weights = 0;
  /// The entry whose activation it is: h^l is what it is applied to, x^l what the layer hands on in the end.
  int activation = 0;
  int last = 0;
};

/// What a layered network offers to a kernel. A layer's matrix is written into the caller's
/// buffer, so that a random network need never be held whole. Layers, as the papers count them, count from 1; the
/// entries of the list, from 0.
class Network {
 public:
  virtual ~Network() = default;

  /// The list, shapes filled in.
  const std::vector<NetworkLayer>& layers() const { return layers_; }
  const LayerParts& parts(int layer) const { return parts_[static_cast<std::size_t>(layer - 1)]; }
  const Shape& input_shape() const { return input_shape_; }
  const Shape& output_shape() const { return layers_.back().output; }

  int depth() const { return static_cast<int>(widths_.size()); }
  int input_dimension() const { return input_dimension_; }
  /// N_l for l = 1..depth, the numbers in h^l; fan_in(l), the weights of one of them, is N_(l-1) in a dense network.
  int width(int layer) const { return widths_[static_cast<std::size_t>(layer - 1)]; }
  int fan_in(int layer) const { return fan_ins_[static_cast<std::size_t>(layer - 1)]; }
  int max_width() const;
  /// phi of layer l.
  const Activation& activation(int layer) const;
  /// How messages name it.
  std::string_view activation_text(int layer) const;
  /// Of a network with one activation in all layers; throws std::invalid_argument otherwise.
  const Activation& activation() const;
  bool has_one_activation() const { return has_one_activation_; }
  /// Outputs of the readout; 0 where the network has none.
  int readout_outputs() const { return readout_outputs_; }

  /// Numbers in W^l and b^l.
  std::size_t weights(int layer) const;
  std::size_t biases(int layer) const;
  /// W^l, row-major (width(l), fan_in(l)) of a dense layer, (channels, input channels / groups, rows, columns) of a
  /// convolution; `out` has exactly that many elements.
  virtual void weight(int layer, std::span<double> out) const = 0;
  virtual void weight(int layer, std::span<float> out) const = 0;
  /// b^l: (width(l)), or one per channel of a convolution.
  virtual void bias(int layer, std::span<double> out) const = 0;
  /// Readout weights, row-major (readout_outputs, outputs of the last layer), and biases (readout_outputs).
  virtual void readout_weight(std::span<double> out) const = 0;
  virtual void readout_bias(std::span<double> out) const = 0;

 protected:
  /// Dense layers with one activation.
  Network(int input_dimension, std::vector<int> widths, Activation activation, int readout_outputs);
  /// Any layers. Throws std::invalid_argument where shapes do not chain.
  Network(Shape input_shape, std::vector<NetworkLayer> layers, int readout_outputs);

 private:
  void infer_shapes();
  void find_parts();

  Shape input_shape_;
  int input_dimension_;
  std::vector<NetworkLayer> layers_;
  std::vector<LayerParts> parts_;
  std::vector<int> widths_, fan_ins_;
  bool has_one_activation_ = true;
  int readout_outputs_;
};

/// True where every layer's activation has linear pieces.
bool has_linear_pieces(const Network& network);

/// What stands in the way of a kernel, named `who` in the message, that takes dense layers only (flatten, which changes
/// no number, is let pass); nothing where the network is one.
std::optional<std::string> dense_problem(const Network& network, std::string_view who);
/// The same for a kernel that besides takes one activation in all layers.
std::optional<std::string> one_activation_problem(const Network& network, std::string_view who);
/// They throw std::invalid_argument where there is such a problem.
void require_dense(const Network& network, std::string_view who);
void require_one_activation(const Network& network, std::string_view who);

/// A network drawn from the stream: W_ij = sigma_w / sqrt(fan_in) times the law's variate,
/// b_i = sigma_b times the standard normal of purpose `biases`, row 0, column i; the readout's weight j is
/// row 0, column j of layer 0. Each variate is one single-precision number, widened
/// exactly, scaled in double and rounded once where single precision is asked for. Orthogonal
/// layers are sigma_w sqrt(max(1, N_out/N_in)) times a Haar partial isometry, the product of Householder
/// reflectors of such variates (`orthogonal_matrix`).
class RandomNetwork final : public Network {
 public:
  struct Parameters {
    int input_dimension = 0;
    std::vector<int> widths;
    Activation activation = Activation::named("linear");
    double sigma_w = 1.0;
    double sigma_b = 0.0;
    WeightLaw law;
    /// Standard deviation of the readout times sqrt(fan_in), one output without bias; negative: none.
    double readout_sigma = -1.0;
  };
  RandomNetwork(Parameters parameters, StreamKey key);

  void weight(int layer, std::span<double> out) const override;
  void weight(int layer, std::span<float> out) const override;
  void bias(int layer, std::span<double> out) const override;
  void readout_weight(std::span<double> out) const override;
  void readout_bias(std::span<double> out) const override;

  /// A matrix of the same law and shape as W^l, drawn apart from it (purpose `curve`): W' of a sweep
  /// W cos t + W' sin t.
  void second_weight(int layer, std::span<double> out) const;

 private:
  void draw_weight(int layer, Purpose purpose, std::span<double> out) const;

  Parameters parameters_;
  StreamKey key_;
};

/// A network held in memory.
class StoredNetwork final : public Network {
 public:
  struct Layer {
    int outputs = 0;
    std::vector<double> weight;  // row-major (outputs, inputs)
    std::vector<double> bias;    // (outputs)
  };
  /// An entry of a list of any kinds.
  struct Entry {
    LayerKind kind;
    /// Nothing: x as it is.
    std::optional<LayerActivation> activation = {};
    std::vector<double> weight = {};
    /// Empty: zeros.
    std::vector<double> bias = {};
  };
  /// Throws std::invalid_argument where shapes do not chain. A readout with outputs = 0 is none.
  StoredNetwork(int input_dimension, std::vector<Layer> layers, Activation activation, Layer readout);
  StoredNetwork(int input_dimension, std::vector<Layer> layers, Activation activation);
  /// At least one entry must have weights; the readout takes the flat output of the last one.
  StoredNetwork(Shape input_shape, std::vector<Entry> entries, Layer readout);
  StoredNetwork(Shape input_shape, std::vector<Entry> entries);

  void weight(int layer, std::span<double> out) const override;
  void weight(int layer, std::span<float> out) const override;
  void bias(int layer, std::span<double> out) const override;
  void readout_weight(std::span<double> out) const override;
  void readout_bias(std::span<double> out) const override;

 private:
  struct Parameters {
    std::vector<double> weight, bias;
  };
  std::vector<Parameters> layers_;
  Layer readout_;
};

/// `out` <- the law's standardised variates (variance 1) of row `row`, columns 0 .. out.size()-1.
/// Not for `orthogonal`, whose rows are not independent.
void draw_row(const WeightLaw& law, StreamKey key, Purpose purpose, std::uint32_t layer, std::uint32_t row,
              std::span<float> out);
/// Those of columns first_column .. first_column + out.size() - 1.
void draw_columns(const WeightLaw& law, StreamKey key, Purpose purpose, std::uint32_t layer, std::uint32_t row,
                  std::uint32_t first_column, std::span<float> out);

}  // namespace meander

// Fully connected networks h^l = W^l x^(l-1) + b^l, x^l = phi(h^l): drawn from a weight law, or
// stored.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/networks/activation.hpp"
#include "kernels/random/random_stream.hpp"

namespace meander {

/// The law of a weight matrix. Every law has mean zero and variance sigma_w^2 / fan_in.
struct WeightLaw {
  enum class Kind { gaussian, orthogonal, uniform, rademacher, student_t, sparse };
  Kind kind = Kind::gaussian;
  /// Degrees of freedom of student_t (> 2), density of sparse (0 < density <= 1); else unused.
  double parameter = 0.0;
};

/// What a layered network offers to a kernel. A layer's matrix is written into the caller's
/// buffer, so that a random network need never be held whole. Layers count from 1.
class Network {
 public:
  virtual ~Network() = default;

  int depth() const { return static_cast<int>(widths_.size()); }
  int input_dimension() const { return input_dimension_; }
  /// N_l for l = 1..depth; fan_in(l) = N_(l-1), fan_in(1) = input_dimension.
  int width(int layer) const { return widths_[static_cast<std::size_t>(layer - 1)]; }
  int fan_in(int layer) const { return layer == 1 ? input_dimension_ : width(layer - 1); }
  int max_width() const;
  const Activation& activation() const { return activation_; }
  /// Outputs of the readout; 0 where the network has none.
  int readout_outputs() const { return readout_outputs_; }

  /// W^l, row-major (width(l), fan_in(l)); `out` has exactly that many elements.
  virtual void weight(int layer, std::span<double> out) const = 0;
  virtual void weight(int layer, std::span<float> out) const = 0;
  /// b^l, (width(l)).
  virtual void bias(int layer, std::span<double> out) const = 0;
  /// Readout weights, row-major (readout_outputs, width(depth)), and biases (readout_outputs).
  virtual void readout_weight(std::span<double> out) const = 0;
  virtual void readout_bias(std::span<double> out) const = 0;

 protected:
  Network(int input_dimension, std::vector<int> widths, Activation activation, int readout_outputs);

 private:
  int input_dimension_;
  std::vector<int> widths_;
  Activation activation_;
  int readout_outputs_;
};

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
  /// Throws std::invalid_argument where shapes do not chain. A readout with outputs = 0 is none.
  StoredNetwork(int input_dimension, std::vector<Layer> layers, Activation activation, Layer readout);
  StoredNetwork(int input_dimension, std::vector<Layer> layers, Activation activation);

  void weight(int layer, std::span<double> out) const override;
  void weight(int layer, std::span<float> out) const override;
  void bias(int layer, std::span<double> out) const override;
  void readout_weight(std::span<double> out) const override;
  void readout_bias(std::span<double> out) const override;

 private:
  std::vector<Layer> layers_;
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

// The keys of networks: random ones from the sweep, or a stored one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kernels/networks/activation.hpp"
#include "kernels/networks/network.hpp"
#include "studies/declare/declaration.hpp"
#include "studies/networks/activation_value.hpp"

namespace meander {

template <>
struct KeyTraits<Activation> {
  static constexpr KeyType type = KeyType::any;
  static void complete(Key& key) {
    key.check = check_activation;
    key.settle = settled_activation;
  }
  static Activation decode(const Value& value) { return activation_from(value); }
};

template <>
struct KeyTraits<WeightLaw> {
  static constexpr KeyType type = KeyType::any;
  static void complete(Key& key) { key.check = check_weight_law; }
  static WeightLaw decode(const Value& value) { return weight_law_from(value); }
};

/// sigma_w, sigma_b and activation: what the theory of infinitely wide networks knows of them.
struct MeanFieldKeys {
  explicit MeanFieldKeys(Declaration& declare);

  Parameter<double> sigma_w, sigma_b;
  Parameter<Activation> activation;
};

/// [sweep] width, depth, widths, sigma_w, sigma_b, activation, weights, and where they are asked for [readout] sigma
/// and [network] file.
struct NetworkKeys {
  struct Wanted {
    bool stored = true;
    bool readout = true;
    /// Of [readout] sigma, where it means something else than usual.
    std::string readout_description = {};
  };
  NetworkKeys(Declaration& declare, const Wanted& wanted);

  Parameter<int> width, depth;
  Parameter<std::vector<int>> widths;
  Parameter<double> sigma_w, sigma_b;
  Parameter<Activation> activation;
  Parameter<WeightLaw> weights;
  std::optional<double> readout_sigma;
  const StudyFile* file = nullptr;
};

}  // namespace meander

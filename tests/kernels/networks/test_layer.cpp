// Kinds of layer: shapes as PyTorch makes them, refusals by name, and what counts as a layer of the papers.
#include "kernels/networks/layer.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/curves/curve.hpp"
#include "kernels/decision_boundary/boundary_function.hpp"
#include "kernels/jacobian/jacobian_product.hpp"
#include "kernels/linear_regions/exact_curve.hpp"
#include "kernels/linear_regions/regions_2d.hpp"
#include "kernels/networks/forward.hpp"
#include "kernels/networks/network.hpp"
#include "kernels/propagation/layer_exponents.hpp"
#include "kernels/propagation/signal_propagation.hpp"
#include "kernels/trajectories/curve_outputs.hpp"
#include "kernels/trajectories/manifold_geometry.hpp"
#include "kernels/trajectories/sampled_curve.hpp"

namespace meander {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(const std::function<void()>& act) {
  try {
    act();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing refused";
}

Shape shape_of(const LayerKind& kind, const Shape& input) {
  return output_shape(kind, std::vector<Shape>{input});
}

std::string refused_shape(const LayerKind& kind, const std::vector<Shape>& shapes) {
  return refusal([&] { output_shape(kind, shapes); });
}

TEST(Layer, NamesAreThoseOfNetworkFiles) {
  EXPECT_THAT(kind_names(),
              ElementsAre("dense", "convolution", "average_pool", "max_pool", "scale_shift", "flatten", "add"));
  for (const std::string& name : kind_names()) EXPECT_EQ(kind_name(*kind_named(name)), name);
  EXPECT_FALSE(kind_named("softmax"));
}

// torch.nn.Conv2d: floor((size + padding - dilation (kernel - 1) - 1) / stride) + 1.
TEST(Layer, SizesAreRoundedDownAsInPyTorch) {
  Convolution f{8, {3, 3}, {1, 1}, {1, 1}, {}, 1};
  EXPECT_THAT(shape_of(f, {3, 32, 32}), ElementsAre(8, 30, 30));
  f.stride = {2, 2};
  EXPECT_THAT(shape_of(f, {3, 32, 32}), ElementsAre(8, 15, 15));
  f.padding = {1, 1, 1, 1};
  EXPECT_THAT(shape_of(f, {3, 32, 32}), ElementsAre(8, 16, 16));
  f.padding = {0, 1, 0, 2};  // asymmetric: 33 rows, 34 columns
  EXPECT_THAT(shape_of(f, {3, 32, 32}), ElementsAre(8, 16, 16));
  f.stride = {1, 1};
  f.dilation = {2, 3};
  EXPECT_THAT(shape_of(f, {3, 32, 32}), ElementsAre(8, 29, 28));
  EXPECT_THAT(shape_of(MaxPool{{3, 3}, {2, 2}, {}}, {5, 32, 31}), ElementsAre(5, 15, 15));
  EXPECT_THAT(shape_of(AveragePool{{2, 3}, {2, 3}, {1, 0, 1, 1}}, {5, 7, 7}), ElementsAre(5, 4, 3));
  EXPECT_THAT(shape_of(Flatten{}, {3, 4, 5}), ElementsAre(60));
  EXPECT_THAT(shape_of(ScaleShift{{1, 2, 3}, {0, 0, 0}}, {3, 4, 5}), ElementsAre(3, 4, 5));
  EXPECT_EQ(fan_in_of(Convolution{4, {3, 5}, {}, {}, {}, 2}, {6, 9, 9}), 45U);
}

TEST(Layer, WhatALayerCannotTakeIsRefusedByName) {
  EXPECT_THAT(refused_shape(Dense{4}, {{3, 4, 5}, {3, 4, 5}}),
              AllOf(HasSubstr("/layers/1 (dense)"), HasSubstr("[3, 4, 5]"), HasSubstr("flatten")));
  EXPECT_THAT(refused_shape(Convolution{4, {3, 3}, {}, {}, {}, 1}, {{9}}),
              AllOf(HasSubstr("/layers/0 (convolution)"), HasSubstr("[9]")));
  EXPECT_THAT(refused_shape(Convolution{4, {3, 3}, {}, {}, {}, 2}, {{3, 9, 9}}),
              AllOf(HasSubstr("groups is 2"), HasSubstr("3 channels of the input")));
  EXPECT_THAT(refused_shape(Convolution{3, {3, 3}, {}, {}, {}, 2}, {{2, 9, 9}}), HasSubstr("3 channels of the output"));
  EXPECT_THAT(refused_shape(Convolution{4, {3, 3}, {0, 1}, {}, {}, 1}, {{3, 9, 9}}), HasSubstr("stride (rows) is 0"));
  EXPECT_THAT(refused_shape(Convolution{4, {3, 3}, {}, {1, 0}, {}, 1}, {{3, 9, 9}}),
              HasSubstr("dilation (columns) is 0"));
  EXPECT_THAT(refused_shape(Convolution{4, {3, 3}, {}, {}, {0, 0, -1, 0}, 1}, {{3, 9, 9}}),
              HasSubstr("padding (left) is -1"));
  EXPECT_THAT(refused_shape(Convolution{4, {3, 3}, {}, {5, 1}, {}, 1}, {{3, 9, 9}}),
              AllOf(HasSubstr("11 rows"), HasSubstr("has 9")));
  EXPECT_THAT(refused_shape(Convolution{4, {1, 1}, {}, {}, {2147483647, 2147483647, 0, 0}, 1}, {{1, 9, 9}}),
              HasSubstr("too many rows"));
  EXPECT_THAT(refused_shape(Convolution{2147483647, {1, 1}, {}, {}, {}, 1}, {{1, 9, 9}}), HasSubstr("too large"));
  EXPECT_THAT(refused_shape(MaxPool{{2, 2}, {2, 2}, {2, 0, 0, 0}}, {{3, 9, 9}}),
              AllOf(HasSubstr("(max_pool)"), HasSubstr("[2, 0, 0, 0]")));
  EXPECT_THAT(refused_shape(AveragePool{{2, 2}, {2, 2}, {}}, {{9}}), HasSubstr("(average_pool)"));
  EXPECT_THAT(refused_shape(ScaleShift{{1, 1}, {0, 0}}, {{3, 4, 4}}), HasSubstr("scale has 2 numbers"));
  EXPECT_THAT(refused_shape(ScaleShift{{1, 1}, {0}}, {{2}}), HasSubstr("shift has 1 numbers"));
  EXPECT_THAT(refused_shape(Add{1}, {{4}, {4}}), AllOf(HasSubstr("/layers/1 (add)"), HasSubstr("from is 1")));
  EXPECT_THAT(refused_shape(Add{-2}, {{4}, {4}}), HasSubstr("from is -2"));
  EXPECT_THAT(refused_shape(Add{-1}, {{4}, {5}}), AllOf(HasSubstr("the input of shape [4]"), HasSubstr("[5]")));
}

StoredNetwork::Entry dense(int outputs, int inputs, const std::string& activation) {
  return {Dense{outputs}, LayerActivation::named(activation),
          std::vector<double>(static_cast<std::size_t>(outputs * inputs), 0.5)};
}

/// Pictures of 1 x 4 x 4: convolution without activation, scale and shift with relu, max pool, flatten, dense.
StoredNetwork small_convolutional() {
  std::vector<StoredNetwork::Entry> entries;
  entries.push_back({Convolution{2, {3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1}, {}, std::vector<double>(18, 1.0)});
  entries.push_back({ScaleShift{{1, 2}, {0, 1}}, LayerActivation::named("relu")});
  entries.push_back({MaxPool{{2, 2}, {2, 2}, {}}});
  entries.push_back({Flatten{}});
  entries.push_back(dense(3, 8, "tanh"));
  return {Shape{1, 4, 4}, std::move(entries)};
}

TEST(NetworkList, ALayerOfThePapersHasWeightsAndTheActivationThatFollows) {
  const StoredNetwork network = small_convolutional();
  EXPECT_EQ(network.depth(), 2);
  EXPECT_EQ(network.input_dimension(), 16);
  EXPECT_EQ(network.parts(1).weights, 0);
  EXPECT_EQ(network.parts(1).activation, 1);
  EXPECT_EQ(network.parts(1).last, 3);
  EXPECT_EQ(network.parts(2).weights, 4);
  EXPECT_EQ(network.width(1), 32);
  EXPECT_EQ(network.width(2), 3);
  EXPECT_EQ(network.fan_in(1), 9);
  EXPECT_EQ(network.weights(1), 18U);
  EXPECT_EQ(network.biases(1), 2U);
  EXPECT_EQ(network.activation_text(1), "relu");
  EXPECT_EQ(network.activation(2)(0.5), std::tanh(0.5));
  EXPECT_FALSE(network.has_one_activation());
  EXPECT_THROW(network.activation(), std::invalid_argument);
  std::vector<double> bias(2, 7.0);
  network.bias(1, bias);
  EXPECT_THAT(bias, ElementsAre(0.0, 0.0));
}

TEST(NetworkList, RandomNetworksAreDenseLayers) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = 3;
  parameters.widths = {4, 5};
  const RandomNetwork network(parameters, stream_key(1, 0));
  ASSERT_EQ(network.layers().size(), 2U);
  EXPECT_EQ(std::get<Dense>(network.layers()[1].kind).outputs, 5);
  EXPECT_THAT(network.layers()[1].input, ElementsAre(4));
  EXPECT_FALSE(one_activation_problem(network, "x"));
}

TEST(NetworkList, FaultyListsAreRefused) {
  EXPECT_THAT(refusal([] { StoredNetwork(Shape{4}, {{Flatten{}}}); }), HasSubstr("none of its list has weights"));
  EXPECT_THAT(refusal([] { StoredNetwork(Shape{4, 4}, {dense(1, 4, "relu")}); }), HasSubstr("input shape [4, 4]"));
  EXPECT_THAT(refusal([] { StoredNetwork(Shape{0}, {dense(1, 4, "relu")}); }), HasSubstr("input shape [0]"));
  EXPECT_THAT(refusal([] { StoredNetwork(Shape{65536, 65536, 1}, {dense(1, 4, "relu")}); }), HasSubstr("input shape"));
  EXPECT_THAT(refusal([] { StoredNetwork(Shape{4}, {dense(2, 3, "relu")}); }), HasSubstr("/layers/0 has 6 weights"));
  EXPECT_THAT(refusal([] {
                StoredNetwork(Shape{4}, {dense(2, 4, "relu"), {Flatten{}, {}, {1.0}}});
              }),
              AllOf(HasSubstr("/layers/1 has weights"), HasSubstr("flatten")));
  StoredNetwork::Entry biased = dense(2, 4, "relu");
  biased.bias = {1.0};
  EXPECT_THAT(refusal([&] { StoredNetwork(Shape{4}, {biased}); }), HasSubstr("/layers/0 has 1 biases"));
}

Curve line(int dimension) {
  Curve curve;
  curve.kind = CurveKind::line;
  curve.center.assign(static_cast<std::size_t>(dimension), 0.1);
  curve.u.assign(static_cast<std::size_t>(dimension), 1.0);
  curve.end = 1.0;
  return curve;
}

TEST(NetworkList, KernelsThatTakeDenseLayersRefuseOthersByName) {
  const StoredNetwork network = small_convolutional();
  const std::vector<double> point(16, 1.0);
  const SampledOptions sampled;
  const GeometryOptions geometry;
  for (const auto& [who, act] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"the exact walk", [&] { exact_curve(network, line(16)); }},
           {"the exact walk", [&] { exact_curve_plain(network, line(16)); }},
           {"a sampled curve", [&] { sample_curve(network, line(16), sampled); }},
           {"a sampled curve", [&] { manifold_geometry(network, line(16), geometry); }},
           {"outputs along a curve", [&] { curve_outputs(network, line(16), 10); }},
           {"partition of a plane",
            [&] {
              count_regions(network, {point, point, point}, false);
            }},
           {"product of Jacobians", [&] { jacobian_spectrum(network, point); }},
           {"decision boundary",
            [&] {
              BoundaryFunction(network, {1, 1, 1}, 0.0);
            }},
           {"exponents of layers", [&] { layer_exponents(network, point, point, point); }},
           {"propagation of gradients",
            [&] { propagate(network, point, point, stream_key(1, 0), {.gradients = true}); }}}) {
    EXPECT_THAT(refusal(act), AllOf(HasSubstr("/layers/0 is a convolution, /layers/1 is a scale_shift, /layers/2 is a "
                                              "max_pool"),
                                    HasSubstr(who), HasSubstr("takes dense layers only")))
        << who;
  }
}

TEST(NetworkList, LengthsAndCorrelationsOfSignalsAreTakenThroughAnyLayers) {
  const StoredNetwork network = small_convolutional();
  std::vector<double> x0(16), x1(16);
  for (std::size_t i = 0; i < 16; ++i) {
    x0[i] = std::sin(1.0 + static_cast<double>(i));
    x1[i] = std::cos(2.0 * static_cast<double>(i));
  }
  const Propagation signal = propagate(network, x0, x1, stream_key(1, 0), {});
  const auto first = forward_plain(network, x0), second = forward_plain(network, x1);
  ASSERT_EQ(signal.finite_layers, 2);
  for (std::size_t l = 0; l < 2; ++l) {
    double q00 = 0.0, q11 = 0.0, q01 = 0.0;
    for (std::size_t i = 0; i < first[l].h.size(); ++i) {
      q00 += first[l].h[i] * first[l].h[i];
      q11 += second[l].h[i] * second[l].h[i];
      q01 += first[l].h[i] * second[l].h[i];
    }
    EXPECT_NEAR(signal.q[l], 0.5 * (q00 + q11) / static_cast<double>(first[l].h.size()), 1e-12);
    EXPECT_NEAR(signal.c[l], q01 / std::sqrt(q00 * q11), 1e-12);
  }
}

TEST(NetworkList, AFlattenBeforeDenseLayersChangesNothing) {
  const StoredNetwork network(Shape{1, 2, 2}, {{Flatten{}}, dense(3, 4, "relu"), dense(2, 3, "relu")});
  EXPECT_FALSE(one_activation_problem(network, "x"));
  const StoredNetwork flat(Shape{4}, {dense(3, 4, "relu"), dense(2, 3, "relu")});
  EXPECT_EQ(exact_curve(network, line(4)).length, exact_curve(flat, line(4)).length);
  const StoredNetwork bent(Shape{4}, {{Flatten{}, LayerActivation::named("relu")}, dense(3, 4, "relu")});
  EXPECT_THAT(*dense_problem(bent, "x"), HasSubstr("/layers/0 is a flatten with an activation"));
}

/// Three dense layers with relu, hard_tanh and linear, and weights without symmetry.
StoredNetwork mixed() {
  std::vector<StoredNetwork::Entry> entries{dense(5, 3, "relu"), dense(4, 5, "hard_tanh"), dense(4, 4, "linear")};
  double x = 0.3;
  for (auto& entry : entries) {
    for (double& w : entry.weight) w = 1.5 * (x = std::fmod(x * 7.13 + 0.21, 2.0)) - 1.4;
    entry.bias.assign(static_cast<std::size_t>(std::get<Dense>(entry.kind).outputs), 0.05);
  }
  return {Shape{3}, std::move(entries)};
}

TEST(NetworkList, ActivationsThatDifferAreTakenOrRefused) {
  const StoredNetwork network = mixed();
  const std::string problem = refusal([&] { exact_curve(network, line(3)); });
  EXPECT_THAT(problem, AllOf(HasSubstr("/layers/1 has activation hard_tanh"), HasSubstr("/layers/0 has relu"),
                             HasSubstr("the exact walk takes one activation")));
  Curve curve = line(3);
  curve.center = {-2.0, 1.0, 0.5};
  curve.u = {4.0, -3.0, 1.0};
  const SampledOptions options{.samples = 501};
  const SampledCounts fast = sample_curve(network, curve, options);
  const SampledCounts plain = sample_curve_plain(network, curve, options);
  EXPECT_EQ(fast.transitions, plain.transitions);
  EXPECT_EQ(fast.pieces, plain.pieces);
  EXPECT_GT(fast.transitions[0], 0);
  EXPECT_GT(fast.transitions[1], 0);
  EXPECT_EQ(fast.transitions[2], 0);  // linear
  for (std::size_t l = 0; l < 3; ++l) EXPECT_NEAR(fast.length[l], plain.length[l], 1e-12 * plain.length[l]);

  const GeometryOptions geometry{.samples = 60, .curvature = false};
  const auto fast_geometry = manifold_geometry(network, curve, geometry);
  const auto plain_geometry = manifold_geometry_plain(network, curve, geometry);
  for (std::size_t l = 0; l < 3; ++l) EXPECT_NEAR(fast_geometry.metric[l], plain_geometry.metric[l], 1e-11);

  const std::vector<double> x0{0.3, -1.0, 0.7}, x1{1.0, 0.2, -0.4};
  const PropagationOptions all{.gradients = true, .perturbations = true};
  const Propagation fast_signal = propagate(network, x0, x1, stream_key(3, 0), all);
  const Propagation plain_signal = propagate_plain(network, x0, x1, stream_key(3, 0), all);
  for (std::size_t l = 0; l < 3; ++l) {
    EXPECT_NEAR(fast_signal.q[l], plain_signal.q[l], 1e-13);
    EXPECT_NEAR(fast_signal.gradient[l], plain_signal.gradient[l], 1e-12);
    EXPECT_NEAR(fast_signal.perturbation_growth[l], plain_signal.perturbation_growth[l], 1e-12);
  }
}

}  // namespace
}  // namespace meander

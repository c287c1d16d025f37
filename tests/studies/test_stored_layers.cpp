// Network files of version 1.1: every kind of layer comes back as it was written, and every mistake is named with its
// place.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>

#include "kernels/networks/forward.hpp"
#include "pipeline/values/diagnostics.hpp"
#include "studies/networks/show_network.hpp"
#include "studies/networks/stored_networks.hpp"

namespace meander {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

NamedArray filled(std::vector<std::size_t> shape, double first = 0.25) {
  std::size_t count = 1;
  for (const std::size_t extent : shape) count *= extent;
  NamedArray array{std::move(shape), std::vector<double>(count)};
  for (std::size_t i = 0; i < count; ++i) array.values[i] = first + 0.125 * static_cast<double>(i % 7);
  return array;
}

/// Pictures [2, 6, 5]: every kind once, as a hand would write it.
NamedArrays example() {
  NamedArrays a;
  a.texts = {{"filetype", "meander_network"}, {"activation", "relu"}, {"source", "made by hand"}};
  a.integers = {{"version", {1, 1}}, {"input_shape", {2, 6, 5}}};
  a.texts["/layers/0/kind"] = "convolution";
  a.arrays["/layers/0/weight"] = filled({4, 1, 3, 2});
  a.arrays["/layers/0/bias"] = filled({4});
  a.integers["/layers/0/stride"] = {1, 2};
  a.integers["/layers/0/dilation"] = {2, 1};
  a.integers["/layers/0/padding"] = {2, 1, 0, 1};
  a.integers["/layers/0/groups"] = {2};
  a.texts["/layers/0/activation"] = "linear";
  a.texts["/layers/1/kind"] = "scale_shift";
  a.arrays["/layers/1/scale"] = filled({4}, 0.5);
  a.arrays["/layers/1/shift"] = filled({4}, -0.5);
  a.texts["/layers/2/kind"] = "add";
  a.integers["/layers/2/from"] = {0};
  a.texts["/layers/2/activation"] = "{ breakpoints = [0.0], slopes = [0.1, 1.0], value = [0.0, 0.0] }";
  a.texts["/layers/3/kind"] = "max_pool";
  a.integers["/layers/3/window"] = {2, 2};
  a.integers["/layers/3/stride"] = {1, 1};
  a.texts["/layers/4/kind"] = "average_pool";
  a.integers["/layers/4/window"] = {2, 1};
  a.integers["/layers/4/padding"] = {1, 0, 0, 0};
  a.texts["/layers/5/kind"] = "flatten";
  a.arrays["/layers/6/weight"] = filled({3, 16}, -0.25);  // dense, no kind, no bias, the root's activation
  a.arrays["/readout/weight"] = filled({1, 3});
  for (int i = 0; i < 7; ++i) a.groups.insert("/layers/" + std::to_string(i));
  return a;
}

std::string refusal(const std::function<void(NamedArrays&)>& spoil) {
  NamedArrays arrays = example();
  spoil(arrays);
  try {
    network_from(arrays, "net.h5");
  } catch (const BadInput& error) {
    EXPECT_THAT(error.what(), testing::StartsWith("net.h5: "));
    return error.what();
  }
  return "nothing refused";
}

TEST(StoredLayers, EveryKindIsRead) {
  const StoredNetwork network = network_from(example(), "net.h5");
  ASSERT_EQ(network.layers().size(), 7U);
  EXPECT_EQ(network.depth(), 2);
  const auto& f = std::get<Convolution>(network.layers()[0].kind);
  EXPECT_EQ(f.channels, 4);
  EXPECT_EQ(f.kernel, (Extents{3, 2}));
  EXPECT_EQ(f.stride, (Extents{1, 2}));
  EXPECT_EQ(f.dilation, (Extents{2, 1}));
  EXPECT_EQ(f.padding, (Padding{2, 1, 0, 1}));
  EXPECT_EQ(f.groups, 2);
  EXPECT_THAT(network.layers()[0].output, ElementsAre(4, 5, 3));
  EXPECT_EQ(std::get<Add>(network.layers()[2].kind).from, 0);
  EXPECT_EQ(std::get<MaxPool>(network.layers()[3].kind).stride, (Extents{1, 1}));
  EXPECT_THAT(network.layers()[3].output, ElementsAre(4, 4, 2));
  // A pool's stride is its window where it has none of its own, as in PyTorch.
  EXPECT_EQ(std::get<AveragePool>(network.layers()[4].kind).stride, (Extents{2, 1}));
  EXPECT_THAT(network.layers()[4].output, ElementsAre(4, 2, 2));
  EXPECT_EQ(network.activation_text(2), "relu");
  EXPECT_EQ(network.activation(1)(-1.0), -0.1);
  EXPECT_EQ(network.parts(1).activation, 2);
  EXPECT_EQ(network.readout_outputs(), 1);
  std::vector<double> bias(3, 7.0);
  network.bias(2, bias);
  EXPECT_THAT(bias, ElementsAre(0, 0, 0));
}

TEST(StoredLayers, DefaultsArePyTorchs) {
  NamedArrays arrays = example();
  for (const char* name : {"stride", "dilation", "padding"}) arrays.integers.erase(std::string("/layers/0/") + name);
  arrays.arrays["/layers/6/weight"] = filled({3, 24});
  const StoredNetwork network = network_from(arrays, "net.h5");
  const auto& f = std::get<Convolution>(network.layers()[0].kind);
  EXPECT_EQ(f.stride, (Extents{1, 1}));
  EXPECT_EQ(f.dilation, (Extents{1, 1}));
  EXPECT_EQ(f.padding, Padding());
}

class File : public testing::Test {
 protected:
  File()
      : path_(std::filesystem::temp_directory_path() /
              ("meander_stored_layers_" + std::to_string(::getpid()) + ".h5")) {}
  ~File() override { std::filesystem::remove(path_); }

  NamedArrays through_file(const NamedArrays& arrays) const {
    write_arrays(path_.string(), arrays);
    std::ifstream file(path_, std::ios::binary);
    const std::vector<char> text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    return read_arrays(std::as_bytes(std::span<const char>(text)), path_.string());
  }
  std::filesystem::path path_;
};

using StoredLayersInFile = File;

std::vector<double> output_of(const Network& network) {
  std::vector<double> values = filled({static_cast<std::size_t>(network.input_dimension())}, -0.3).values;
  ForwardPass<double>(network).push(values);
  return values;
}

TEST_F(StoredLayersInFile, ComeBackAsTheyWere) {
  const StoredNetwork network = network_from(through_file(example()), "net.h5");
  NamedArrays again;
  add_network(network, "relu", again);
  EXPECT_THAT(again.integers["version"], ElementsAre(1, 1));
  EXPECT_FALSE(again.texts.contains("activation"));
  EXPECT_EQ(again.texts["/layers/6/activation"], "relu");
  EXPECT_EQ(again.texts["/layers/0/activation"], "linear");
  EXPECT_FALSE(again.texts.contains("/layers/1/activation"));
  const NamedArrays read = through_file(again);
  const StoredNetwork back = network_from(read, "net.h5");
  EXPECT_EQ(output_of(back), output_of(network));
  EXPECT_THAT(output_of(back), testing::Contains(testing::Ne(0.0)));
  EXPECT_EQ(back.readout_outputs(), 1);
  NamedArrays third;
  add_network(back, "relu", third);
  EXPECT_EQ(third.texts, again.texts);
  EXPECT_EQ(third.integers, again.integers);
  for (const auto& [path, array] : again.arrays) EXPECT_EQ(third.arrays[path].values, array.values) << path;
}

TEST_F(StoredLayersInFile, DenseWithOneActivationStaysVersion10) {
  RandomNetwork::Parameters parameters;
  parameters.input_dimension = 3;
  parameters.widths = {4, 2};
  NamedArrays arrays;
  add_network(RandomNetwork(parameters, stream_key(1, 0)), "tanh", arrays);
  EXPECT_THAT(arrays.integers["version"], ElementsAre(1, 0));
  EXPECT_THAT(arrays.texts, testing::SizeIs(2));
  EXPECT_FALSE(arrays.integers.contains("input_shape"));
  // The same in version 1.1 is written as 1.0 again, with layers of their own activation it is not.
  NamedArrays newer = arrays;
  newer.integers["version"] = {1, 1};
  NamedArrays back;
  add_network(network_from(through_file(newer), "net.h5"), "tanh", back);
  EXPECT_THAT(back.integers["version"], ElementsAre(1, 0));
  newer.texts["/layers/1/activation"] = "linear";
  NamedArrays mixed;
  const StoredNetwork network = network_from(through_file(newer), "net.h5");
  EXPECT_EQ(network.activation_text(1), "tanh");
  EXPECT_EQ(network.activation_text(2), "linear");
  add_network(network, "tanh", mixed);
  EXPECT_THAT(mixed.integers["version"], ElementsAre(1, 1));
}

TEST(StoredLayers, TheRootsActivationMayBeAbsent) {
  NamedArrays arrays = example();
  arrays.texts.erase("activation");
  arrays.texts["/layers/6/activation"] = "tanh";
  EXPECT_EQ(network_from(arrays, "net.h5").activation_text(2), "tanh");
  EXPECT_THAT(refusal([](auto& a) { a.texts.erase("activation"); }), HasSubstr("/layers/6 has no activation"));
}

TEST(StoredLayers, WrongKinds) {
  EXPECT_THAT(refusal([](auto& a) { a.texts["/layers/3/kind"] = "maxpool"; }),
              AllOf(HasSubstr("/layers/3/kind is \"maxpool\""), HasSubstr("did you mean \"max_pool\"")));
  EXPECT_THAT(refusal([](auto& a) { a.texts["/layers/3/kind"] = "softmax"; }), HasSubstr("convolution, average_pool"));
  EXPECT_THAT(refusal([](auto& a) {
                a.texts.erase("/layers/3/kind");
                a.integers["/layers/3/kind"] = {1};
              }),
              HasSubstr("/layers/3/kind is no text"));
  // Without its kind, a layer is dense.
  EXPECT_THAT(refusal([](auto& a) { a.texts.erase("/layers/5/kind"); }), HasSubstr("/layers/5/weight is missing"));
}

TEST(StoredLayers, WrongNumbering) {
  EXPECT_THAT(refusal([](auto& a) {
                a.texts["/layers/8/kind"] = "flatten";
                a.groups.insert("/layers/8");
              }),
              AllOf(HasSubstr("/layers/8 belongs to no layer"), HasSubstr("/layers/7 is missing")));
  EXPECT_THAT(refusal([](auto& a) { a.groups.insert("/layers/07"); }), HasSubstr("group /layers/07 belongs to no"));
  EXPECT_THAT(refusal([](auto& a) { a.groups.insert("/layers/first"); }), HasSubstr("/layers/first belongs to no"));
  EXPECT_THAT(refusal([](auto& a) { a.groups.insert("/layers/-1"); }), HasSubstr("/layers/-1 belongs to no"));
  EXPECT_THAT(refusal([](auto& a) { a.groups.insert("/layers/99999999999999"); }), HasSubstr("belongs to no layer"));
  EXPECT_THAT(refusal([](auto& a) { a.groups.insert("/layers/7"); }), HasSubstr("/layers/7/weight is missing"));
  EXPECT_THAT(refusal([](auto& a) { a.arrays["/layers/loose"] = filled({1}); }), HasSubstr("dataset /layers/loose"));
  EXPECT_THAT(refusal([](auto& a) {
                a.arrays.clear();
                a.groups.clear();
                std::erase_if(a.texts, [](const auto& text) { return text.first.starts_with("/"); });
                std::erase_if(a.integers, [](const auto& integer) { return integer.first.starts_with("/"); });
              }),
              HasSubstr("no layers"));
}

TEST(StoredLayers, WrongAttributes) {
  EXPECT_THAT(refusal([](auto& a) { a.integers["/layers/0/stride"] = {2}; }),
              AllOf(HasSubstr("/layers/0/stride is [2]"), HasSubstr("must have 2 numbers")));
  EXPECT_THAT(refusal([](auto& a) { a.integers["/layers/0/padding"] = {1, 1}; }), HasSubstr("must have 4 numbers"));
  EXPECT_THAT(refusal([](auto& a) {
                a.integers["/layers/0/stride"] = {0, 1};
              }),
              AllOf(HasSubstr("/layers/0/stride is [0, 1]"), HasSubstr("0 is out of range")));
  EXPECT_THAT(refusal([](auto& a) {
                a.integers["/layers/0/dilation"] = {1, 3000000000};
              }),
              HasSubstr("3000000000 is out of range"));
  EXPECT_THAT(refusal([](auto& a) { a.integers["/layers/0/padding"] = {0, 0, -1, 0}; }), HasSubstr("-1 is out of"));
  EXPECT_THAT(refusal([](auto& a) { a.integers["/layers/0/groups"] = {0}; }), HasSubstr("/layers/0/groups is [0]"));
  EXPECT_THAT(refusal([](auto& a) {
                a.integers.erase("/layers/0/stride");
                a.other_attributes.insert("/layers/0/stride");
              }),
              HasSubstr("/layers/0/stride is no whole number"));
  EXPECT_THAT(refusal([](auto& a) {
                a.integers.erase("/layers/3/stride");
                a.texts["/layers/3/stride"] = "2";
              }),
              HasSubstr("/layers/3/stride is"));
  EXPECT_THAT(refusal([](auto& a) { a.integers.erase("/layers/3/window"); }), HasSubstr("/layers/3/window is missing"));
  EXPECT_THAT(refusal([](auto& a) { a.integers.erase("/layers/2/from"); }), HasSubstr("/layers/2/from is missing"));
  EXPECT_THAT(refusal([](auto& a) { a.integers["/layers/2/from"] = {2}; }),
              AllOf(HasSubstr("/layers/2 (add)"), HasSubstr("from is 2")));
  EXPECT_THAT(refusal([](auto& a) { a.integers["/layers/2/from"] = {-2}; }), HasSubstr("/layers/2/from is [-2]"));
  EXPECT_THAT(refusal([](auto& a) { a.integers["/layers/2/from"] = {-1}; }),
              AllOf(HasSubstr("adds the input of shape [2, 6, 5]"), HasSubstr("[4, 5, 3]")));
  // PyTorch's max pools know a dilation, these do not: it must not be passed over.
  EXPECT_THAT(refusal([](auto& a) {
                a.integers["/layers/3/dilation"] = {2, 2};
              }),
              AllOf(HasSubstr("/layers/3/dilation belongs to no max_pool"), HasSubstr("window, stride, padding")));
  EXPECT_THAT(refusal([](auto& a) { a.other_attributes.insert("/layers/6/momentum"); }), HasSubstr("momentum"));
  EXPECT_THAT(refusal([](auto& a) { a.texts["/layers/2/activation"] = "rellu"; }),
              AllOf(HasSubstr("attribute /layers/2/activation"), HasSubstr("did you mean \"relu\"")));
  EXPECT_THAT(refusal([](auto& a) { a.integers["/layers/6/activation"] = {1}; }),
              HasSubstr("/layers/6/activation is no text"));
  // What other programs note down does not disturb.
  EXPECT_THAT(refusal([](auto& a) {
                a.texts["/layers/3/CLASS"] = "GROUP";
                a.texts["/layers/3/_note"] = "x";
              }),
              "nothing refused");
}

TEST(StoredLayers, WrongDatasets) {
  EXPECT_THAT(refusal([](auto& a) {
                a.arrays["/layers/0/weight"] = filled({4, 9});
              }),
              AllOf(HasSubstr("/layers/0/weight has shape (4, 9)"), HasSubstr("(out, in / groups, rows, columns)")));
  EXPECT_THAT(refusal([](auto& a) {
                a.arrays["/layers/0/weight"] = filled({4, 2, 3, 2});
              }),
              AllOf(HasSubstr("/layers/0/weight is (4, 2, 3, 2)"), HasSubstr("2 channels in 2 groups")));
  EXPECT_THAT(refusal([](auto& a) { a.arrays["/layers/0/weight"] = filled({3, 1, 3, 2}); }), HasSubstr("/layers/0"));
  EXPECT_THAT(refusal([](auto& a) { a.arrays["/layers/0/bias"] = filled({3}); }), HasSubstr("must have 4 numbers"));
  EXPECT_THAT(refusal([](auto& a) { a.arrays.erase("/layers/0/weight"); }), HasSubstr("/layers/0/weight is missing"));
  EXPECT_THAT(refusal([](auto& a) { a.arrays.erase("/layers/1/shift"); }), HasSubstr("/layers/1/shift is missing"));
  EXPECT_THAT(refusal([](auto& a) { a.arrays["/layers/1/scale"] = filled({3}); }), HasSubstr("scale has 3 numbers"));
  EXPECT_THAT(refusal([](auto& a) { a.arrays["/layers/1/scale"] = filled({4, 1}); }), HasSubstr("shape (4, 1)"));
  EXPECT_THAT(refusal([](auto& a) { a.arrays["/layers/3/weight"] = filled({4}); }),
              AllOf(HasSubstr("/layers/3/weight belongs to no max_pool"), HasSubstr("no datasets")));
  EXPECT_THAT(refusal([](auto& a) { a.arrays["/layers/6/running_mean"] = filled({4}); }),
              HasSubstr("it has weight, bias"));
  EXPECT_THAT(refusal([](auto& a) {
                a.arrays["/layers/6/weight"] = filled({3, 15});
              }),
              AllOf(HasSubstr("do not chain"), HasSubstr("16 outputs")));
  EXPECT_THAT(
      refusal([](auto& a) { a.arrays["/layers/1/scale"].values[2] = std::numeric_limits<double>::quiet_NaN(); }),
      HasSubstr("/layers/1/scale holds nan"));
  EXPECT_THAT(refusal([](auto& a) { a.arrays["/readout/weight"] = filled({1, 4}); }), HasSubstr("/readout/weight"));
  EXPECT_THAT(refusal([](auto& a) { a.arrays["/readout/bias"] = filled({2}); }), HasSubstr("/readout/bias is (2)"));
  EXPECT_THAT(refusal([](auto& a) {
                a.arrays.erase("/readout/weight");
                a.arrays["/readout/bias"] = filled({2});
              }),
              HasSubstr("/readout/weight is missing"));
}

TEST(StoredLayers, WrongShapesOfPictures) {
  EXPECT_THAT(refusal([](auto& a) { a.integers.erase("input_shape"); }),
              AllOf(HasSubstr("input_shape is missing"), HasSubstr("convolution")));
  for (const std::vector<std::int64_t>& shape :
       {std::vector<std::int64_t>{2, 6}, {0, 6, 5}, {}, {2, -6, 5}, {100000, 100000, 1}, {4000000000}}) {
    EXPECT_THAT(refusal([&](auto& a) { a.integers["input_shape"] = shape; }), HasSubstr("input_shape is ["));
  }
  EXPECT_THAT(refusal([](auto& a) { a.integers["input_shape"] = {60}; }),
              AllOf(HasSubstr("/layers/0 (convolution)"), HasSubstr("[60]")));
  EXPECT_THAT(refusal([](auto& a) {
                a.integers.erase("input_shape");
                a.other_attributes.insert("input_shape");
              }),
              HasSubstr("input_shape is no whole number"));
  EXPECT_THAT(refusal([](auto& a) {
                a.texts["/layers/5/kind"] = "scale_shift";
                a.arrays["/layers/5/scale"] = a.arrays["/layers/5/shift"] = filled({4});
              }),
              AllOf(HasSubstr("/layers/6 (dense)"), HasSubstr("put a flatten before it")));
  EXPECT_THAT(refusal([](auto& a) { a.integers["/layers/3/window"] = {9, 9}; }), HasSubstr("/layers/3 (max_pool)"));
  EXPECT_THAT(refusal([](auto& a) {
                a.integers["/layers/4/padding"] = {2, 0, 0, 0};
              }),
              AllOf(HasSubstr("/layers/4 (average_pool)"), HasSubstr("padding [2, 0, 0, 0]")));
}

TEST(StoredLayers, Version10SaysNothingOfKinds) {
  EXPECT_THAT(refusal([](auto& a) { a.integers["version"] = {1, 0}; }), HasSubstr("needs version [1, 1]"));
  EXPECT_THAT(refusal([](auto& a) { a.integers["version"] = {1, -1}; }), HasSubstr("another version"));
  EXPECT_THAT(refusal([](auto& a) { a.integers["version"] = {2, 1}; }), HasSubstr("another version"));
}

TEST_F(StoredLayersInFile, OddAttributesAreNotPassedOver) {
  NamedArrays arrays = example();
  const NamedArrays read = through_file(arrays);
  EXPECT_THAT(read.other_attributes, IsEmpty());
  EXPECT_TRUE(read.groups.contains("/layers/5"));
  EXPECT_EQ(read.texts.at("/layers/5/kind"), "flatten");
  EXPECT_EQ(filetype_of(path_.string()), "meander_network");
  EXPECT_EQ(filetype_of("/nowhere/at/all.h5"), "");
}

TEST_F(StoredLayersInFile, AreShownAsATable) {
  through_file(example());
  testing::internal::CaptureStdout();
  EXPECT_TRUE(show_network(path_.string()));
  std::fflush(stdout);
  const std::string table = testing::internal::GetCapturedStdout();
  EXPECT_THAT(table, AllOf(HasSubstr("2 layers with weights, 87 parameters"), HasSubstr("input     [2, 6, 5]"),
                           HasSubstr("kernel 3 x 2, stride 1 x 2, dilation 2 x 1, padding 2 1 0 1, groups 2"),
                           HasSubstr("max_pool"), HasSubstr("window 2 x 2, stride 1 x 1"), HasSubstr("made by hand"),
                           HasSubstr("layer 0")));
  EXPECT_THAT(table, Not(HasSubstr("other arrays")));
  std::ofstream(path_) << "no HDF5";
  EXPECT_FALSE(show_network(path_.string()));
}

}  // namespace
}  // namespace meander

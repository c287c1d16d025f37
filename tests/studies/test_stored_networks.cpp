// Networks and curves in files: what comes back, and every fault that a file can have.
#include "studies/networks/stored_networks.hpp"

#include <gmock/gmock.h>

#include <functional>
#include <limits>

namespace meander {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

NamedArray zeros(std::vector<std::size_t> shape) {
  std::size_t count = 1;
  for (const std::size_t extent : shape) count *= extent;
  return {std::move(shape), std::vector<double>(count, 0.0)};
}

NamedArrays example() {
  NamedArrays arrays;
  arrays.texts = {{"filetype", "meander_network"}, {"activation", "relu"}};
  arrays.integers["version"] = {1, 0};
  arrays.arrays["/layers/0/weight"] = {{2, 3}, {1, 2, 3, 4, 5, 6}};
  arrays.arrays["/layers/0/bias"] = {{2}, {0.5, -0.5}};
  arrays.arrays["/layers/1/weight"] = {{4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}};
  arrays.arrays["/layers/1/bias"] = {{4}, {0, 1, 2, 3}};
  return arrays;
}

std::string refusal(const std::function<void(NamedArrays&)>& spoil) {
  NamedArrays arrays = example();
  spoil(arrays);
  try {
    network_from(arrays, "net.h5");
  } catch (const BadInput& error) {
    return error.what();
  }
  return "";
}

TEST(StoredNetworks, AreRead) {
  const StoredNetwork network = network_from(example(), "net.h5");
  EXPECT_EQ(network.depth(), 2);
  EXPECT_EQ(network.input_dimension(), 3);
  EXPECT_EQ(network.width(1), 2);
  EXPECT_EQ(network.width(2), 4);
  EXPECT_EQ(network.readout_outputs(), 0);
  std::vector<double> weight(8);
  network.weight(2, std::span<double>(weight));
  EXPECT_THAT(weight, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  std::vector<double> bias(2);
  network.bias(1, bias);
  EXPECT_THAT(bias, ElementsAre(0.5, -0.5));
}

TEST(StoredNetworks, AReadoutMayLackItsBias) {
  NamedArrays arrays = example();
  arrays.arrays["/readout/weight"] = {{1, 4}, {1, -1, 2, -2}};
  const StoredNetwork network = network_from(arrays, "net.h5");
  EXPECT_EQ(network.readout_outputs(), 1);
  std::vector<double> bias(1, 7);
  network.readout_bias(bias);
  EXPECT_EQ(bias[0], 0);
}

TEST(StoredNetworks, WrongHeaders) {
  EXPECT_THAT(refusal([](auto& a) { a.texts.erase("filetype"); }),
              AllOf(HasSubstr("net.h5: not a network"), HasSubstr("is missing")));
  EXPECT_THAT(refusal([](auto& a) { a.texts["filetype"] = "meander_study"; }), HasSubstr("is \"meander_study\""));
  EXPECT_THAT(refusal([](auto& a) { a.integers["version"] = {2, 0}; }), HasSubstr("[2, 0]"));
  EXPECT_THAT(refusal([](auto& a) { a.integers.clear(); }), HasSubstr("version is missing"));
  EXPECT_THAT(refusal([](auto& a) { a.texts.erase("activation"); }), HasSubstr("activation is missing"));
  EXPECT_THAT(refusal([](auto& a) { a.texts["activation"] = "rellu"; }), HasSubstr("did you mean \"relu\""));
  EXPECT_THAT(refusal([](auto& a) { a.texts["activation"] = "{ hermite = [ }"; }), HasSubstr("activation"));
}

TEST(StoredNetworks, ShapesThatDoNotChain) {
  EXPECT_THAT(refusal([](auto& a) {
                a.arrays["/layers/1/weight"] = zeros({4, 3});
              }),
              AllOf(HasSubstr("do not chain"), HasSubstr("(4, 3)"), HasSubstr("2 outputs")));
  EXPECT_THAT(refusal([](auto& a) { a.arrays["/layers/0/bias"] = zeros({3}); }), HasSubstr("must have 2 numbers"));
  EXPECT_THAT(refusal([](auto& a) { a.arrays["/layers/0/weight"] = zeros({6}); }), HasSubstr("shape (6)"));
  EXPECT_THAT(refusal([](auto& a) { a.arrays["/layers/0/weight"] = zeros({0, 3}); }), HasSubstr("both at least 1"));
  EXPECT_THAT(refusal([](auto& a) { a.arrays["/readout/weight"] = zeros({1, 2}); }), HasSubstr("4 outputs"));
}

TEST(StoredNetworks, MissingParts) {
  EXPECT_THAT(refusal([](auto& a) { a.arrays.erase("/layers/1/bias"); }), HasSubstr("/layers/1/bias is missing"));
  EXPECT_THAT(refusal([](auto& a) { a.arrays.erase("/layers/0/weight"); }), HasSubstr("/layers/0/weight is missing"));
  EXPECT_THAT(refusal([](auto& a) { a.arrays.clear(); }), HasSubstr("no layers"));
  EXPECT_THAT(refusal([](auto& a) {
                a.arrays["/layers/3/weight"] = zeros({4, 4});
              }),
              AllOf(HasSubstr("/layers/3/weight belongs to no layer"), HasSubstr("/layers/2 is missing")));
}

TEST(StoredNetworks, NonFiniteNumbers) {
  EXPECT_THAT(
      refusal([](auto& a) { a.arrays["/layers/1/weight"].values[5] = std::numeric_limits<double>::quiet_NaN(); }),
      AllOf(HasSubstr("/layers/1/weight holds nan"), HasSubstr("index 5")));
  EXPECT_THAT(refusal([](auto& a) { a.arrays["/layers/0/bias"].values[1] = std::numeric_limits<double>::infinity(); }),
              HasSubstr("/layers/0/bias holds inf"));
}

NamedArrays circle() {
  NamedArrays arrays;
  arrays.arrays["/curve/center"] = {{2}, {1, 2}};
  arrays.arrays["/curve/u"] = {{2}, {3, 4}};
  arrays.arrays["/curve/v"] = {{2}, {5, 6}};
  return arrays;
}

std::string curve_refusal(const std::function<void(NamedArrays&)>& spoil, const CurveWish& wish = {}) {
  NamedArrays arrays = circle();
  spoil(arrays);
  try {
    curve_from(arrays, "curve.h5", wish);
  } catch (const BadInput& error) {
    return error.what();
  }
  return "";
}

TEST(StoredCurves, KindIsTheWishElseTheFilesElseWhatIsThere) {
  EXPECT_EQ(curve_from(circle(), "", {}).kind, CurveKind::circle);
  NamedArrays line = circle();
  line.arrays.erase("/curve/v");
  EXPECT_EQ(curve_from(line, "", {}).kind, CurveKind::line);
  EXPECT_TRUE(curve_from(circle(), "", {CurveKind::line, {}}).v.empty());
  NamedArrays marked = circle();
  marked.texts["/curve/kind"] = "line";
  EXPECT_EQ(curve_from(marked, "", {}).kind, CurveKind::line);
  EXPECT_EQ(curve_from(marked, "", {CurveKind::circle, {}}).kind, CurveKind::circle);
  const Curve arc = curve_from(circle(), "", {CurveKind::arc, std::vector<double>{0.5, 2}});
  EXPECT_EQ(arc.kind, CurveKind::arc);
  EXPECT_EQ(arc.begin, 0.5);
  EXPECT_EQ(arc.end, 2);
}

TEST(StoredCurves, ComeBackAsTheyWere) {
  for (const CurveKind kind : {CurveKind::line, CurveKind::circle, CurveKind::arc}) {
    const Curve curve = curve_from(circle(), "", {kind, std::vector<double>{0.1, 1.0 / 3}});
    NamedArrays arrays;
    add_curve(curve, arrays);
    const Curve back = curve_from(arrays, "", {});
    EXPECT_EQ(back.kind, curve.kind);
    EXPECT_EQ(back.center, curve.center);
    EXPECT_EQ(back.u, curve.u);
    EXPECT_EQ(back.v, curve.v);
    EXPECT_EQ(back.begin, curve.begin);
    EXPECT_EQ(back.end, curve.end);
  }
}

TEST(StoredCurves, FaultsAreNamed) {
  EXPECT_THAT(curve_refusal([](auto& a) { a.arrays.erase("/curve/u"); }), HasSubstr("/curve/u is missing"));
  EXPECT_THAT(curve_refusal([](auto& a) { a.arrays.erase("/curve/center"); }), HasSubstr("/curve/center is missing"));
  EXPECT_THAT(curve_refusal([](auto& a) { a.arrays["/curve/center"] = zeros({3}); }),
              HasSubstr("/curve/u has 2 numbers"));
  EXPECT_THAT(curve_refusal([](auto& a) { a.arrays["/curve/v"] = zeros({2, 1}); }), HasSubstr("shape (2, 1)"));
  EXPECT_THAT(curve_refusal([](auto& a) { a.arrays.erase("/curve/v"); }, {CurveKind::circle, {}}),
              HasSubstr("/curve/v is missing"));
  EXPECT_THAT(curve_refusal([](auto&) {}, {CurveKind::arc, {}}), HasSubstr("span = [a, b]"));
  EXPECT_THAT(curve_refusal([](auto& a) { a.texts["/curve/kind"] = "spiral"; }), HasSubstr("\"spiral\""));
  EXPECT_THAT(curve_refusal([](auto& a) { a.arrays["/curve/u"].values[0] = std::numeric_limits<double>::infinity(); }),
              HasSubstr("holds inf"));
}

}  // namespace
}  // namespace meander

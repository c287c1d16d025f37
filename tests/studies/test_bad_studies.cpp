// Studies that cannot be meant: each is refused before anything runs, with a text that says why.
#include <gmock/gmock.h>

#include "pipeline/inputs/arrays.hpp"
#include "studies/networks/stored_networks.hpp"
#include "tests/support/in_process.hpp"

namespace meander {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing_support::Folder;

/// The parts of a study, each replaceable.
struct Parts {
  std::string top = "measure = \"transitions\"\nseed = 1\n";
  std::string sweep = "width = 4\ndepth = 2\nsigma_w = 2.0\nactivation = \"hard_tanh\"\n";
  std::string input = "dimension = 6\n";
  std::string curve = "samples = 10\n";
  std::string rest = {};
};

class BadStudies : public testing::Test {
 protected:
  std::string refusal(const Parts& parts) const {
    std::string text = parts.top;
    if (!parts.sweep.empty()) text += "[sweep]\n" + parts.sweep;
    if (!parts.input.empty()) text += "[input]\n" + parts.input;
    if (!parts.curve.empty()) text += "[curve]\n" + parts.curve;
    return testing_support::refusal_of([&] { testing_support::run(folder_.write("study.toml", text + parts.rest)); });
  }
  static Parts sweep(const std::string& text) { return Parts{.sweep = text}; }
  static Parts input(const std::string& text) { return Parts{.input = text}; }
  static Parts curve(const std::string& text) { return Parts{.curve = text}; }
  Parts digits(const std::string& curve_text, const std::string& more_input = "") const {
    folder_.write_digits(9);
    return Parts{.input = "images = \"digits\"\n" + more_input, .curve = curve_text};
  }
  /// A stored network of `inputs` inputs with a curve of `dimension`.
  void write_network(int inputs, std::size_t dimension, const std::string& activation = "relu") const {
    NamedArrays arrays;
    StoredNetwork::Layer layer{2, std::vector<double>(static_cast<std::size_t>(2 * inputs), 0.5), {0.1, -0.1}};
    add_network(StoredNetwork(inputs, {layer}, Activation::named("relu")), activation, arrays);
    arrays.arrays["/curve/center"] = {{dimension}, std::vector<double>(dimension, 0.0)};
    arrays.arrays["/curve/u"] = {{dimension}, std::vector<double>(dimension, 1.0)};
    arrays.arrays["/curve/v"] = {{dimension}, std::vector<double>(dimension, -1.0)};
    write_arrays(folder_.path("net.h5"), arrays);
  }

  Folder folder_;
};

TEST_F(BadStudies, TheBaseIsGood) {
  EXPECT_EQ(refusal({}), "");
  EXPECT_EQ(refusal(digits("pair = [0, 1]\n")), "");
  EXPECT_EQ(refusal(digits("classes = [0, 2]\n", "labels = \"labels\"\n")), "");
  write_network(6, 6);
  EXPECT_EQ(
      refusal({.sweep = "", .input = "", .curve = "file = \"net.h5\"\n", .rest = "[network]\nfile = \"net.h5\"\n"}),
      "");
  EXPECT_EQ(refusal({.input = "", .curve = "file = \"net.h5\"\n"}), "");
}

TEST_F(BadStudies, SweepParametersAreMissing) {
  EXPECT_THAT(refusal(sweep("depth = 2\nsigma_w = 1.0\nactivation = \"relu\"\n")), HasSubstr("'width' is missing"));
  EXPECT_THAT(refusal(sweep("width = 4\nsigma_w = 1.0\nactivation = \"relu\"\n")), HasSubstr("'depth' is missing"));
  EXPECT_THAT(refusal(sweep("width = 4\ndepth = 2\nactivation = \"relu\"\n")), HasSubstr("'sigma_w' is missing"));
  EXPECT_THAT(refusal(sweep("width = 4\ndepth = 2\nsigma_w = 1.0\n")), HasSubstr("'activation' is missing"));
}

TEST_F(BadStudies, AllMistakesAtOnce) {
  EXPECT_THAT(refusal({.sweep = "width = 4\n", .curve = "span = [0, 1]\n"}),
              AllOf(HasSubstr("'depth' is missing"), HasSubstr("'sigma_w' is missing"),
                    HasSubstr("'activation' is missing"), HasSubstr("'span' belongs to an arc")));
}

TEST_F(BadStudies, SweepValuesOutOfBounds) {
  const std::string rest = "depth = 2\nactivation = \"relu\"\n";
  EXPECT_THAT(refusal(sweep(rest + "width = 0\nsigma_w = 1.0\n")), HasSubstr("study.toml:6:"));
  EXPECT_THAT(refusal(sweep(rest + "width = -3\nsigma_w = 1.0\n")), HasSubstr("'width' is -3"));
  EXPECT_THAT(refusal(sweep(rest + "width = 4\nsigma_w = -1.0\n")), HasSubstr("'sigma_w' is -1"));
  EXPECT_THAT(refusal(sweep(rest + "width = 4\nsigma_w = nan\n")), HasSubstr("'sigma_w' is nan"));
  EXPECT_THAT(refusal(sweep(rest + "width = 4\nsigma_w = inf\n")), HasSubstr("finite"));
  EXPECT_THAT(refusal(sweep(rest + "width = 4\nsigma_w = 1.0\nsigma_b = -0.1\n")), HasSubstr("'sigma_b' is -0.1"));
  EXPECT_THAT(refusal(sweep(rest + "width = []\nsigma_w = 1.0\n")), HasSubstr("empty list"));
  EXPECT_THAT(refusal(sweep(rest + "width = 4\nsigma_w = 1.0\nweights = \"cauchy\"\n")),
              HasSubstr("unknown weight distribution"));
  EXPECT_THAT(refusal(sweep(rest + "width = 4\nsigma_w = 1.0\nweights = { law = \"student_t\", dof = 2 }\n")),
              HasSubstr("dof > 2"));
  EXPECT_THAT(refusal(sweep("width = 4\ndepth = 2\nsigma_w = 1.0\nactivation = \"hardtan\"\n")),
              HasSubstr("\"hard_tanh\""));
  EXPECT_THAT(refusal(sweep("width = 4\ndepth = 2\nsigma_w = 1.0\nactivation = { expression = \"x * foo(x)\" }\n")),
              HasSubstr("'foo' at position 5"));
}

TEST_F(BadStudies, WidthsBesideWidth) {
  const std::string rest = "sigma_w = 1.0\nactivation = \"relu\"\nwidths = [[4, 2]]\n";
  EXPECT_EQ(refusal(sweep(rest)), "");
  EXPECT_THAT(refusal(sweep(rest + "width = 4\n")), HasSubstr("'width' stands beside 'widths'"));
  EXPECT_THAT(refusal(sweep(rest + "depth = 4\n")), HasSubstr("'depth' stands beside 'widths'"));
  EXPECT_THAT(refusal(sweep("sigma_w = 1.0\nactivation = \"relu\"\nwidths = [[4, 0]]\n")), HasSubstr("'widths'"));
}

TEST_F(BadStudies, Input) {
  EXPECT_THAT(refusal(input("")), HasSubstr("'dimension' is missing"));
  EXPECT_THAT(refusal(input("dimension = 0\n")), HasSubstr("'dimension' is 0"));
  EXPECT_THAT(refusal(input("dimension = 1\n")), HasSubstr("two orthonormal points need two dimensions"));
  EXPECT_THAT(refusal(input("dimension = 6\nq0 = 0\n")), HasSubstr("no mean square"));
  EXPECT_THAT(refusal(input("dimension = 6\nq0 = \"fixpoint\"\n")), HasSubstr("\"fixed_point\""));
  EXPECT_THAT(refusal(input("dimension = 6\nlabels = \"study.toml\"\n")), HasSubstr("there is no [input] images"));
  EXPECT_THAT(refusal(input("images = \"nowhere.gz\"\n")),
              AllOf(HasSubstr("nowhere.gz"), HasSubstr("t10k-images-idx3-ubyte.gz")));
  folder_.write_digits(9);
  EXPECT_THAT(refusal(input("images = \"digits\"\ndimension = 6\n")), HasSubstr("fixes the dimension"));
  EXPECT_THAT(refusal(input("images = \"digits\"\nlabels = \"labels\"\n")), HasSubstr("'labels' is not used"));
  EXPECT_THAT(refusal(input("images = \"labels\"\n")), HasSubstr("holds labels, not images"));
  folder_.write("short", std::string("\0\0\10\3\0\0\0\2\0\0\0\2\0\0\0\2abc", 19));
  EXPECT_THAT(refusal(input("images = \"short\"\n")), HasSubstr("truncated"));
  folder_.write_digits(1);
  EXPECT_THAT(refusal(input("images = \"digits\"\n")), HasSubstr("holds 1 image"));
}

TEST_F(BadStudies, FixedPointThatIsNone) {
  const auto at = [](const std::string& sigma_w, const std::string& activation) {
    return Parts{.sweep = "width = 4\ndepth = 2\nsigma_w = " + sigma_w + "\nactivation = \"" + activation + "\"\n",
                 .input = "dimension = 6\nq0 = \"fixed_point\"\n"};
  };
  EXPECT_EQ(refusal(at("2.0", "hard_tanh")), "");
  EXPECT_THAT(refusal(at("[2.0, 0.5]", "tanh")), AllOf(HasSubstr("sigma_w = 0.5"), HasSubstr("q* = 0")));
  EXPECT_THAT(refusal(at("2.0", "relu")), HasSubstr("q* = inf"));
  EXPECT_THAT(refusal(at("0.0", "tanh")), HasSubstr("sigma_w = 0"));
}

TEST_F(BadStudies, Curve) {
  EXPECT_THAT(refusal(curve("kind = \"spiral\"\n")), HasSubstr("line, circle, arc"));
  EXPECT_THAT(refusal(curve("kind = \"arc\"\n")), HasSubstr("an arc needs its 'span'"));
  EXPECT_THAT(refusal(curve("span = [0, 1]\n")), HasSubstr("'span' belongs to an arc"));
  EXPECT_THAT(refusal(curve("kind = \"arc\"\nspan = [1, 1]\n")), HasSubstr("a < b"));
  EXPECT_THAT(refusal(curve("kind = \"arc\"\nspan = [0, 1, 2]\n")), HasSubstr("[a, b]"));
  EXPECT_THAT(refusal(curve("kind = \"line\"\northonormal = true\n")), HasSubstr("'orthonormal' has no meaning here"));
  EXPECT_THAT(refusal(curve("samples = 2\n")), HasSubstr("'samples' is 2"));
  EXPECT_THAT(refusal(curve("pair = [0, 1]\n")), HasSubstr("there is no [input] images"));
  EXPECT_THAT(refusal(curve("classes = [0, 1]\n")), HasSubstr("there is no [input] images"));
}

TEST_F(BadStudies, PairsAndClassesOfData) {
  EXPECT_THAT(refusal(digits("pair = [0, 9]\n")), AllOf(HasSubstr("names image 9"), HasSubstr("0 to 8")));
  EXPECT_THAT(refusal(digits("pair = [3, 3]\n")), HasSubstr("names image 3 twice"));
  EXPECT_THAT(refusal(digits("pair = [3]\n")), HasSubstr("'pair' has 1 numbers"));
  EXPECT_THAT(refusal(digits("pair = [-1, 2]\n")), HasSubstr("'pair' holds -1"));
  EXPECT_THAT(refusal(digits("classes = [0, 1]\n")), HasSubstr("'classes' needs labels"));
  const std::string labels = "labels = \"labels\"\n";
  EXPECT_THAT(refusal(digits("classes = [0, 1]\npair = [0, 1]\n", labels)),
              HasSubstr("'pair' stands beside 'classes'"));
  EXPECT_THAT(refusal(digits("classes = [0, 7]\n", labels)), HasSubstr("names class 7"));
  EXPECT_THAT(refusal(digits("classes = [0]\n", labels)), HasSubstr("'classes' has 1 numbers"));
  Parts parts = digits("classes = [0, 0]\n", labels);
  folder_.write_digits(3);
  EXPECT_THAT(refusal(parts), HasSubstr("two are needed"));
  folder_.write("labels", std::string("\0\0\10\1\0\0\0\2\0\1", 10));
  EXPECT_THAT(refusal(parts), AllOf(HasSubstr("holds 2 labels"), HasSubstr("holds 3 images")));
}

TEST_F(BadStudies, StoredNetworks) {
  const std::string network = "[network]\nfile = \"net.h5\"\n";
  write_network(6, 6);
  EXPECT_EQ(refusal({.sweep = "", .input = "", .rest = network}), "");
  EXPECT_THAT(refusal({.sweep = "sigma_w = 1.0\n", .input = "", .rest = network}),
              HasSubstr("'sigma_w' stands beside [network] file"));
  EXPECT_THAT(refusal({.sweep = "", .input = "", .rest = network + "[readout]\nsigma = 1.0\n"}),
              HasSubstr("brings its own readout"));
  EXPECT_THAT(refusal({.sweep = "", .input = "dimension = 5\n", .rest = network}),
              AllOf(HasSubstr("dimension 5"), HasSubstr("6 is")));
  EXPECT_THAT(refusal({.sweep = "", .input = "q0 = \"fixed_point\"\n", .rest = network}), HasSubstr("no sigma_w"));
  write_network(5, 6);
  EXPECT_THAT(refusal({.sweep = "", .input = "", .curve = "file = \"net.h5\"\n", .rest = network}),
              HasSubstr("curve has dimension 6"));
  folder_.write_digits(9);
  EXPECT_THAT(refusal({.sweep = "", .input = "images = \"digits\"\n", .rest = network}),
              HasSubstr("an image has dimension 6"));
  folder_.write("net.h5", "no network");
  EXPECT_THAT(refusal({.sweep = "", .input = "", .rest = network}), HasSubstr("not an HDF5 file"));
}

TEST_F(BadStudies, StoredCurves) {
  write_network(6, 6);
  const std::string file = "file = \"net.h5\"\n";
  EXPECT_THAT(refusal({.input = "dimension = 7\n", .curve = file}), HasSubstr("dimension 7 (6 is expected)"));
  EXPECT_THAT(refusal({.input = "q0 = 1.0\n", .curve = file}), HasSubstr("'q0' has no meaning here"));
  EXPECT_THAT(refusal({.input = "", .curve = file + "orthonormal = true\n"}),
              HasSubstr("'orthonormal' has no meaning here"));
  EXPECT_THAT(refusal({.input = "", .curve = file + "pair = [0, 1]\n"}), HasSubstr("'pair' has no meaning here"));
  EXPECT_THAT(refusal({.input = "", .curve = file + "kind = \"arc\"\n"}), HasSubstr("span"));
  EXPECT_EQ(refusal({.input = "", .curve = file + "kind = \"line\"\n"}), "");
}

TEST_F(BadStudies, Method) {
  EXPECT_EQ(refusal({.rest = "[transitions]\nmethod = \"exact\"\n"}), "");
  const std::string smooth = "width = 4\ndepth = 2\nsigma_w = 1.0\nactivation = [\"relu\", \"tanh\"]\n";
  EXPECT_EQ(refusal({.sweep = smooth}), "");
  EXPECT_THAT(refusal({.sweep = smooth, .rest = "[transitions]\nmethod = \"exact\"\n"}),
              HasSubstr("'method' is \"exact\""));
  EXPECT_EQ(refusal({.sweep = smooth, .rest = "[transitions]\nevents = true\n"}), "");
  EXPECT_THAT(refusal({.rest = "[transitions]\nmethod = \"sampled\"\nevents = true\n"}), HasSubstr("'events'"));
  EXPECT_EQ(refusal({.rest = "[transitions]\nmethod = \"sampled\"\n"}), "");
}

}  // namespace
}  // namespace meander

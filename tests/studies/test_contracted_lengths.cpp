// Lengths of curves that layers contract to far less than the rounding of their points.
//
// The right values come from mpmath with 60 digits: the network and curve that `meander export` gives, every sample
// through every layer, and the polygon through the images.
#include <gmock/gmock.h>

#include <cmath>

#include "tests/support/in_process.hpp"

namespace meander {
namespace {

struct Contracted {
  const char* sweep;
  const char* curve;
  double at_20, at_40, last;
};

class ContractedLengths : public testing::TestWithParam<Contracted> {};

TEST_P(ContractedLengths, AreThoseOfExactArithmetic) {
  const Contracted& c = GetParam();
  for (const char* precision : {"double", "single"}) {
    SCOPED_TRACE(precision);
    const testing_support::Folder folder;
    const auto ran = testing_support::run(folder.write(
        "study.toml", std::string("measure = \"trajectory_length\"\nseed = 1\nprecision = \"") + precision +
                          "\"\n[sweep]\n" + c.sweep + "[input]\ndimension = 10\n[curve]\n" + c.curve));
    const auto length = ran.values("length");
    ASSERT_EQ(length.size(), 60u);
    const bool is_single = precision == std::string("single");
    EXPECT_NEAR(length[19], c.at_20, (is_single ? 1e-4 : 1e-7) * c.at_20);
    EXPECT_NEAR(length[39], c.at_40, (is_single ? 1e-4 : 1e-7) * c.at_40);
    EXPECT_NEAR(length[59], c.last, 1e-12 * c.last);
    // Growth is the ratio, and what is left of the change with half the samples is the polygon's.
    EXPECT_NEAR(ran.values("growth")[59], length[59] / length[58], 1e-12);
    EXPECT_LT(ran.values("sampling_change")[59], 0.1);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Activations, ContractedLengths,
    testing::Values(Contracted{"width = 10\ndepth = 60\nsigma_w = 0.5\nsigma_b = 0.3\nactivation = \"tanh\"\n",
                               "kind = \"circle\"\nsamples = 30\n", 1.0434354510682562e-06, 1.025143199831009e-13,
                               1.792221933142528e-21},
                    Contracted{"width = 6\ndepth = 60\nsigma_w = 0.5\nsigma_b = 0.3\nactivation = \"tanh\"\n",
                               "kind = \"line\"\nsamples = 31\n", 7.097876091803626e-08, 2.2538854565855777e-15,
                               1.4019850478108209e-22},
                    Contracted{"width = 6\ndepth = 60\nsigma_w = 0.8\nsigma_b = 0.3\nactivation = \"swish\"\n",
                               "kind = \"circle\"\nsamples = 20\n", 1.2589052230104428e-07, 5.541361710253723e-15,
                               1.7583639713137327e-23},
                    Contracted{"width = 8\ndepth = 60\nsigma_w = 0.7\nsigma_b = 0.3\nactivation = \"relu\"\n",
                               "kind = \"circle\"\nsamples = 21\n", 2.0401338656960217e-07, 3.4817527056207167e-14,
                               1.1983035906924945e-20},
                    Contracted{"width = 6\ndepth = 60\nsigma_w = 0.5\nsigma_b = 0.3\nactivation = \"hard_tanh\"\n",
                               "kind = \"line\"\nsamples = 21\n", 9.412615766250612e-07, 5.710954880586362e-13,
                               3.911352358786261e-20},
                    Contracted{"width = 6\ndepth = 60\nsigma_w = 0.5\nsigma_b = 0.3\nactivation = \"sin\"\n",
                               "kind = \"circle\"\nsamples = 20\n", 2.7134773313756362e-06, 1.2626270426981477e-13,
                               7.33785991316065e-21}));

}  // namespace
}  // namespace meander

// Every smooth activation that is built in, written as a formula whose steps overflow or cancel, gives the same theory.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "tests/support/in_process.hpp"

namespace meander {
namespace {

using testing_support::Folder;
using testing_support::Ran;

struct Formula {
  const char* name;
  const char* text;
};

const Formula formulas[] = {{"tanh", "(exp(x)-exp(-x))/(exp(x)+exp(-x))"},
                            {"tanh", "(exp(2*x)-1)/(exp(2*x)+1)"},
                            {"sigmoid", "1/(1+exp(-x))"},
                            {"swish", "x/(1+exp(-x))"},
                            {"gelu", "x*erfc(-x/sqrt(2))/2"},
                            {"softplus", "log(1+exp(x))"},
                            {"erf", "1-erfc(x)"},
                            {"elu", "max(x,0)+min(exp(x)-1,0)"}};

struct Case {
  const char* measure;
  const char* text;
  std::vector<const char*> arrays;
};

const Case cases[] = {
    {"phase_diagram",
     "[sweep]\nsigma_w = [0.9, 20.0]\nsigma_b = [0.3]\n",
     {"q_star", "chi_1", "chi_2", "c_star", "xi_q", "xi_c"}},
    {"signal_propagation",
     "[input]\ndimension = 4\n[signal_propagation]\ngradients = true\n[sweep]\nwidth = [3]\ndepth = [30]\nsigma_w = "
     "[1.5]\nsigma_b = [0.3]\nc0 = [0.9, -0.5]\n",
     {"q_theory", "c_theory", "gradient_theory"}},
    {"geometry",
     "[input]\ndimension = 4\n[curve]\nsamples = 16\n[geometry]\ndeltas = 3\n[sweep]\nwidth = [3]\ndepth = "
     "[4]\nsigma_w "
     "= [5.0]\nsigma_b = [0.3]\n",
     {"q_theory", "metric_theory", "length_theory", "autocorrelation_theory"}},
    {"jacobian_spectrum",
     "[sweep]\nwidth = [4]\ndepth = [2]\nsigma_w = [1.5]\n",
     {"mean_theory", "variance_theory", "lambda_max_theory", "density_theory"}},
    {"decision_boundary",
     "[input]\ndimension = 4\n[sweep]\nwidth = [3]\ndepth = [3]\nsigma_w = [5.0]\nsigma_b = [0.3]\n",
     {"gradient_norm_theory", "curvature_rms_theory"}}};

Ran run(const Folder& folder, const Case& chosen, const std::string& activation) {
  return testing_support::run(folder.write(
      "study.toml", fmt::format("measure = \"{}\"\n{}activation = [{}]\n", chosen.measure, chosen.text, activation)));
}

TEST(Formulas, GiveTheTheoryOfWhatIsBuiltIn) {
  const Folder folder;
  for (const Case& chosen : cases) {
    for (const Formula& formula : formulas) {
      const Ran built_in = run(folder, chosen, fmt::format("\"{}\"", formula.name));
      const Ran written = run(folder, chosen, fmt::format("{{ expression = \"{}\" }}", formula.text));
      for (const char* array : chosen.arrays) {
        const std::size_t family = built_in.find(array).first;
        for (std::size_t cell = 0; cell < built_in.records[family].size(); ++cell) {
          const auto expected = built_in.values(array, cell), found = written.values(array, cell);
          ASSERT_EQ(expected.size(), found.size()) << chosen.measure << " " << array << " " << formula.text;
          double largest = 0.0;
          for (const double value : expected)
            largest = std::isfinite(value) ? std::max(largest, std::abs(value)) : largest;
          for (std::size_t k = 0; k < expected.size(); ++k) {
            if (!std::isfinite(expected[k])) continue;
            // A correlation of 7e-4 is known to the rounding of those of one that it is made of.
            EXPECT_NEAR(found[k], expected[k], std::max(1e-12 * largest, 4e-15))
                << chosen.measure << " " << array << "[" << k << "] of " << formula.text;
          }
        }
      }
    }
  }
}

/// The minimum over z of (1 + z) / z times the product over layers of sigma_w^2 z y(z), y the inverse of E t / (y - t):
/// by Gauss-Legendre panels and Brent's methods in SciPy.
TEST(Formulas, HaveTheEdgeOfTheirSlopes) {
  const Folder folder;
  const Case chosen{"jacobian_spectrum", "[sweep]\nwidth = [10]\ndepth = [3]\nsigma_w = [1.5]\n", {}};
  for (const char* activation : {"\"elu\"", "{ expression = \"max(x,0)+min(exp(x)-1,0)\" }"}) {
    EXPECT_NEAR(run(folder, chosen, activation).values("lambda_max_theory")[0], 33.82554733279846, 1e-8) << activation;
  }
}

}  // namespace
}  // namespace meander
